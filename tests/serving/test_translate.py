"""Files are translated, their form stays, and an interrupted run goes on."""

import csv
import io
import subprocess
import sys

import polib
import pytest
from lxml import etree

from seq2seq.core.errors import TransientError, UserError
from seq2seq.inference.faults import find_faults
from seq2seq.inference.markup import parse_html
from serving import doors, models
from serving.doors import BundleDoor, ServerDoor
from serving.formats.form import HTML
from serving.formats.kinds import read_form
from serving.models import Version
from serving.translate import Journal, translate_form
from tests.tiny_models import DECODING, RUNTIME, tiny_corpus

TEXTS = list(tiny_corpus()["source"][:5])


class Shouting:
    """Translates into capitals, a few texts at a time, and breaks down after ``most`` of them."""

    identity, language = "shouting", "de"

    def __init__(self, most=1000):
        self.asked = []
        self.most = most

    def translate(self, texts, markup):
        for text in texts:
            if len(self.asked) == self.most:
                raise TransientError("gone")
            self.asked.append(text)
            yield [_html(text) if markup == HTML else text.upper()]

    def faults(self, text, output):
        return find_faults(text, output)


def _html(text):
    page = parse_html(text)
    return page.write([block.write(block.text.upper()) for block in page.blocks])


def translate(tmp_path, name, content, column=None, into=None):
    path = tmp_path / name
    path.write_bytes(content.encode())
    form = read_form(path, "de", column, into)
    journal = Journal(tmp_path / "journal", "shouting")
    outputs, faults = translate_form(form, Shouting(), journal, name)
    journal.close(finished=True)
    return form.write(outputs, faults)


CUES = """1
00:01:00,000 --> 00:01:02,000
{{\\an8}}<i>{}</i>

2
00:01:03,000 --> 00:01:04,000
{}
"""


@pytest.mark.parametrize(
    ("name", "content", "written"),
    [
        ("a.txt", "one\r\n\r\n  two\n", "ONE\r\n\r\n  TWO\n"),
        ("a.html", "<p class='x'>one<br>two</p>", "<p class='x'>ONE<br>TWO</p>"),
        ("a.srt", CUES.format("one & all\nyou and i", "two"), CUES.format("ONE & ALL YOU AND I", "TWO")),
        ("a.srt", f"1\n00:01:00,000 --> 00:01:02,000\n{'one ' * 12}\n", None),
    ],
)
def test_text_pages_and_subtitles(tmp_path, name, content, written):
    found = translate(tmp_path, name, content)
    if written is None:
        assert found.count("\n") == 4 and max(map(len, found.split("\n"))) <= 42
    else:
        assert found == written


def test_a_column_of_a_table(tmp_path):
    rows = [["id", "en"], ["1", 'a "b", c'], ["2", ""], ["3", "two\nlines"]]
    content = io.StringIO(newline="")
    csv.writer(content).writerows(rows)
    found = translate(tmp_path, "a.csv", content.getvalue(), "en")
    assert list(csv.reader(io.StringIO(found, newline=""))) == [
        ["id", "en", "en_de"],
        ["1", 'a "b", c', 'A "B", C'],
        ["2", "", ""],
        ["3", "two\nlines", "TWO\nLINES"],
    ]
    tsv = translate(tmp_path, "a.tsv", 'en\tde\n"one\tda\ntwo\n', "en", "de")
    assert tsv == 'en\tde\n"one\tda\ntwo\tTWO\n'
    with pytest.raises(UserError, match=r"a\.tsv: say which column to translate; --column takes one of: en, de"):
        translate(tmp_path, "a.tsv", "en\tde\n")


CATALOGUE = """msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=3; plural=n;\\n"

msgid "_Open"
msgstr ""

msgid "by %s, %(b)s\\n"
msgstr ""

msgid "kept"
msgstr "bleibt"

msgid "one"
msgid_plural "many"
msgstr[0] ""
msgstr[1] ""
msgstr[2] ""
"""


