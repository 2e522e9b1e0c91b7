"""How the tests of readers read: everything at a path, sorted by what became of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from seq2seq.sources.readers.own import find_sources
from seq2seq.sources.readers.rows import BadRow, NoPair, Wanted

GERMAN = Wanted("en", "de")
TWO = [("A house", "Ein Haus"), ("A dog", "Ein Hund")]


class Found(NamedTuple):
    kinds: list[str]
    pairs: list[tuple[str, str]]
    bad: list[tuple[str, str]]  # where, and why
    none: list[tuple[str, str]]


def read(path: Path, wanted: Wanted = GERMAN) -> Found:
    sources = find_sources(path, wanted)
    rows = [row for source in sources for row in source.read()]
    return Found(
        [source.kind for source in sources],
        [row for row in rows if isinstance(row, tuple)],
        [(row.where, row.reason) for row in rows if isinstance(row, BadRow)],
        [(row.where, row.reason) for row in rows if isinstance(row, NoPair)],
    )


def tsv(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{source}\t{target}\n" for source, target in pairs)
