"""What a reader is given, and what it gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from seq2seq.sources.readers.containers import Content


class Pair(NamedTuple):
    """A source and its target, and where they stand."""

    where: str
    source: str
    target: str


class BadRow(NamedTuple):
    """A row that is no pair though it should be one: it is put aside and counted, and too many stop the stage."""

    where: str
    reason: str  # the same words for the same fault: rows are counted by it


class NoPair(NamedTuple):
    """An entry that is none by its nature, such as a message that nobody has translated; it is counted."""

    where: str
    reason: str


Row = Pair | BadRow | NoPair


@dataclass(frozen=True)
class Wanted:
    """What the user wants of a file."""

    source: str  # language tags
    target: str
    columns: tuple[str, ...] = ()  # of the source and the target: names, or numbers from 1; () has them found
    encoding: str = "utf-8"  # of a text without a byte order mark


@dataclass(frozen=True)
class Reader:
    """One kind of file."""

    name: str
    recognises: Callable[[bytes], bool]  # by its first bytes, in UTF-8 where they are text
    read: Callable[[Content, Wanted], Iterator[Row]]
