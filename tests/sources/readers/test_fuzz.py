"""Generated and damaged files: a reader crashes on none, hangs on none, and loses no row."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polib
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.own import find_sources, read_sources
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import GERMAN, TWO, read, tsv
from tests.sources.readers.test_binary import write_ods, write_sqlite, write_xlsx
from tests.sources.readers.test_catalogues import PO
from tests.sources.readers.test_containers import PACK, tarred, zipped
from tests.sources.readers.test_exchange import FILE, NEW, OLD, TMX, UNITS, unit
from tests.sources.readers.test_subtitles import SIDES, srt

MANY = [
    pytest.param(15, id="few"),
    pytest.param(400, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
]
PLAIN = [("A house stands here.", "Hier steht ein Haus.")] * 20  # so that it is a text, and its delimiter clear
# any text, and what shifts columns and lines where it is mishandled
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('\t,;|"\\\x00\x85\u2028\x0b\x1c\ufeff'))
)
LINE = TEXT.map(lambda text: text.replace("\n", " ").replace("\r", " "))
CELL = LINE.map(lambda text: text.replace("\t", " "))


def fuzz(check: Callable[..., None], examples: int, *strategies: st.SearchStrategy[Any]) -> None:
    """Run a check on so many examples, each within seconds; few ones are the same each time."""
    run = settings(
        max_examples=examples,
        deadline=10_000,
        database=None,
        derandomize=examples < 100,
        suppress_health_check=list(HealthCheck),
    )
    run(given(*strategies)(check))()


def outcome(path: Path, wanted: Wanted = GERMAN) -> int:
    """The rows of a file; whatever is in it, they are counted or the user is told in one line."""
    try:
        found = read(path, wanted)
        facts: list[dict[str, Any]] = []
        lines = sum(map(len, read_sources(find_sources(path, wanted), 100.0, "fuzz", facts)))
    except UserError as error:
        assert str(error).isprintable() or "\n" not in str(error)
        return 0
    assert lines == sum(fact["pairs"] for fact in facts) == len(found.pairs)
    assert sum(sum(fact.get("put_aside", {}).values()) for fact in facts) == len(found.bad)
    return len(found.pairs) + len(found.bad) + len(found.none)


@pytest.mark.parametrize("examples", MANY)
def test_each_line_of_a_tsv_is_a_row(tmp_path, examples):
    path = tmp_path / "a.tsv"

    def check(lines: list[str]) -> None:
        path.write_bytes("\n".join([*["a\tb"] * 250, *lines, "c\td\n"]).encode())
        assert outcome(path) == 251 + len(lines)

    fuzz(check, examples, st.lists(LINE))


@pytest.mark.parametrize("examples", MANY)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_what_was_written_comes_back(tmp_path, examples, encoding):
    path = tmp_path / "a.tsv"
    pairs = st.lists(st.tuples(CELL, CELL), min_size=1)

    def check(pairs: list[tuple[str, str]]) -> None:
        path.write_bytes(tsv([("source", "target"), *PLAIN, *pairs]).encode(encoding))
        assert read(path).pairs == [*PLAIN, *pairs]

    fuzz(check, examples, pairs)


@pytest.mark.parametrize("examples", MANY)
@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_a_csv_comes_back_with_its_line_breaks(tmp_path, examples, delimiter):
    path = tmp_path / "a.csv"
    cells = TEXT.map(lambda text: text.replace("\r", " "))

    def check(rows: list[tuple[str, str]]) -> None:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows([("source", "target"), *rows])
        path.write_bytes(out.getvalue().encode())
        assert read(path).pairs == rows

    fuzz(check, examples, st.lists(st.tuples(cells, cells)).map(lambda rows: [*PLAIN, *rows]))


@pytest.mark.parametrize("examples", MANY)
def test_json_comes_back_as_lines_and_as_a_document(tmp_path, examples):
    path = tmp_path / "a"

    def check(pairs: list[tuple[str, str]]) -> None:
        records = [{"source": source, "target": target} for source, target in pairs]
        for text in ("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), json.dumps(records)):
            path.write_bytes(text.encode())
            assert read(path).pairs == pairs

    fuzz(check, examples, st.lists(st.tuples(TEXT, TEXT), min_size=2))


@pytest.mark.parametrize("examples", MANY)
def test_a_translation_memory_comes_back(tmp_path, examples):
    path = tmp_path / "a"
    text = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))

    def check(pairs: list[tuple[str, str]]) -> None:
        units = [unit(("en", escape(source)), ("de", escape(target))) for source, target in pairs]
        path.write_bytes(TMX.format("".join(units)).encode())
        assert read(path).pairs == pairs

    fuzz(check, examples, st.lists(st.tuples(text, text), min_size=1))


def seeds(folder: Path) -> dict[str, bytes]:
    """A small good file of each kind."""
    made = {
        "xlsx": lambda path: write_xlsx(path, {"a": TWO}),
        "ods": lambda path: write_ods(path, TWO),
        "sqlite": lambda path: write_sqlite(
            path, "CREATE TABLE t (en TEXT, de TEXT)", "INSERT INTO t VALUES ('a', 'b')"
        ),
        "parquet": lambda path: pq.write_table(pa.table({"en": ["a"] * 50, "de": ["b"] * 50}), path),
        "mo": lambda path: polib.pofile(PO.format(language="")).save_as_mofile(str(path)),
    }
    for name, make in made.items():
        make(folder / name)
    table = tsv(TWO * 9).encode()
    archive = tarred([("a", table), ("b", PACK["gzip"](table))])
    texts = {
        "tsv": table.decode(),
        "csv": 'source,target\n"a ""b"",\nc",d\ne,f\n',
        "jsonl": '{"en": "a", "de": "b"}\n' * 9,
        "json": json.dumps({"version": 1, "data": [{"translation": {"en": "a", "de": "b"}}] * 9}),
        "tmx": TMX.format(unit(("en", "a <ph>x</ph>"), ("de", "b")) * 9),
        "xliff 1": OLD.format(FILE.format("en", "de", UNITS)),
        "xliff 2": NEW.format("<file><unit><segment><source>a</source><target>b</target></segment></unit></file>"),
        "po": PO.format(language="Language: de\\n"),
        "srt": srt(SIDES[0]),
    }
    return (
        {name: (folder / name).read_bytes() for name in made}
        | {name: text.encode() for name, text in texts.items()}
        | {name: pack(table) for name, pack in PACK.items()}
        | {"zip": zipped(a=table, b=table), "tar": archive, "tar.gz": gzip.compress(archive)}
    )


TABLES = ["xlsx", "ods", "sqlite", "parquet", "tsv", "csv", "jsonl", "json"]
OTHERS = ["mo", "po", "tmx", "xliff 1", "xliff 2", "srt", *PACK, "zip", "tar", "tar.gz"]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["cut", "put", "flip", "double"]), st.binary(min_size=1, max_size=9)),
    min_size=1,
    max_size=6,
)


def damage(data: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    for where, what, some in edits:
        at = int(where * len(data))
        match what:
            case "cut":
                data = data[:at] if some[0] % 2 else data[:at] + data[at + len(some) :]
            case "put":
                data = data[:at] + some + data[at:]
            case "flip":
                data = (
                    data[:at]
                    + bytes(byte ^ mask for byte, mask in zip(data[at:], some, strict=False))
                    + data[at + len(some) :]
                )
            case "double":
                data = data + data[at:]
    return data


@pytest.mark.parametrize("examples", MANY)
@pytest.mark.parametrize("kind", [*TABLES, *OTHERS])
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, kind, examples):
    (tmp_path / "seeds").mkdir()
    good = seeds(tmp_path / "seeds")[kind]
    path = tmp_path / "film.en.srt"
    if kind == "srt":
        (tmp_path / "film.de.srt").write_text(srt(SIDES[1]))
        (tmp_path / "seeds").rename(tmp_path / ".seeds")
    before = len(list(Path("/proc/self/fd").iterdir()))

    def check(edits: list[tuple[float, str, bytes]]) -> None:
        path.write_bytes(damage(good, edits))
        outcome(tmp_path if kind == "srt" else path)

    fuzz(check, examples, EDITS)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 50  # nothing stays open


@pytest.mark.parametrize("examples", MANY)
def test_bytes_without_sense_are_read_or_refused_in_one_line(tmp_path, examples):
    path = tmp_path / "a"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        outcome(path)

    fuzz(check, examples, st.one_of(st.binary(), TEXT.map(str.encode)))
