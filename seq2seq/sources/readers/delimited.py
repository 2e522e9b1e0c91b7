"""Tables as text: TSV, and CSV with commas, semicolons or bars (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180)."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import pair_rows
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import BadRow, Row, Wanted
from seq2seq.sources.readers.texts import read_lines

DELIMITERS = "\t,;|"
LOOKED_AT = 200  # lines
LINES_OF_A_ROW = 100  # a quotation mark that isn't closed by then was never meant to open a cell
Numbered = tuple[int, str]


def is_table(head: bytes) -> bool:
    """Whether something stands between cells."""
    lines = [line.removesuffix("\r") for line in head.decode("utf-8", "replace").split("\n")]
    whole = lines[:-1] or lines  # the last line may be cut
    return find_delimiter(whole[:LOOKED_AT]) is not None


def read_delimited(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of a table."""
    lines = enumerate(read_lines(content, wanted.encoding), start=1)
    first = list(islice(lines, LOOKED_AT))
    delimiter = find_delimiter([line for _, line in first])
    if delimiter is None:
        raise UserError(
            f"{content.name} has one column, where a source and a target are needed; "
            "write each line as source TAB target"
        )
    stream: Iterator[Numbered] = _chain(first, lines)
    if delimiter == "\t" and not is_quoted([line for _, line in first], delimiter):
        rows: Iterator[tuple[str, list[str]]] = (
            (f"line {number:,}", line.split("\t")) for number, line in stream if line
        )
        yield from pair_rows(content.name, rows, wanted)
        return
    bad: list[BadRow] = []
    for row in pair_rows(content.name, _quoted_rows(stream, delimiter, bad), wanted):
        yield from bad
        bad.clear()
        yield row
    yield from bad


def _chain(first: list[Numbered], rest: Iterator[Numbered]) -> Iterator[Numbered]:
    yield from first
    yield from rest


def find_delimiter(lines: list[str]) -> str | None:
    """What stands between the cells: of those that most lines have equally often, the first of DELIMITERS."""
    lines = [line for line in lines if line]
    best, share = None, 0.5
    for delimiter in DELIMITERS:
        counts = [len(_cells(line, delimiter)) - 1 for line in lines]
        with_any = [count for count in counts if count]
        if not with_any:
            continue
        usual = max(set(with_any), key=with_any.count)
        found = counts.count(usual) / len(lines)
        if found > share or (delimiter == "\t" and len(with_any) >= len(lines) / 2):
            best, share = delimiter, found
            if delimiter == "\t":
                break  # text has commas by chance, but no tabs
    return best


def is_quoted(lines: list[str], delimiter: str) -> bool:
    """Whether quotation marks around a cell belong to the table and not to the text.

    They do where every cell that begins with one also ends with one, and some cell holds what needs them: a
    delimiter, or a mark that is doubled. ``"Go!"`` alone may be what somebody says.
    """
    needed = False
    for line in lines:
        plain = line.split(delimiter)
        cells = _cells(line, delimiter)
        needed |= len(cells) != len(plain) or any(cell.startswith('"') and '""' in cell[1:-1] for cell in plain)
        if len(cells) == len(plain) and any(cell.startswith('"') and not cell.endswith('"') for cell in plain):
            return False
    return needed


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _quoted_rows(lines: Iterator[Numbered], delimiter: str, bad: list[BadRow]) -> Iterator[tuple[str, list[str]]]:
    """Rows whose cells may be in quotation marks and then hold line breaks; what is no row goes to ``bad``."""
    opened = re.compile(rf'(?:^|{re.escape(delimiter)})"(?:[^"]|"")*$')
    waiting: deque[Numbered] = deque()

    def following() -> Numbered | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (line := following()) is not None:
        number, text = line
        taken = [line]
        while opened.search(text) and len(taken) < LINES_OF_A_ROW and (more := following()) is not None:
            taken.append(more)
            text = f"{text}\n{more[1]}"
        where = f"line {number:,}"
        if opened.search(text):
            bad.append(BadRow(where, "a quotation mark that opens a cell and is never closed"))
            waiting.extendleft(reversed(taken[1:]))
            continue
        if not text:
            continue
        try:
            # the module takes a lone carriage return for the end of a row
            yield where, next(csv.reader([re.sub(r"\r(?!\n)", " ", text)], delimiter=delimiter))
        except csv.Error as error:
            bad.append(BadRow(where, str(error)))
