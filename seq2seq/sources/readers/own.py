"""The user's own pairs: which files there are, what each is, and their rows as frames."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.sources.catalogue import OLD_PAIRS, PAIRS
from seq2seq.sources.readers.aligned import read_aligned
from seq2seq.sources.readers.containers import Content, list_contents
from seq2seq.sources.readers.kinds import find_reader, find_table
from seq2seq.sources.readers.rows import BadRow, NoPair, Row, Wanted
from seq2seq.sources.readers.subtitles import is_subtitles, read_subtitles
from seq2seq.sources.readers.texts import as_utf8
from seq2seq.text.corpus import ROWS_PER_PARTITION, pairs
from seq2seq.text.languages import matching

CHECKED_ROWS = 10_000  # of each file, before anything runs
EXAMPLES = 3  # places of each reason that are told
OLD = "old"
SHOWN_REASONS = 3
SURE = 1000  # bad rows, more than half of all: the rest of the file needn't be read to see that it isn't what it seems
_ABOUT = re.compile(r"(readme|licen[cs]e|copying|citation|changelog)(\.(txt|md|rst|html?|cff|bib))?|.*\.dvc", re.I)


class Source(NamedTuple):
    """Something to read: a content, or two that belong together."""

    name: str
    kind: str  # in words
    read: Callable[[], Iterator[Row]]


def find_files(path: Path) -> list[Path]:
    """The user's files: the one at ``path``, or those under a folder in order of name.

    Hidden files, DVC's own, and what only tells about others (README, LICENSE) are left out.

    Raises:
        UserError: there is nothing at ``path``.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"corpora.pairs: {path} does not exist; name a file of pairs, or a folder of such files")
    found = [file for file in path.rglob("*") if file.is_file() and not _is_about(file.relative_to(path))]
    return sorted(found)


def _is_about(path: PurePath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)  # the latter in zips of macOS
    return hidden or bool(_ABOUT.fullmatch(path.name))


def find_sources(path: Path, wanted: Wanted) -> list[Source]:
    """What there is to read at ``path``.

    Raises:
        UserError: nothing is there, or a file that no reader takes.
    """
    return sources_of(find_contents(path), wanted)


def by_corpus(path: Path, sources: list[Source]) -> dict[str, list[Source]]:
    """The sources found at ``path`` by the names of their corpora: what is in its folder ``old`` is one of its own."""
    old = [source for source in sources if source.name.startswith(f"{path / OLD}/")]
    new = [source for source in sources if source not in old]
    return {name: found for name, found in ((PAIRS, new), (OLD_PAIRS, old)) if found}


def find_contents(path: Path) -> list[Content]:
    """What the files at ``path`` hold, unpacked.

    Raises:
        UserError: nothing is there, or an archive is damaged.
    """
    return [content for file in find_files(path) for content in list_contents(file, str(file))]


def sources_of(contents: list[Content], wanted: Wanted) -> list[Source]:
    """What there is to read in these contents, of which two may belong together.

    Raises:
        UserError: no reader takes one of them.
    """
    contents = [content for content in contents if not _is_about(PurePath(content.member))]
    readers = {content.name: find_reader(content, wanted) for content in contents}
    partners = _pair_up([content for content in contents if readers[content.name] is None], wanted)
    second = {target.name for target in partners.values()}
    sources = []
    for content in contents:
        if content.name in second:
            continue
        if (target := partners.get(content.name)) is not None:
            sources.append(_two_files(content, target, wanted))
            continue
        reader = readers[content.name] or (find_table(content, wanted) if content.head() else None)
        if reader is None:
            raise UserError(f"{content.name} is empty; write pairs into it, or remove it")
        kind = f"{reader.name}, {content.packing}" if content.packing else reader.name
        sources.append(Source(content.name, kind, partial(reader.read, content, wanted)))
    return sources


def _two_files(source: Content, target: Content, wanted: Wanted) -> Source:
    subtitles = all(is_subtitles(as_utf8(side.head(), wanted.encoding)) for side in (source, target))
    read = read_subtitles if subtitles else read_aligned
    kind = "subtitles" if subtitles else "line-aligned files"
    return Source(f"{source.name} + {target.name}", kind, partial(read, source, target, wanted))


def _pair_up(contents: list[Content], wanted: Wanted) -> dict[str, Content]:
    """Partners by the names of sources: names that differ in one part, where one has each language."""
    if wanted.source == wanted.target:
        return {}
    targets = {key: content for content in contents for key in _keys(content.name, wanted.target)}
    found = {}
    for content in contents:
        for key in _keys(content.name, wanted.source):
            if key in targets and targets[key].name != content.name:
                found[content.name] = targets[key]
    return found


