"""What comes in and goes out on the command line of ``tasks.translate``."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.core.errors import UserError
from seq2seq.inference.translator import Translator
from tasks import translate
from tests.tiny_models import SMALL

ROOT = Path(__file__).parents[2]
LONG = "the cat sees the sea and " * 50


@pytest.fixture
def answer(trained, tmp_path, capsysbinary, monkeypatch):
    """Translates what standard input says; returns the lines of standard output, and standard error."""
    monkeypatch.chdir(ROOT)

    def answer(said: bytes, *arguments: str) -> tuple[list[str], str]:
        (tmp_path / "in.txt").write_bytes(said)
        with (tmp_path / "in.txt").open() as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            monkeypatch.setattr(sys, "argv", ["translate", *(arguments or [str(trained[1])])])
            translate.main()
        out, err = capsysbinary.readouterr()
        *lines, rest = out.decode().split("\n")
        assert rest == ""
        return lines, err.decode()

    return answer


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", 0), ("\n", 1), ("the king\n\x1e\n", 2), ("the\u2028cat sees\x0c the\rsea .\x85\r\n\n12 books", 3)],
)
def test_each_line_gives_one_line(answer, text, lines):
    assert len(answer(text.encode())[0]) == lines


def test_what_stands_before_a_line_that_is_not_utf_8_is_translated(answer, capsysbinary):
    with pytest.raises(UserError, match=r"standard input, line 3: not UTF-8 \(.*\); convert it"):
        answer(b"the king\n\ncaf\xe9\nthe king\n")
    assert capsysbinary.readouterr().out.count(b"\n") == 2


def test_lines_are_translated_on_the_command_line(answer, trained):
    lines, _ = answer(b"the cat sees the sea .\n\nmy aunt paints 12 books .\n")
    assert [bool(line) for line in lines] == [True, False, True]
    (line,), _ = answer(b"the cat sees the sea .\n", str(trained[0]), str(trained[0]), "--nbest")
    found = json.loads(line)
    assert found["source"] == "the cat sees the sea ."
    assert found["truncated"] is False
    assert found["outputs"][0]["text"] == lines[0]
    assert len(found["outputs"]) == 5


@pytest.mark.parametrize("flags", [[], ["--nbest"]])
def test_an_invisible_line_leaves_the_others_alone(answer, trained, flags):
    lines, _ = answer("the king\n\u200b\na dog\n".encode(), str(trained[1]), *flags)
    seen, _ = answer(b"the king\na dog\n", str(trained[1]), *flags)
    assert [lines[0], lines[2]] == seen
    assert json.loads(lines[1])["outputs"] == [] if flags else lines[1] == ""


def test_a_line_feed_in_an_output_begins_no_line(answer, monkeypatch):
    said = iter(["der\nKönig", "ein Hund"])
    monkeypatch.setattr(Translator, "translate", lambda _, texts, *__: [next(said) for _ in texts])
    assert answer(b"the king\na dog\n")[0] == ["der König", "ein Hund"]


def test_lines_that_are_too_long_are_counted_and_marked(answer, trained):
    said = f"the king\n{LONG}\n\n{LONG}\n".encode()
    told = f"translate: 2 of 4 lines are longer than the {SMALL.max_length} pieces that the model reads"
    assert f"{told}; such sentences were split" in answer(said)[1]
    lines, err = answer(said, str(trained[0]), "--nbest")
    assert f"{told}; their ends were cut off" in err
    assert [json.loads(line)["truncated"] for line in lines] == [False, True, False, True]
    assert "pieces" not in answer(b"the king\n")[1]


def test_a_file_is_cut_into_parts_and_every_line_comes_out_in_its_place(answer, monkeypatch):
    texts = [f"the king sees {number} books" for number in range(23)]
    whole, _ = answer("\n".join(texts).encode())
    monkeypatch.setattr(translate, "AT_ONCE", 5)
    assert answer("\n".join(texts).encode())[0] == whole
    assert len(set(whole)) > 3


def test_no_more_lines_wait_than_are_translated_at_once(monkeypatch):
    monkeypatch.setattr(translate, "AT_ONCE", 5)
    parts = list(translate.Lines(io.BytesIO(b"line\n" * 23)).arriving())
    assert sum(map(len, parts)) == 23
    assert max(map(len, parts)) <= 5


def start(bundle, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.translate", str(bundle)],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_line_is_answered_before_the_next_one_comes_and_in_utf_8(trained):
    with start(trained[1], PYTHONIOENCODING="ascii") as process:
        answers = []
        for text in ("my aunt paints three apples .", "the king sees 12 books ."):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            answers.append(process.stdout.readline().decode())
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0
    assert all(answers)
    assert not "".join(answers).isascii()


def test_it_ends_quietly_when_nobody_reads_on(trained):
    with start(trained[1]) as process:
        process.stdin.write(b"the king\n")
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(b"a dog\n")
        process.stdin.flush()
        assert process.wait(60) == 0  # though more may come
        assert b"Error" not in process.stderr.read()
