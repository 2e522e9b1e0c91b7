import gzip
import zipfile

import pandas as pd
import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers import own
from seq2seq.sources.readers.own import check_sources, find_sources, read_sources
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import GERMAN, TWO, read, tsv

SIDES = ["".join(f"{pair[side]}\n" for pair in TWO) for side in (0, 1)]


def frames(path, percent=1.0):
    facts = []
    read_frames = list(read_sources(find_sources(path, GERMAN), percent, "mine", facts))
    return pd.concat(read_frames, ignore_index=True), facts


@pytest.mark.parametrize(
    ("names", "tags"),
    [
        (("x.en", "x.de"), ("en", "de")),
        (("train.en-US.txt", "train.de_AT.txt"), ("en", "de")),
        (("en.txt", "de.txt"), ("en", "de")),
        (("Corpus.de-en.en", "Corpus.de-en.de"), ("en", "de")),
        (("Corpus.de-en.de", "Corpus.de-en.en"), ("de", "en")),
        (("news_eng", "news_deu"), ("en", "de")),
        (("x.zh_TW", "x.pt"), ("zh-TW", "pt-BR")),
    ],
)
def test_line_aligned_files_find_each_other_by_their_names(tmp_path, names, tags):
    for name, text in zip(names, SIDES, strict=True):
        (tmp_path / name).write_text(text)
    found = read(tmp_path, Wanted(*tags))
    assert (found.kinds, found.pairs) == (["line-aligned files"], TWO)


def test_packed_files_find_each_other_too_and_both_may_be_in_an_archive(tmp_path):
    for name, text in zip(("x.en.gz", "x.de.gz"), SIDES, strict=True):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    assert read(tmp_path).pairs == TWO


@pytest.mark.parametrize(("english", "german"), [(3, 2), (2, 5)])
def test_misaligned_files_tell_the_lines_of_both(tmp_path, english, german):
    (tmp_path / "x.en").write_text("a\n" * english)
    (tmp_path / "x.de").write_text("a\n" * german)
    with pytest.raises(UserError, match=rf"numbers of lines: \S*x\.en has {english}, \S*x\.de has {german};"):
        read(tmp_path)


def test_a_folder_is_read_in_order_of_name_with_all_below_it(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("no pairs")
    (tmp_path / "b" / "c" / "z.csv").write_text("c,d\n")
    (tmp_path / "a.tsv").write_text("a\tb\n")
    for name in ("README.md", "LICENSE", ".gitignore", "a.tsv.dvc", "Changelog"):
        (tmp_path / name).write_text("no pairs")
    frame, facts = frames(tmp_path)
    assert frame.to_numpy().tolist() == [["a", "b", "mine"], ["c", "d", "mine"]]
    assert [fact["name"] for fact in facts] == [str(tmp_path / "a.tsv"), str(tmp_path / "b" / "c" / "z.csv")]


def test_a_table_is_not_passed_over_for_its_name(tmp_path):
    (tmp_path / "citation.tsv").write_text(tsv(TWO))
    assert read(tmp_path).pairs == TWO


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Just a text.\nOf one column.\n", "no reader takes it (plain text of one column)"),
        (bytes(range(256)) * 9, "no reader takes it (no text)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "no reader takes it (no text)"),
        (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", "no reader takes it (plain text of one column)"),
        (b"", "is empty; write pairs into it, or remove it"),
        (gzip.compress(b"", mtime=0), "is empty; write pairs into it, or remove it"),
    ],
)
def test_a_file_that_no_reader_takes_is_named(tmp_path, content, said):
    (tmp_path / "a.tsv").write_text(tsv(TWO))
    (tmp_path / "b.dat").write_bytes(content)
    with pytest.raises(UserError) as error:
        read(tmp_path)
    assert f"b.dat{' ' if 'empty' in said else ': '}{said}" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("target", "shown"), [("fr", "x.en and x.fr"), ("en", "x.en and x.de")])
def test_one_of_two_line_aligned_files_asks_for_their_folder(tmp_path, target, shown):
    (tmp_path / "corpus.en").write_text("A house.\nA dog.\n")
    with pytest.raises(UserError, match=f"If its other language is a file beside it, such as {shown}, name their"):
        read(tmp_path / "corpus.en", Wanted("en", target))


def test_a_document_of_an_office_program_is_told_apart_from_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "letter.docx", "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    with pytest.raises(UserError, match=r"letter\.docx is a document or slides .* save its table as xlsx, ods or CSV"):
        read(tmp_path)


def test_bad_rows_are_counted_and_shown_and_too_many_stop_the_stage(tmp_path, capsys):
    (tmp_path / "a.tsv").write_text(tsv(TWO * 100) + "a\tb\tc\n" * 5 + "only\n\n")
    _, (facts,) = frames(tmp_path, 3.0)
    assert f"notice: {tmp_path / 'a.tsv'}: 6 of 206 rows are put aside: 3 columns" in capsys.readouterr().out
    assert facts == {
        "name": str(tmp_path / "a.tsv"),
        "kind": "table",
        "pairs": 200,
        "put_aside": {"3 columns in place of 2": 5, "1 column in place of 2": 1},
        "no_pairs": {"an empty line": 1},
        "places": {
            "3 columns in place of 2": ["line 201", "line 202", "line 203"],
            "1 column in place of 2": ["line 206"],
            "an empty line": ["line 207"],
        },
    }
    said = (
        r"a\.tsv: 6 of 206 rows are no pairs: 3 columns in place of 2 \(5 times, at line 201, line 202, line 203 \.\.\."
        r"\); 1 column in place of 2 \(1 times, at line 206\); mend them, or raise corpora\.bad_rows_percent, which is "
        r"2\.9"
    )
    for go in (lambda: frames(tmp_path, 2.9), lambda: check_sources(find_sources(tmp_path, GERMAN), 2.9)):
        with pytest.raises(UserError, match=said):
            go()


def test_a_file_of_bad_rows_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "SURE", 10)
    monkeypatch.setattr(own, "ROWS_PER_PARTITION", 7)
    (tmp_path / "a.tsv").write_text(tsv(TWO * 150) + "a\tb\tc\n" * 1000)
    with pytest.raises(UserError, match=r"310 of 610 rows so far are no pairs"):
        frames(tmp_path, 2.0)


def test_a_file_with_reasons_without_number_tells_the_most_frequent(tmp_path):
    (tmp_path / "a.tsv").write_text(tsv(TWO) + "".join("x" + "\ty" * number + "\n" for number in range(2, 9)))
    with pytest.raises(UserError, match=r"7 of 9 rows.*; 4 more reasons; mend them"):
        frames(tmp_path)


def test_a_file_without_any_pair_is_said_to_be_so(tmp_path):
    (tmp_path / "a.po").write_text('msgid "a"\nmsgstr ""\n')
    with pytest.raises(UserError, match=r"a\.po has no pair \(untranslated \(1 times, at line 1\)\)"):
        frames(tmp_path)


def test_ankis_export_of_tatoeba_is_taken_as_it_is(tmp_path):
    credit = "CC-BY 2.0 (France) Attribution: tatoeba.org #{} (CM) & #{} (GlossaMatik)"
    rows = [f"Sentence {number}.\tSatz {number}。\t{credit.format(number, 7 * number)}" for number in range(29_155)]
    (tmp_path / "deu.txt").write_text("\n".join(rows) + "\n")
    frame, (facts,) = frames(tmp_path)
    assert (len(frame), facts["pairs"]) == (29_155, 29_155)
    assert frame.iloc[-1].tolist() == ["Sentence 29154.", "Satz 29154。", "mine"]
