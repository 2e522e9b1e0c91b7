import json

import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers import documents
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import TWO, read

RECORDS = [{"en": source, "de": target, "id": number} for number, (source, target) in enumerate(TWO)]
TRANSLATIONS = [{"id": "7", "translation": {"de": target, "en": source}} for source, target in TWO]


def lines(values):
    return "".join(json.dumps(value) + "\n" for value in values)


def see(tmp_path, text, columns=(), encoding="utf-8"):
    (tmp_path / "data.txt").write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return read(tmp_path, Wanted("en", "de", tuple(columns), encoding))


@pytest.mark.parametrize("values", [RECORDS, TRANSLATIONS, [list(pair) for pair in TWO], [["en", "de"], *TWO]])
@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("JSON lines", lines),
        ("JSON lines", lambda values: "\ufeff" + lines(values).replace("\n", "\r\n\r\n")),
        ("JSON", json.dumps),
        ("JSON", lambda values: "\ufeff" + json.dumps(values, indent=2)),
        ("JSON", lambda values: json.dumps({"data": values, "version": 1}, indent=2)),
        ("JSON", lambda values: json.dumps({"version": 1, "info": {"by": ["us"]}, "data": values})),
    ],
)
def test_json_is_read_as_hugging_face_and_others_write_it(tmp_path, values, kind, write):
    found = see(tmp_path, write(values))
    assert (found.kinds, found.pairs, found.bad) == ([kind], TWO, [])


def test_json_may_be_in_another_encoding(tmp_path):
    text = json.dumps([{"source": "grün", "target": "žlutý"}], ensure_ascii=False)
    assert see(tmp_path, "\ufeff" + text, encoding="utf-16-le").pairs == [("grün", "žlutý")]
    assert see(tmp_path, text, encoding="windows-1250").pairs == [("grün", "žlutý")]


def test_names_are_chosen(tmp_path):
    values = [{"a": source, "b": target, "source": "no", "target": "no"} for source, target in TWO]
    assert see(tmp_path, lines(values), ["a", "b"]).pairs == TWO
    assert see(tmp_path, json.dumps(values), ["a", "b"]).pairs == TWO


@pytest.mark.parametrize("write", [lines, json.dumps])
def test_values_that_are_no_pairs_are_put_aside(tmp_path, write):
    values = [{"en": "\ud800 half", "de": "x"}, {"en": None, "de": "x"}, {"en": "x", "fr": "y"}, 7, *RECORDS]
    found = see(tmp_path, write([*RECORDS, *values]))
    assert found.pairs == [*TWO, *TWO]
    unit = "line" if write is lines else "entry"
    assert found.bad == [
        (f"{unit} 3", "half of a surrogate pair, which no text may hold"),
        (f"{unit} 4", "a value that is no text"),
        (f"{unit} 5 (it has 'en', 'fr')", "no names of a source and a target"),
        (f"{unit} 6", "no object with named values"),
    ]


def test_line_separators_inside_a_text_are_no_line_ends(tmp_path):
    record = {"en": "one\u2028two\x85", "de": "eins\x7f\u2029zwei"}
    text = json.dumps(record, ensure_ascii=False)
    assert see(tmp_path, f"{text}\n{text}\n").pairs == [tuple(record.values())] * 2


def test_a_broken_line_is_put_aside_and_a_broken_document_is_not_read(tmp_path):
    found = see(tmp_path, lines(RECORDS) + '{"en": "cut\n' + "[" * 9999 + "\n" + lines(RECORDS))
    assert (found.pairs, found.bad) == ([*TWO, *TWO], [("line 3", "not JSON"), ("line 4", "not JSON")])
    for text in (json.dumps(RECORDS)[:-1], json.dumps(RECORDS) + "]", json.dumps(RECORDS)[:-1] + ", {]"):
        with pytest.raises(UserError, match=r"data\.txt is not JSON after entry 2; mend it there"):
            see(tmp_path, text)


def test_a_document_with_several_lists_names_them(tmp_path):
    with pytest.raises(UserError, match=r"data\.txt has several lists: train, test; save each"):
        see(tmp_path, json.dumps({"train": RECORDS, "note": [1], "test": RECORDS}, indent=1))


@pytest.mark.parametrize("block", [1, 2, 7, 64])
def test_a_document_is_read_in_blocks_of_any_size(tmp_path, monkeypatch, block):
    monkeypatch.setattr(documents, "BLOCK", block)
    records = [*RECORDS, {"en": 'a "b" \\ \u00e4 {[', "de": "]},", "n": -1.5e300}]
    text = json.dumps({"version": 12, "data": records}, indent=1)
    assert see(tmp_path, text).pairs == [*TWO, ('a "b" \\ \u00e4 {[', "]},")]
