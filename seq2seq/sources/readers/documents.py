"""JSON: one object a line (JSONL), or a list of them in a document."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import EMPTY, pair_rows, record_pair
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import BadRow, NoPair, Row, Wanted
from seq2seq.sources.readers.texts import open_text, read_lines

BLOCK = 2**18  # characters that are read at once
LARGEST = 2**26  # characters of one value
_SPACE = re.compile(r"[ \t\n\r]*")
_LIST = re.compile(r"\[[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_Value = tuple[int, Any] | BadRow | NoPair  # with its number


def is_lines(head: bytes) -> bool:
    """Whether the first line is a whole JSON object, or a list of cells."""
    first, _, rest = head.lstrip().partition(b"\n")
    if not first.startswith((b"{", b"[")):
        return False
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, dict):
        return bool(rest.strip()) or not any(map(_are_records, value.values()))
    return not _are_records(value)


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict | list)


def is_document(head: bytes) -> bool:
    """Whether it is one list of objects or lists, or an object with such a list."""
    text = head.decode("utf-8", "ignore")
    try:
        return next(_find_records(_Scanner(lambda size: "", text)), None) is not None
    except (ValueError, RecursionError):
        return False


def read_json_lines(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of a file with an object, or a list of cells, a line."""

    def values() -> Iterator[_Value]:
        for number, line in enumerate(read_lines(content, wanted.encoding), start=1):
            if not line.strip():
                yield NoPair(f"line {number:,}", EMPTY)
                continue
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield BadRow(f"line {number:,}", "not JSON")

    return _rows(content.name, "line", values(), wanted)


def read_json_document(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of a document, reading it as a stream.

    Raises:
        UserError: it is not JSON throughout, or has several lists.
    """

    def values() -> Iterator[_Value]:
        number = 0
        names: list[str] = []
        with open_text(content, wanted.encoding) as stream:
            scanner = _Scanner(stream.read)
            try:
                for name in _find_records(scanner):
                    names.append(name)
                    for value in _entries(scanner):
                        number += 1
                        yield number, value
            except (ValueError, RecursionError):  # a ValueError is also raised by what isn't in its encoding
                raise UserError(f"{content.name} is not JSON after entry {number:,}; mend it there") from None
        if len(names) > 1:
            raise UserError(f"{content.name} has several lists: {', '.join(names)}; save each as a file of its own")

    return _rows(content.name, "entry", values(), wanted)


class _Scanner:
    """A window on a text that is read as a stream."""

    def __init__(self, read: Callable[[int], str], text: str = "") -> None:
        self.read, self.text, self.at = read, text, 0

    def _more(self) -> bool:
        """Read on, at least as much as there is, and forget what was passed."""
        block = self.read(max(BLOCK, len(self.text) - self.at))
        if block:
            self.text = self.text[self.at :] + block
            self.at = 0
        return bool(block)

    def peek(self) -> str:
        """The next character that is no white space; nothing at the end."""
        while True:
            space = _SPACE.match(self.text, self.at)
            self.at = space.end() if space else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                return ""

    def take(self, characters: str) -> str:
        """Go on behind the next character, which must be one of these."""
        found = self.peek()
        if not found or found not in characters:
            raise ValueError
        self.at += 1
        return found

    def value(self) -> Any:
        """The value that begins here."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except ValueError:
                if len(self.text) - self.at > LARGEST or not self._more():
                    raise
                continue
            if end < len(self.text) or not self._more():  # at the end of the window a number may go on
                self.at = end
                return value

    def holds_records(self) -> bool:
        """Whether a list of objects or lists begins here."""
        if self.peek() != "[":
            return False
        while (begin := _LIST.match(self.text, self.at)) and begin.end() == len(self.text) and self._more():
            pass
        return begin is not None and self.text[begin.end() : begin.end() + 1] in ("[", "{")


def _find_records(scanner: _Scanner) -> Iterator[str]:
    """Stop at the beginning of each list of records, and yield its name; a document that is one has none."""
    if scanner.holds_records():
        yield ""
        if scanner.peek():
            raise ValueError
        return
    scanner.take("{")
    if scanner.peek() == "}":
        return
    while True:
        name = scanner.value()
        scanner.take(":")
        if scanner.holds_records():
            yield str(name)
        else:
            scanner.value()
        if scanner.take(",}") == "}":
            return


def _entries(scanner: _Scanner) -> Iterator[Any]:
    scanner.take("[")
    if scanner.peek() == "]":
        scanner.take("]")
        return
    while True:
        yield scanner.value()
        if scanner.take(",]") == "]":
            return


def _rows(name: str, unit: str, values: Iterator[_Value], wanted: Wanted) -> Iterator[Row]:
    """Pairs of objects, or of lists: the first value tells which."""
    first = next(values, None)
    stream = chain([first] if first is not None else [], values)
    if isinstance(first, tuple) and isinstance(first[1], list):
        yield from pair_rows(name, unit, (_as_cells(unit, value) for value in stream), wanted)
        return
    for value in stream:
        yield record_pair(unit, *value, wanted) if isinstance(value, tuple) else value


def _as_cells(unit: str, value: _Value) -> tuple[int, list[str]] | BadRow | NoPair:
    if not isinstance(value, tuple):
        return value
    number, cells = value
    if isinstance(cells, list) and all(isinstance(cell, str | int | float) for cell in cells):
        return number, [str(cell) for cell in cells]
    return BadRow(f"{unit} {number:,}", "no list of cells")
