import sqlite3
import zipfile
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import TWO, read

SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
CELL = '<c t="inlineStr"><is><t>{}</t></is></c>'
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGED = "http://schemas.openxmlformats.org/package/2006"


def write_xlsx(path, sheets):
    """The least that a workbook is (ECMA-376): sheets of rows, by name."""
    names, links, types, parts = "", "", "", {}
    for number, (name, rows) in enumerate(sheets.items(), start=1):
        cells = "".join("<row>" + "".join(map(CELL.format, row)) + "</row>" for row in rows)
        parts[f"xl/worksheets/sheet{number}.xml"] = SHEET.format(cells)
        names += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
        links += f'<Relationship Id="r{number}" Type="{RELATED}/worksheet" Target="worksheets/sheet{number}.xml"/>'
    book = f'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{RELATED}">'
    start = f'<Relationship Id="r0" Type="{RELATED}/officeDocument" Target="xl/workbook.xml"/>'
    parts["_rels/.rels"] = f'<Relationships xmlns="{PACKAGED}/relationships">{start}</Relationships>'
    parts["xl/workbook.xml"] = f"{book}<sheets>{names}</sheets></workbook>"
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{PACKAGED}/relationships">{links}</Relationships>'
    parts["[Content_Types].xml"] = f'<Types xmlns="{PACKAGED}/content-types">{types}</Types>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def write_ods(path, rows):
    office, table, text = (f"urn:oasis:names:tc:opendocument:xmlns:{part}:1.0" for part in ("office", "table", "text"))
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    cells = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{office}" xmlns:table="{table}" xmlns:text="{text}"><office:body>'
            f'<office:spreadsheet><table:table table:name="a">{cells}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )


@pytest.mark.parametrize("name", ["a.xlsx", "a.ods", "a.csv", "a"])  # the name tells nothing
@pytest.mark.parametrize("write", [lambda path, rows: write_xlsx(path, {"a": rows, "empty": []}), write_ods])
def test_a_workbook_is_read(tmp_path, write, name):
    write(tmp_path / name, [("German", "English", "note"), *((target, source, "x") for source, target in TWO)])
    found = read(tmp_path)
    assert (found.kinds, found.pairs) == (["spreadsheet"], TWO)
    assert [where for where, _ in found.none] == ["row 1"]


def test_a_workbook_inside_an_archive_is_read(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", {"a": TWO})
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "a.xlsx", "a.xlsx")
    assert read(tmp_path / "b.zip").pairs == TWO


def test_of_a_workbook_with_several_sheets_they_are_named(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", {"January": TWO, "February": TWO})
    with pytest.raises(UserError, match=r"a\.xlsx has several sheets: January, February; keep one"):
        read(tmp_path)


def test_a_damaged_workbook_is_said_to_be_so(tmp_path):
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600)
    with pytest.raises(UserError, match=r"a\.xls can't be read as a spreadsheet"):
        read(tmp_path)


@pytest.mark.parametrize("columns", [(), ("2", "1"), ("en", "de")])
def test_parquet_is_read_by_the_names_of_its_columns(tmp_path, columns):
    sides = list(zip(*TWO, strict=True))
    pq.write_table(pa.table({"de": sides[1], "en": sides[0], "score": [0.1, 0.2]}), tmp_path / "a")
    found = read(tmp_path, Wanted("en", "de", columns))
    assert (found.kinds, found.pairs) == (["Parquet"], TWO)


def test_parquet_of_hugging_face_is_read(tmp_path):
    rows = [{"en": source, "de": target} for source, target in TWO]
    pq.write_table(pa.table({"translation": [*rows, None, {"en": "x", "de": None}]}), tmp_path / "a")
    found = read(tmp_path)
    assert found.pairs == TWO
    assert found.bad == [
        ("row 3 (it has 'translation')", "no names of a source and a target"),
        ("row 4", "a value that is no text"),
    ]


@pytest.mark.parametrize("cut", [8, 100, -4])
def test_a_damaged_parquet_file_is_said_to_be_so(tmp_path, cut):
    pq.write_table(pa.table({"en": ["a"] * 99, "de": ["b"] * 99}), tmp_path / "whole")
    (tmp_path / "a").write_bytes((tmp_path / "whole").read_bytes()[:cut])
    with pytest.raises(UserError, match=r"a is a damaged Parquet file"):
        read(tmp_path / "a")


def test_names_of_columns_that_are_no_text_are_damage(tmp_path):
    pq.write_table(pa.table({"enenen": ["a"], "de": ["b"]}), tmp_path / "a", store_schema=False)
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes().replace(b"enenen", b"\xeenenen"))
    with pytest.raises(UserError, match="a is a damaged Parquet file"):
        read(tmp_path)


def test_parquet_with_other_names_lists_them(tmp_path):
    pq.write_table(pa.table({"a": ["x"], "b": ["y"], "c": ["z"]}), tmp_path / "a")
    with pytest.raises(UserError, match=r"a has 3 columns.*'a', 'b', 'c'; say which"):
        read(tmp_path)


def write_sqlite(path, *statements):
    with closing(sqlite3.connect(path)) as base:
        for statement in statements:
            base.execute(statement)
        base.commit()


PAIRS = "INSERT INTO t VALUES (1, 'A house', 'Ein Haus'), (2, 'A dog', 'Ein Hund')"


@pytest.mark.parametrize("columns", [(), ("source", "target")])
def test_a_database_is_read(tmp_path, columns):
    write_sqlite(
        tmp_path / "a",
        "CREATE TABLE t (id INTEGER, source TEXT, target TEXT)",
        "CREATE TABLE other (id INTEGER, name TEXT)",
        PAIRS,
        "INSERT INTO t VALUES (3, NULL, 'x')",
    )
    found = read(tmp_path, Wanted("en", "de", columns))
    assert (found.kinds, found.pairs, found.bad) == (["SQLite"], TWO, [("row 3", "a value that is no text")])


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TABLE u (en TEXT, de TEXT)", r"several tables have.*t \(id, en, de\); u \(en, de\)"),
        (
            "ALTER TABLE t RENAME en TO x",
            r"no table has columns of the source and the target; it holds t \(id, x, de\)",
        ),
    ],
)
def test_a_database_without_one_such_table_lists_what_it_has(tmp_path, statement, said):
    write_sqlite(tmp_path / "a", "CREATE TABLE t (id INTEGER, en TEXT, de TEXT)", PAIRS, statement)
    with pytest.raises(UserError, match=said):
        read(tmp_path)


def test_a_damaged_database_is_said_to_be_so(tmp_path):
    (tmp_path / "a").write_bytes(b"SQLite format 3\x00" + b"\xff" * 4000)
    with pytest.raises(UserError, match="can't be read as a SQLite database"):
        read(tmp_path)
