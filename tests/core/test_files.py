import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from seq2seq.core.files import hold_lock, read_json, replacing, sha256_tree, write_bytes, write_json, write_text


def test_a_failure_while_writing_leaves_the_old_content_and_nothing_else(tmp_path):
    folder = tmp_path / "out"
    with replacing(folder) as partial:
        partial.mkdir()
        (partial / "a").write_text("old")
    with pytest.raises(OSError, match="full") as caught, replacing(folder) as partial:
        partial.mkdir()
        (partial / "a").write_text("new")
        raise OSError(errno.ENOSPC, "full")
    assert caught.value.filename == str(folder)
    assert (folder / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_and_folders_replace_what_was_there(tmp_path):
    path = tmp_path / "deep" / "out"
    for text in ("first", "second"):
        write_text(path, text)
    assert path.read_text() == "second"
    folder = tmp_path / "folder"
    for text in ("first", "second"):
        with replacing(folder) as partial:
            partial.mkdir()
            (partial / text).write_text(text)
    assert [file.name for file in folder.iterdir()] == ["second"]


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    for _ in range(2):
        (tmp_path / ".out.partial").mkdir()
        (tmp_path / ".out.partial" / "half").write_text("writt")
        with replacing(tmp_path / "out") as partial:
            partial.mkdir()
            (partial / "whole").write_text("written")
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole"]


def test_bytes_are_on_the_disk_before_they_replace_others(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint"
    seen = []
    fsync = os.fsync

    def records(number):
        fsync(number)
        seen.append((path.read_bytes(), Path(f"/proc/self/fd/{number}").read_bytes()))

    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", records)
    write_bytes(path, b"new")
    assert seen == [(b"old", b"new")]
    assert path.read_bytes() == b"new"


def test_the_digest_of_a_tree_knows_names_and_contents_but_not_its_place(tmp_path):
    for name in ("first", "second"):
        write_json(tmp_path / name / "sub" / "a.json", {"x": 1})
    digests = [sha256_tree(tmp_path / name) for name in ("first", "second")]
    assert digests[0] == digests[1]
    (tmp_path / "second" / "sub" / "a.json").rename(tmp_path / "second" / "sub" / "b.json")
    assert sha256_tree(tmp_path / "second") != digests[0]


def test_json_is_readable_unicode(tmp_path):
    write_json(tmp_path / "a.json", {"text": "Käse 奶酪"})
    assert "Käse 奶酪" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"text": "Käse 奶酪"}
    assert json.loads((tmp_path / "a.json").read_bytes())


def test_a_lock_is_one_holders_at_a_time_and_who_waits_says_so_once(tmp_path, capsys):
    path = tmp_path / "deep" / "lock"
    order = []
    said = []
    waiting = threading.Event()

    def say(line):
        said.append(line)
        waiting.set()

    def second():
        with hold_lock(path, "somebody is at work", say):
            order.append("second")

    with hold_lock(path, "never said"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert (order, said) == (["first", "second"], ["somebody is at work"])
    assert capsys.readouterr() == ("", "")


def test_a_lock_is_held_as_long_as_a_child_has_its_file(tmp_path):
    with hold_lock(tmp_path / "lock") as lock:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(lock.fileno(),))
    told = []

    def end_child(line):
        told.append(line)
        child.stdin.close()

    with hold_lock(tmp_path / "lock", "its child is at work", end_child):
        assert child.wait(60) == 0
    assert told == ["its child is at work"]


def test_importing_the_library_does_nothing(tmp_path):
    """No folder, no logging, no threads, no environment: rule 8 of the house."""
    root = Path(__file__).parents[2]
    files = sorted((root / "seq2seq").rglob("*.py"))
    modules = [".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in files]
    code = (
        "import sys, os, logging, threading\n"
        f"sys.path.insert(0, {str(root)!r})\n"
        "os.environ |= {'KMP_DUPLICATE_LIB_OK': 'True', 'KMP_INIT_AT_FORK': 'FALSE'}\n"  # scikit-learn sets them
        "before = dict(os.environ), list(logging.root.handlers), threading.active_count()\n"
        f"import importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
        "assert before == (dict(os.environ), list(logging.root.handlers), threading.active_count())\n"
    )
    subprocess.run([sys.executable, "-B", "-c", code], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