def test_empty_entries_of_a_catalogue_are_filled_and_doubtful_ones_marked(tmp_path):
    (tmp_path / "out.po").write_text(translate(tmp_path, "a.po", CATALOGUE))
    first, second, kept, plural = polib.pofile(str(tmp_path / "out.po"))
    assert (first.msgstr, first.fuzzy) == ("_OPEN", False)
    assert (second.msgstr, second.fuzzy) == ("BY %S, %(B)S\n", True)  # capitals are other placeholders
    assert (kept.msgstr, kept.fuzzy) == ("bleibt", False)
    assert plural.msgstr_plural == {0: "ONE", 1: "MANY", 2: "MANY"} and plural.fuzzy  # three forms, two known


def test_units_of_xliff_are_filled_and_keep_their_codes(tmp_path):
    space = "urn:oasis:names:tc:xliff:document:1.2"
    content = (
        f'<?xml version="1.0"?><xliff version="1.2" xmlns="{space}"><file><body>'
        '<trans-unit id="1"><source>one <g id="1">two</g><ph id="2">&lt;br&gt;</ph> &amp; x</source></trans-unit>'
        '<trans-unit id="2"><source>two</source><target>zwei</target></trans-unit></body></file></xliff>'
    )
    root = etree.fromstring(translate(tmp_path, "a.xlf", content).encode())
    first, second = root.iter("{*}target")
    assert "".join(first.itertext()).replace("<br>", "") == "ONE TWO & X"
    assert [(etree.QName(one).localname, one.attrib) for one in first] == [("g", {"id": "1"}), ("ph", {"id": "2"})]
    assert first.find("{*}ph").text == "<br>" and second.text == "zwei"


def test_a_broken_run_goes_on_where_it_stopped_but_not_with_another_models_outputs(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("a\nb\nc\na\n")
    form = read_form(tmp_path / "a.txt", "de", None, None)
    journal = Journal(tmp_path / "journal", "shouting")
    with pytest.raises(TransientError):
        translate_form(form, Shouting(most=2), journal, "a")
    journal.close(finished=False)
    with (tmp_path / "journal").open("a") as file:
        file.write('{"cut')
    again = Shouting()
    assert translate_form(form, again, Journal(tmp_path / "journal", "shouting"), "a")[0] == ["A", "B", "C", "A"]
    assert again.asked == ["c"]
    other = Shouting()
    translate_form(form, other, Journal(tmp_path / "journal", "other"), "a")
    assert other.asked == ["a", "b", "c"]
    assert "is of another model; all is translated anew" in capsys.readouterr().err


def test_a_server_and_a_bundle_give_the_same(client, trained, monkeypatch):
    monkeypatch.setattr(doors.httpx, "Client", lambda timeout: client)
    monkeypatch.setattr(doors, "REQUEST_TEXTS", 2)
    monkeypatch.setattr(models, "plain_bundle", lambda folder: Version("tiny", "", folder, DECODING, RUNTIME, {}))
    server = ServerDoor("http://testserver/", "", "de", "")
    bundle = BundleDoor(trained[1])
    assert server.language == bundle.language == "de"
    for markup in ("text", "html"):
        one, other = ([text for some in door.translate(TEXTS, markup) for text in some] for door in (server, bundle))
        assert one == other and len(one) == len(TEXTS)
    with pytest.raises(UserError, match="doesn't translate from any to fr; it serves en to de"):
        ServerDoor("http://testserver", "", "fr", "")


def test_a_wrong_file_or_server_ends_in_one_line(tmp_path):
    (tmp_path / "a.doc").write_text("x")
    (tmp_path / "b.txt").write_bytes(b"\xff")
    (tmp_path / "c.xlf").write_text("<tmx/>")
    for name, words in (("a.doc", "none of the endings"), ("b.txt", "is not UTF-8"), ("c.xlf", "is no XLIFF")):
        with pytest.raises(UserError, match=words):
            read_form(tmp_path / name, "de", None, None)
    command = [sys.executable, "-m", "serving.translate", str(tmp_path / "a.doc"), "--server", "http://127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 75 and len(done.stderr.splitlines()) == 1
    assert "http://127.0.0.1:9 does not answer" in done.stderr
