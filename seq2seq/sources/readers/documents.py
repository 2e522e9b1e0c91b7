"""JSON: one object a line (JSONL), or a list of them in a document."""

import json
import re
from collections.abc import Iterator
from typing import Any

import ijson  # type: ignore[import-untyped]

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import pair_rows, record_pair
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import BadRow, Row, Wanted
from seq2seq.sources.readers.texts import read_lines

_LIST_INSIDE = re.compile(rb'\s*\{\s*"((?:[^"\\]|\\.)*)"\s*:\s*\[')  # {"data": [


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
    for number, line in enumerate(read_lines(content, wanted.encoding), start=1):
        if not line.strip():
            continue
        where = f"line {number:,}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield BadRow(where, "not JSON")
            continue
        yield _row(content.name, where, value, wanted)


def read_json_document(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of a document, reading it as a stream.

    Raises:
        UserError: it is not JSON throughout.
    """
    named = _LIST_INSIDE.match(content.head().lstrip(b"\xef\xbb\xbf"))
    prefix = json.loads(b'"' + named[1] + b'"') + ".item" if named else "item"
    with content.open() as stream:
        number = 0
        try:
            for number, value in enumerate(ijson.items(stream, prefix, use_float=True), start=1):
                yield _row(content.name, f"entry {number:,}", value, wanted)
        except (ijson.JSONError, UnicodeError) as error:
            raise UserError(
                f"{content.name} is not JSON after entry {number:,} ({' '.join(str(error).split())}); mend it there"
            ) from None


def _row(name: str, where: str, value: Any, wanted: Wanted) -> Row:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(cell, str) for cell in value):
        return next(iter(pair_rows(name, [(where, value)], wanted)))
    return record_pair(where, value, wanted)
