"""What a reader is given, and what it gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seq2seq.sources.readers.containers import Content

Pair = tuple[str, str]  # a source and its target


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no pair though it should be one: it is put aside and counted, and too many stop the stage."""

    where: str
    reason: str  # the same words for the same fault: rows are counted by it


@dataclass(frozen=True, slots=True)
class NoPair:
    """An entry that is none by its nature, such as a message that nobody has translated; it is counted."""

    where: str
    reason: str


Row = Pair | BadRow | NoPair  # millions of pairs are made: a plain tuple is made fastest


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
