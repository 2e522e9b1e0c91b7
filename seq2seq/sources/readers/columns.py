"""Which columns of a table hold the source and the target."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.rows import BadRow, NoPair, Row, Wanted
from seq2seq.text.languages import matching
from seq2seq.text.scripts import names_of

LOOKED_AT = 200  # rows
SIDES = (
    {"source", "src", "original", "input", "sentence", "text", "article", "question", "source_text"},
    {"target", "tgt", "translation", "output", "summary", "answer", "reply", "correction", "target_text"},
)
_ATTRIBUTION = re.compile(r"CC[ -](BY|0)", re.IGNORECASE)  # Anki's export of Tatoeba says who wrote a sentence
_NO_TEXT = re.compile(r"([-+]?\d+([.,]\d+)?([eE][-+]?\d+)?|https?://\S+)?")  # numbers, addresses, nothing
EMPTY = "an empty line"


class Columns(NamedTuple):
    """The places of both sides in a row, from 0, and how many columns a row has."""

    source: int
    target: int
    width: int
    header: bool = False  # whether the first row holds names


def find_columns(name: str, rows: Sequence[Sequence[str]], wanted: Wanted) -> Columns:
    """Find the columns from what the user says, from a header, or from how the first rows look.

    Args:
        name: of the table, for errors.
        rows: the first ones, at least one.
        wanted: languages, which a header may name, and the columns that the user chose.

    Raises:
        UserError: it is not clear which columns they are.
    """
    header = [cell.strip() for cell in rows[0]]
    width = _usual_width(rows)
    if wanted.columns:
        return _chosen(name, header, width, wanted)
    if named := _named(header, wanted):
        return Columns(*named, width=len(header), header=True)
    texts = [place for place in range(width) if not _column_is(rows, place, _holds_no_text)]
    if width == 3 and len(texts) == 3 and _column_is(rows, 2, lambda cell: bool(_ATTRIBUTION.search(cell))):
        texts = texts[:2]
    if len(texts) != 2:
        raise UserError(
            f"{name} has {width} columns, of which the first row holds {_shown(header)}; say which hold the source and "
            "the target: --set 'corpora.columns=[NAME, NAME]', or numbers from 1"
            if width > 1
            else f"{name} has one column, where a source and a target are needed; write each line as source TAB target"
        )
    return Columns(texts[0], texts[1], width)


def _chosen(name: str, header: Sequence[str], width: int, wanted: Wanted) -> Columns:
    places = []
    names_used = False
    for column in wanted.columns:
        if column.isdecimal() and column not in header:
            if not 1 <= int(column) <= width:
                raise UserError(f"corpora.columns: {name} has {width} columns, and no column {column}")
            places.append(int(column) - 1)
        elif column in header:
            names_used = True
            places.append(header.index(column))
        else:
            raise UserError(f"corpora.columns: {name} has no column '{column}'; its first row holds {_shown(header)}")
    named = names_used or _named(header, wanted) is not None
    return Columns(places[0], places[1], len(header) if named else width, named)


def _named(header: Sequence[str], wanted: Wanted) -> tuple[int, int] | None:
    """The columns that a header names, by side or by language."""
    by_side = [[place for place, cell in enumerate(header) if cell.casefold() in names] for names in SIDES]
    if all(len(places) == 1 for places in by_side):
        return by_side[0][0], by_side[1][0]
    found = []
    for language in (wanted.source, wanted.target):
        tag = matching(language, [cell for cell in header if cell])
        names = {tag, *names_of(language)}
        places = [place for place, cell in enumerate(header) if cell and (cell in names or cell.casefold() in names)]
        if len(places) != 1:
            return None
        found.append(places[0])
    return (found[0], found[1]) if found[0] != found[1] else None


def _usual_width(rows: Iterable[Sequence[str]]) -> int:
    widths = [len(row) for row in rows]
    return max(set(widths), key=lambda width: (widths.count(width), width))


def _holds_no_text(cell: str) -> bool:
    """Tatoeba's tables put a sentence's number before it; others have scores, or addresses that it came from."""
    return bool(_NO_TEXT.fullmatch(cell))


def _column_is(rows: Iterable[Sequence[str]], place: int, holds: Callable[[str], bool]) -> bool:
    cells = [row[place].strip() for row in rows if len(row) > place]
    return bool(cells) and all(map(holds, cells))


def _shown(header: Sequence[str]) -> str:
    return ", ".join(f"'{cell[:30]}'" for cell in header)


def pair_rows(
    name: str, unit: str, rows: Iterable[tuple[int, Sequence[str]] | BadRow | NoPair], wanted: Wanted
) -> Iterator[Row]:
    """Turn rows, each with its number, into pairs; the first ones tell which columns to take.

    Args:
        name: of the table, for errors.
        unit: what is numbered, such as line.
        rows: what is no row is passed on.
        wanted: languages, and the columns that the user chose.

    Raises:
        UserError: it is not clear which columns they are.
    """
    stream = iter(rows)
    first = list(islice(stream, LOOKED_AT))
    cells = [row[1] for row in first if isinstance(row, tuple) and any(row[1])]
    if not cells:
        yield from (row for row in first if not isinstance(row, tuple))
        return
    columns = find_columns(name, cells, wanted)
    header = columns.header
    for row in chain(first, stream):
        if not isinstance(row, tuple):
            yield row
            continue
        number, values = row
        if len(values) != columns.width:
            yield no_row(unit, number, values, columns.width)
        elif header:
            header = False
            yield names_row(unit, number)
        else:
            yield checked(unit, number, values[columns.source], values[columns.target])


def names_row(unit: str, number: int) -> NoPair:
    """The row that holds the names of the columns."""
    return NoPair(f"{unit} {number:,}", "the names of the columns")


def no_row(unit: str, number: int, values: Sequence[str], width: int) -> BadRow | NoPair:
    """A row with another number of columns, or with none."""
    where = f"{unit} {number:,}"
    if not any(values):
        return NoPair(where, EMPTY)
    return BadRow(where, f"{len(values)} column{'s' * (len(values) != 1)} in place of {width}")


def checked(unit: str, number: int, source: str, target: str) -> Row:
    """A pair, unless a text can't be written as UTF-8; ``unit`` is what is numbered, such as line."""
    if source.isascii() and target.isascii():
        return source, target
    try:
        source.encode()
        target.encode()
    except UnicodeEncodeError:
        return BadRow(f"{unit} {number:,}", "half of a surrogate pair, which no text may hold")
    return source, target


def record_pair(unit: str, number: int, record: object, wanted: Wanted) -> Row:
    """The pair of a JSON object or of a row with named columns; ``translation`` may hold both languages.

    Hugging Face's datasets write ``{"translation": {"en": ..., "de": ...}}``.
    """
    if isinstance(record, Mapping) and isinstance(record.get("translation"), Mapping):
        record = record["translation"]
    if not isinstance(record, Mapping):
        return BadRow(f"{unit} {number:,}", "no object with named values")
    chosen: Sequence[str] = wanted.columns
    if not chosen:
        names = [str(name) for name in record]
        places = _named(names, wanted)
        if places is None:
            return BadRow(f"{unit} {number:,} (it has {_shown(names[:8])})", "no names of a source and a target")
        chosen = [names[place] for place in places]
    elif missing := [name for name in chosen if name not in record]:
        return BadRow(f"{unit} {number:,}", f"no value '{missing[0]}'")
    source, target = (record[name] for name in chosen)
    if not (isinstance(source, str) and isinstance(target, str)):
        return BadRow(f"{unit} {number:,}", "a value that is no text")
    return checked(unit, number, source, target)
