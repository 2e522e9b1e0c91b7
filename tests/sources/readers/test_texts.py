import codecs

import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import TWO, read, tsv

TEXT = "Čeština\tπ, 漢字\n\U0001f600 one\u2028\x85\x00line\tzwei\r\n"
PAIRS = [("Čeština", "π, 漢字"), ("\U0001f600 one\u2028\x85\x00line", "zwei")]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"", "utf-8"),
    ],
)
def test_a_byte_order_mark_tells_the_encoding(tmp_path, mark, encoding):
    (tmp_path / "a.tsv").write_bytes(mark + TEXT.encode(encoding))
    assert read(tmp_path).pairs == PAIRS


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "windows-1251", "gb18030"])
def test_another_encoding_is_suggested_and_then_read(tmp_path, encoding):
    pairs = [("Доброе утро, как дела?", "Спасибо, у меня всё хорошо")] * 30
    if encoding == "gb18030":
        pairs = [("你好，今天天气很好。", "我们去公园散步吧，怎么样？")] * 30
    (tmp_path / "a.tsv").write_bytes(tsv(pairs).encode(encoding))
    with pytest.raises(UserError, match=r"a\.tsv.*--set corpora\.encoding=") as error:
        read(tmp_path)
    named = str(error.value).partition("corpora.encoding=")[2].split(",")[0].split(" ")[0]
    assert read(tmp_path, Wanted("ru", "de", encoding=named)).pairs == pairs


def test_one_line_in_another_encoding_is_found(tmp_path):
    (tmp_path / "a.tsv").write_bytes(tsv([("Tür", "Türe")] * 70_000).encode() + "grün\tgr\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"a\.tsv, line 70,001: not valid UTF-8.*the file mixes encodings"):
        read(tmp_path)


def test_the_wrong_encoding_names_the_line(tmp_path):
    (tmp_path / "a.tsv").write_bytes(tsv(TWO).encode() + b"\xff\tx\n")
    with pytest.raises(UserError, match=r"a\.tsv, soon after line .*not valid ascii"):
        read(tmp_path, Wanted("en", "de", encoding="ascii"))


def test_lines_longer_than_any_block_stay_whole(tmp_path):
    pairs = [("a" * 700_000, "ä" * 300_000), *TWO, ("", "b" * 400_000)]
    (tmp_path / "a.tsv").write_text(tsv(pairs))
    assert read(tmp_path).pairs == pairs
