"""What every command line shares: how it ends, and what it gives its user."""

import errno
import getpass
import os
import pwd
import subprocess
import sys

import pytest

from seq2seq.core.command_line import BUG, USER_ERROR, Failure, run
from seq2seq.core.errors import UserError


@pytest.fixture
def nameless(monkeypatch):
    """A user id without an entry in passwd, in an environment that names nobody."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "")  # so that all are put back as they were
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_a_user_without_an_entry_in_passwd_has_a_name(nameless, capsys):
    with pytest.raises(SystemExit) as ended:
        run(lambda: print(getpass.getuser()))
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("uid-")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full while writing /there/x; free some space"),
        (errno.EDQUOT, "the disk is full while writing /there/x; free some space"),
        (errno.EACCES, "/there/x: Permission denied; see to its permissions"),
        (errno.EROFS, "/there/x: Read-only file system; see to its permissions"),
    ],
)
def test_what_the_file_system_refuses_is_told_in_one_line(capsys, number, words):
    def refuses():
        raise OSError(number, os.strerror(number), "/there/x")

    with pytest.raises(SystemExit) as ended:
        run(refuses)
    error = capsys.readouterr().err
    assert ended.value.code == USER_ERROR
    assert error.startswith(f"error: {words}")
    assert error.count("\n") == 1


def test_a_bug_keeps_its_traceback():
    def looks_for_nothing():
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/there/x")

    with pytest.raises(FileNotFoundError):
        run(looks_for_nothing)


@pytest.mark.parametrize("kind", ["UserError", "ValueError"])
def test_no_failure_tells_a_password(kind):
    code = "from seq2seq.core.command_line import run\nfrom seq2seq.core.errors import UserError\n"
    code += (
        f"def main():\n    url = 'http://ann:' + 'se/cret@there'\n    raise {kind}('no answer at ' + url)\nrun(main)"
    )
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "no answer at http://***@there\n" in failed.stderr
    assert ("Traceback" in failed.stderr) == (kind == "ValueError")
    assert failed.returncode == (USER_ERROR if kind == "UserError" else 1)


def test_what_is_kept_of_a_failure_has_no_password():
    told = "http://ann:secret@there is away"
    assert Failure.of(UserError(told)).message == "http://***@there is away"
    assert Failure.of(KeyError(told)) == Failure(BUG, "KeyError: 'http://***@there is away'")
