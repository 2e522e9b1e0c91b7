"""Tables that are no text: Parquet, spreadsheets (xlsx, xls, ods), and SQLite databases."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook, load_workbook

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import find_columns, pair_rows, record_pair
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import Row, Wanted

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls
ROWS_AT_ONCE = 10_000


def is_parquet(head: bytes) -> bool:
    """By its magic bytes."""
    return head.startswith(b"PAR1")


def is_sqlite(head: bytes) -> bool:
    """By its magic bytes."""
    return head.startswith(b"SQLite format 3\x00")


def is_spreadsheet(head: bytes) -> bool:
    """An old workbook, or a zip archive; others than workbooks were unpacked before."""
    return head.startswith((_OLE, b"PK\x03\x04"))


def read_parquet(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of a Parquet file by the names of its columns.

    Raises:
        UserError: it is damaged, or its names tell no source and target.
    """
    with content.on_disk() as path:
        try:
            file = pq.ParquetFile(path)
            names = file.schema_arrow.names
            nested = "translation" in names and not wanted.columns
            if nested:
                chosen = ["translation"]
            else:
                columns = find_columns(content.name, [names], wanted)
                chosen = [names[columns.source], names[columns.target]]
            sides = wanted if nested else Wanted(wanted.source, wanted.target, tuple(chosen))
            batches = file.iter_batches(ROWS_AT_ONCE, columns=chosen)
            records = (record for batch in batches for record in batch.to_pylist())
            for number, record in enumerate(records, start=1):
                yield record_pair("row", number, record, sides)
        except (pa.ArrowException, OSError, UnicodeError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{content.name} is a damaged Parquet file ({reason}); get it again") from None


def read_spreadsheet(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of a workbook's only sheet that isn't empty.

    Raises:
        UserError: it can't be read, or has several sheets.
    """
    with content.open() as stream:
        try:
            workbook = load_workbook(stream)  # of a path it would believe the name
            sheets = filled_sheets(workbook)
            if len(sheets) > 1:
                raise UserError(
                    f"{content.name} has several sheets: {', '.join(sheets)}; keep one of them in the file, or save "
                    "each as a file of its own"
                )
            rows = workbook.get_sheet_by_name(sheets[0]).iter_rows() if sheets else iter(())
            yield from pair_rows(
                content.name,
                "row",
                ((number, cells if any(cells) else []) for number, cells in enumerate(_cells(rows), start=1)),
                wanted,
            )
        except CalamineError as error:
            raise UserError(f"{content.name} can't be read as a spreadsheet ({error}); save it as CSV") from None


def filled_sheets(workbook: CalamineWorkbook) -> list[str]:
    """Names of the sheets that aren't empty."""
    return [name for name in workbook.sheet_names if workbook.get_sheet_by_name(name).total_height]


def _cells(rows: Iterable[list[Any]]) -> Iterator[list[str]]:
    return ([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def read_sqlite(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of the one table or view of a database whose columns tell source and target.

    Raises:
        UserError: it is damaged, or no table does, or several do.
    """
    with content.on_disk() as path, closing(_connect(path)) as base:
        try:
            table, source, target = _find_table(content.name, base, wanted)
            rows = base.execute(f"SELECT {_quote(source)}, {_quote(target)} FROM {_quote(table)}")
            sides = Wanted(wanted.source, wanted.target, ("source", "target"))
            for number, row in enumerate(rows, start=1):
                yield record_pair("row", number, dict(zip(("source", "target"), row, strict=True)), sides)
        except sqlite3.DatabaseError as error:
            raise UserError(f"{content.name} can't be read as a SQLite database ({error}); export it as TSV") from None


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _find_table(name: str, base: sqlite3.Connection, wanted: Wanted) -> tuple[str, str, str]:
    """The table or view, and its columns of source and target."""
    named: list[tuple[str, str, str]] = []
    of_two: list[tuple[str, str, str]] = []
    seen = []
    listed = base.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name")
    for (table,) in listed.fetchall():
        names = [row[1] for row in base.execute(f"PRAGMA table_info({_quote(table)})")]
        seen.append(f"{table} ({', '.join(names)})")
        try:
            columns = find_columns(table, [names], wanted)
        except UserError:
            continue
        if columns.header or len(names) == 2:
            fitting = named if columns.header else of_two
            fitting.append((table, names[columns.source], names[columns.target]))
    found = named or of_two
    if len(found) != 1:
        what = "several tables have" if found else "no table has"
        raise UserError(
            f"{name}: {what} columns of the source and the target; it holds {'; '.join(seen) or 'none'}: name them "
            "with --set 'corpora.columns=[NAME, NAME]', or keep one table"
        )
    return found[0]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