def _keys(name: str, language: str) -> Iterator[str]:
    """The name with each part that is the language left open: film.en.srt gives film.*.srt."""
    folder, slash, last = name.rpartition("/")
    parts = re.split(r"([._])", last)
    for place in range(0, len(parts), 2):
        ends = (place + 3, place + 1) if parts[place + 1 : place + 2] == ["_"] else (place + 1,)
        for end in ends:  # de_AT before de
            if matching(language, ["".join(parts[place:end])]) is not None:
                yield folder + slash + "".join([*parts[:place], "*", *parts[end:]])
                break


class Tally:
    """What became of the rows of one source, of which at most ``percent`` may be bad."""

    def __init__(self, source: Source, percent: float) -> None:
        self.source = source
        self.percent = percent
        self.pairs = 0
        self.bad: Counter[str] = Counter()
        self.none: Counter[str] = Counter()
        self.places: dict[str, list[str]] = {}

    def put_aside(self, row: BadRow | NoPair) -> None:
        """Count a row that is no pair.

        Raises:
            UserError: most rows are bad.
        """
        counts = self.bad if isinstance(row, BadRow) else self.none
        counts[row.reason] += 1
        places = self.places.setdefault(row.reason, [])
        if len(places) < EXAMPLES:
            places.append(row.where)
        if counts is self.bad and (bad := self.bad.total()) % SURE == 0 and bad > self.pairs:
            self.check(so_far=" so far")

    def check(self, so_far: str = "") -> None:
        """Stop where too many rows are bad, or nothing is there.

        Raises:
            UserError: so it is.
        """
        bad = self.bad.total()
        if bad > (self.pairs + bad) * self.percent / 100:
            raise UserError(
                f"{self.source.name}: {bad:,} of {self.pairs + bad:,} rows{so_far} are no pairs: {self._reasons()}; "
                f"mend them, or raise corpora.bad_rows_percent, which is {self.percent:g}"
            )
        if not self.pairs:
            others = f" ({self._reasons()})" if self.none or self.bad else ""
            raise UserError(f"{self.source.name} has no pair{others}; write pairs into it, or remove it")

    def _reasons(self) -> str:
        counted = (self.bad or self.none).most_common()
        shown = [
            f"{reason} ({count:,} times, at {', '.join(self.places[reason])}{' ...' if count > EXAMPLES else ''})"
            for reason, count in counted[:SHOWN_REASONS]
        ]
        more = len(counted) - len(shown)
        return "; ".join([*shown, f"{more:,} more reason{'s' * (more > 1)}"] if more else shown)

    def tell(self) -> None:
        """Say how many rows were put aside, if any."""
        if bad := self.bad.total():
            print(f"notice: {self.source.name}: {bad:,} of {self.pairs + bad:,} rows are put aside: {self._reasons()}")

    def facts(self) -> dict[str, Any]:
        """What the report shows."""
        told: dict[str, Any] = {"name": self.source.name, "kind": self.source.kind, "pairs": self.pairs}
        told |= {"put_aside": dict(self.bad)} if self.bad else {}
        told |= {"no_pairs": dict(self.none)} if self.none else {}
        return told | ({"places": self.places} if self.places else {})


def check_sources(sources: list[Source], percent: float) -> None:
    """Read the first rows of each source, before anything runs.

    Raises:
        UserError: one can't be read, or is short and has no pair or too many bad rows.
    """
    for source in sources:
        tally = Tally(source, percent)
        rows = source.read()
        for row in islice(rows, CHECKED_ROWS):
            if isinstance(row, tuple):
                tally.pairs += 1
            else:
                tally.put_aside(row)
        if next(rows, None) is None:
            tally.check()


def read_sources(sources: list[Source], percent: float, origin: str, facts: list[Any]) -> Iterator[pd.DataFrame]:
    """Yield frames of the pairs of all sources; what became of their rows is added to ``facts``.

    Raises:
        UserError: one can't be read, has no pair, or has more than ``percent`` per cent of bad rows.
    """
    for source in sources:
        tally = Tally(source, percent)
        rows = source.read()
        while chunk := list(islice(rows, ROWS_PER_PARTITION)):
            found = [row for row in chunk if isinstance(row, tuple)]
            tally.pairs += len(found)
            for row in chunk if len(found) < len(chunk) else ():
                if not isinstance(row, tuple):
                    tally.put_aside(row)
            if found:
                yield pairs([row[0] for row in found], [row[1] for row in found], origin)
        tally.check()
        tally.tell()
        facts.append(tally.facts())
