"""Tables as text: TSV, and CSV with commas, semicolons or bars (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180)."""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from itertools import chain, islice

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import Columns, find_columns, names_row, no_row, pair_rows
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import BadRow, NoPair, Row, Wanted
from seq2seq.sources.readers.texts import read_lines

DELIMITERS = "\t,;|"
LOOKED_AT = 200  # lines
LINES_OF_A_ROW = 100  # a quotation mark that isn't closed by then was never meant to open a cell
SURE_LINES = 3  # quoted throughout: a table, not a conversation
Numbered = tuple[int, str]
_DIRECTIVE = re.compile(r"#(separator|html|tags|columns|notetype|deck|guid|if matches)\b.*|sep=.", re.IGNORECASE)


def is_table(content: Content, wanted: Wanted) -> bool:
    """Whether something stands between cells."""
    return find_delimiter(list(islice(read_lines(content, wanted.encoding), LOOKED_AT))) is not None


def read_delimited(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of a table."""
    lines = enumerate(read_lines(content, wanted.encoding), start=1)
    first = list(islice(lines, LOOKED_AT))
    shown = [line for _, line in first]
    delimiter = find_delimiter(shown)
    if delimiter is None:
        raise UserError(
            f"{content.name} has one column, where a source and a target are needed; "
            "write each line as source TAB target"
        )
    about = count_directives(shown)
    for number in range(1, about + 1):
        yield NoPair(f"line {number:,}", "a line about the table, for Anki or Excel")
    stream = chain(first[about:], lines)
    if delimiter == "\t" and not is_quoted(shown[about:], delimiter):
        columns = find_columns(content.name, [line.split("\t") for line in shown[about:] if line], wanted)
        yield from _plain_pairs(stream, columns)
    else:
        yield from pair_rows(content.name, "line", _quoted_rows(stream, delimiter), wanted)


def _plain_pairs(lines: Iterator[Numbered], columns: Columns) -> Iterator[Row]:
    """What ``pair_rows`` does, for what nearly every large table is, in two thirds of the time."""
    source, target, width, header = columns
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) == width and not header:
            yield cells[source], cells[target]
        elif len(cells) == width:
            header = False
            yield names_row("line", number)
        else:
            yield no_row("line", number, cells, width)


def count_directives(lines: list[str]) -> int:
    """How many lines at the beginning tell a program about the table."""
    return next((number for number, line in enumerate(lines) if not _DIRECTIVE.fullmatch(line)), len(lines))


def find_delimiter(lines: list[str]) -> str | None:
    """What stands between the cells: a tab in half of the lines, else what most rows have equally often."""
    lines = [line for line in lines[count_directives(lines) :] if line]
    if lines and sum("\t" in line for line in lines) >= len(lines) / 2:  # text has commas by chance, but no tabs
        return "\t"
    best, share = None, 0.5
    for delimiter in DELIMITERS:
        rows = list(_quoted_rows(iter(enumerate(lines)), delimiter))
        counts = [len(row[1]) - 1 for row in rows if isinstance(row, tuple)]
        if not any(counts):
            continue
        usual = Counter(count for count in counts if count).most_common(1)[0][1]
        if usual / len(rows) > share:
            best, share = delimiter, usual / len(rows)
    return best


def is_quoted(lines: list[str], delimiter: str) -> bool:
    """Whether quotation marks around a cell belong to the table and not to the text.

    They do where all cells that begin with one end with one, and some hold what needs them: a delimiter, a line break,
    a doubled mark; or where all cells have them. ``"Go!"`` alone may be what somebody says.
    """
    plain = [cell for line in lines for cell in line.split(delimiter)]
    quoted = [cell for cell in plain if len(cell) > 2 and cell.startswith('"') and cell.endswith('"')]
    rows = list(_quoted_rows(iter(enumerate(lines)), delimiter))
    sure = len(lines) if len(lines) < LOOKED_AT else LOOKED_AT - LINES_OF_A_ROW  # the last row may have been cut
    if any(isinstance(row, BadRow) for row in rows[:sure]):
        return False
    parsed = [row for row in rows if isinstance(row, tuple)]
    widths = Counter(len(cells) for _, cells in parsed)
    usual = max(widths, key=lambda width: (widths[width], width), default=0)
    ends = [number for number, _ in parsed[1:]] + [len(lines)]
    for (number, cells), end in zip(parsed[:sure], ends, strict=False):
        whole = all(len(line.split(delimiter)) == usual for line in lines[number:end])
        if whole and (len(cells) != usual or end - number > 1):
            return False  # the lines are rows if their marks are text
    cells = [cell for _, row in parsed for cell in row]
    needed = any(delimiter in cell or "\n" in cell for cell in cells) or any('""' in cell[1:-1] for cell in quoted)
    return needed or (len(lines) >= SURE_LINES and len(quoted) == len(plain))


def ends_inside(line: str, delimiter: str, inside: bool) -> bool:
    """Whether a cell in quotation marks is open at the end of a line; ``inside`` tells of its beginning."""
    at = 0
    while True:
        if inside:
            at = line.find('"', at) + 1
            if at == 0:
                return True
            if line.startswith('"', at):  # two marks are one of the text
                at += 1
                continue
            if not line.startswith(delimiter, at):  # the end of the line, or no table
                return False
            inside = False
            at += len(delimiter)
        elif line.startswith('"', at):
            inside = True
            at += 1
        else:
            at = line.find(delimiter, at) + 1
            if at == 0:
                return False


def _quoted_rows(lines: Iterator[Numbered], delimiter: str) -> Iterator[tuple[int, list[str]] | BadRow]:
    """Rows whose cells may be in quotation marks and then hold delimiters and line breaks."""
    waiting: deque[Numbered] = deque()
    while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        number, text = line
        if '"' not in text:
            yield number, text.split(delimiter)
            continue
        more: list[Numbered] = []
        inside = ends_inside(text, delimiter, False)
        while inside and len(more) < LINES_OF_A_ROW:
            following = waiting.popleft() if waiting else next(lines, None)
            if following is None:
                break
            more.append(following)
            inside = ends_inside(following[1], delimiter, True)
        try:
            yield number, _parse("\n".join([text, *(part for _, part in more)]), delimiter)
        except csv.Error:
            waiting.extendleft(reversed(more))  # they may be rows of their own
            yield BadRow(f"line {number:,}", "quotation marks that begin a cell and don't end one")


def _parse(text: str, delimiter: str) -> list[str]:
    # the module takes a carriage return outside of quotation marks for the end of a row
    return next(csv.reader([text.replace("\r", " ")], delimiter=delimiter, strict=True))
