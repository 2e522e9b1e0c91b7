"""JSON: one object a line (JSONL), or a list of them in a document."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import ijson  # type: ignore[import-untyped]

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import EMPTY, pair_rows, record_pair
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import BadRow, NoPair, Row, Wanted
from seq2seq.sources.readers.texts import as_utf8, open_utf8, read_lines

_LIST_INSIDE = re.compile(rb'\s*\{\s*"((?:[^"\\]|\\.)*)"\s*:\s*\[')  # {"data": [
_Value = tuple[int, Any] | BadRow | NoPair  # with its number


def is_lines(head: bytes) -> bool:
    """Whether the first line is a whole JSON object or list."""
    first, _, rest = head.lstrip().partition(b"\n")
    if not first.startswith((b"{", b"[")) or (_LIST_INSIDE.match(first) and not rest.strip()):
        return False
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) or not any(isinstance(one, dict | list) for one in value)


def is_document(head: bytes) -> bool:
    """Whether it is one list of objects or lists, or an object with such a list."""
    text = head.lstrip()
    return bool(re.match(rb"\[\s*[\[{]", text) or _LIST_INSIDE.match(text))


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
        UserError: it is not JSON throughout.
    """
    named = _LIST_INSIDE.match(as_utf8(content.head(), wanted.encoding))
    prefix = json.loads(b'"' + named[1] + b'"') + ".item" if named else "item"

    def values() -> Iterator[_Value]:
        number = 0
        with open_utf8(content, wanted.encoding) as stream:
            try:
                for number, value in enumerate(ijson.items(stream, prefix, use_float=True), start=1):
                    yield number, value
            except (ijson.JSONError, UnicodeError) as error:
                raise UserError(
                    f"{content.name} is not JSON after entry {number:,} ({' '.join(str(error).split())}); mend it there"
                ) from None

    return _rows(content.name, "entry", values(), wanted)


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
