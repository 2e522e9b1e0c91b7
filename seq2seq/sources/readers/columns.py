"""Which columns of a table hold the source and the target."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.rows import BadRow, Pair, Row, Wanted
from seq2seq.text.languages import matching
from seq2seq.text.scripts import name_of

LOOKED_AT = 200  # rows
SIDES = ({"source", "src", "original", "input"}, {"target", "tgt", "translation", "output"})
_ATTRIBUTION = re.compile(r"CC[ -](BY|0)", re.IGNORECASE)  # Anki's export of Tatoeba says who wrote a sentence


class Columns(NamedTuple):
    """The places of both sides in a row, from 0, and how many columns a row has."""

    source: int
    target: int
    width: int | None  # None where rows may have any number
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
    texts = _without_ids(rows, width)
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
        names = {tag, name_of(language).casefold()}
        places = [place for place, cell in enumerate(header) if cell and (cell in names or cell.casefold() in names)]
        if len(places) != 1:
            return None
        found.append(places[0])
    return (found[0], found[1]) if found[0] != found[1] else None


def _usual_width(rows: Iterable[Sequence[str]]) -> int:
    widths = [len(row) for row in rows]
    return max(set(widths), key=lambda width: (widths.count(width), width))


def _without_ids(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns that aren't numbers throughout: Tatoeba's tables put a sentence's number before it."""
    return [place for place in range(width) if not _column_is(rows, place, str.isdecimal)]


def _column_is(rows: Iterable[Sequence[str]], place: int, holds: Callable[[str], bool]) -> bool:
    cells = [row[place].strip() for row in rows if len(row) > place]
    return bool(cells) and all(map(holds, cells))


def _shown(header: Sequence[str]) -> str:
    return ", ".join(f"'{cell[:30]}'" for cell in header)


def pair_rows(name: str, rows: Iterable[tuple[str, Sequence[str]]], wanted: Wanted) -> Iterable[Row]:
    """Turn rows, each with its place, into pairs; the first ones tell which columns to take.

    Raises:
        UserError: it is not clear which columns they are.
    """
    stream = iter(rows)
    first = list(islice(stream, LOOKED_AT))
    if not first:
        return
    columns = find_columns(name, [row for _, row in first], wanted)
    for where, row in first[columns.header :]:
        yield _pair(where, row, columns)
    for where, row in stream:
        yield _pair(where, row, columns)


def _pair(where: str, row: Sequence[str], columns: Columns) -> Row:
    if columns.width is not None and len(row) != columns.width:
        return BadRow(where, f"{len(row)} column{'s' * (len(row) != 1)} in place of {columns.width}")
    return checked(where, row[columns.source], row[columns.target])


def checked(where: str, source: str, target: str) -> Row:
    """A pair, unless a text can't be written as UTF-8."""
    try:
        if not (source.isascii() and target.isascii()):
            (source + target).encode()
    except UnicodeEncodeError:
        return BadRow(where, "half of a surrogate pair, which no text may hold")
    return Pair(where, source, target)


def record_pair(where: str, record: object, wanted: Wanted) -> Row:
    """The pair of a JSON object or of a row with named columns; ``translation`` may hold both languages.

    Hugging Face's datasets write ``{"translation": {"en": ..., "de": ...}}``.
    """
    if isinstance(record, Mapping) and isinstance(record.get("translation"), Mapping):
        record = record["translation"]
    if not isinstance(record, Mapping):
        return BadRow(where, "no object with named values")
    names = [str(name) for name in record]
    if wanted.columns:
        if missing := [name for name in wanted.columns if name not in record]:
            return BadRow(where, f"no value '{missing[0]}'")
        chosen: Sequence[str] = wanted.columns
    else:
        places = _named(names, wanted)
        if places is None:
            return BadRow(where, f"no names for source and target among {_shown(names[:8])}")
        chosen = [names[place] for place in places]
    texts = [record[name] for name in chosen]
    if not all(isinstance(text, str) for text in texts):
        return BadRow(where, "a value that is no text")
    return checked(where, *texts)
