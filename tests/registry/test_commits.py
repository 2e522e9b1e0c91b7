import os
import subprocess

import pytest

from registry import commits
from registry.commits import COMMIT, DIFF, DIRTY, LEFT_OUT, RUN, keep_changes, read_commit
from seq2seq.core.files import read_json, sha256_file, write_json
from seq2seq.core.params import dump_yaml


def git(folder, *arguments):
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A clean clone; the project is a folder of it."""
    project = tmp_path / "a project"
    project.mkdir()
    for name in ("dvc.lock", "module.py", "params.yaml"):
        (project / name).write_text("committed")
    (project / ".gitignore").write_text("/models/\n")
    (tmp_path / "beside.py").write_text("of another project")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=x")
    return project


@pytest.mark.parametrize("name", ["dvc.lock", "models/weights.py", "mine.tsv", "../beside.py"])
def test_what_a_run_writes_or_does_not_read_is_no_edit(checkout, name):
    path = checkout / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("written by a run, data of the user, or another project")
    assert read_commit(checkout) == {COMMIT: git(checkout, "rev-parse", "HEAD"), DIRTY: "false"}


@pytest.mark.parametrize("name", ["module.py", "params.yaml", "new.py"])
@pytest.mark.parametrize("added", [False, True])
def test_an_edit_is_told_whether_it_was_added_or_not(checkout, name, added):
    (checkout / name).write_text("edited")
    if added:
        git(checkout, "add", name)
    assert read_commit(checkout)[DIRTY] == "true"


def test_a_removed_file_is_an_edit(checkout):
    (checkout / "module.py").unlink()
    assert read_commit(checkout)[DIRTY] == "true"


def test_without_git_nothing_is_said(tmp_path):
    assert read_commit(tmp_path) == {}


@pytest.fixture
def edited(checkout):
    """The clone's project, edited in every way, with a user's own data beside its code."""
    (checkout / "gone.py").write_text("tracked")
    (checkout / "picture.png").write_bytes(bytes(range(256)))
    (checkout / ".gitignore").write_text("/models/\n/data/\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message=x")
    (checkout / "gone.py").unlink()
    (checkout / "module.py").write_bytes(b"edited \xff\r\n, no line end")
    (checkout / "picture.png").write_bytes(bytes(reversed(range(256))))
    (checkout / "params.yaml").write_text("edited")
    (checkout / "added.py").write_text("added")
    git(checkout, "add", "added.py")
    for name in (
        "new.py",
        "größer [*] new.py",
        "data/pairs/mine.tsv",
        "models/weights.py",
        "notes.txt",
        "data/other.tsv",
    ):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(f"new: {name}\n")
    stages = {
        "a": {"deps": [{"path": "data/pairs"}], "outs": [{"path": "models"}]},
        "b": {"deps": [{"path": "models"}]},
    }
    (checkout / "dvc.lock").write_text(dump_yaml({"stages": stages}))
    return checkout


def restored(checkout, kept, commit, folder):
    """The files of a commit with the kept changes on top."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=checkout, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=folder, input=archive, check=True)
    variables = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "apply", "--binary", "--whitespace=nowarn", str(kept / DIFF)]
    subprocess.run(command, cwd=folder, env=variables, check=True)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_commit_and_the_kept_changes_are_what_ran(edited, tmp_path):
    before = git(edited, "status", "--porcelain", "."), git(edited, "count-objects", "--verbose")
    keep_changes(edited, tmp_path / "kept")
    files = restored(edited, tmp_path / "kept", git(edited, "rev-parse", "HEAD"), tmp_path / "restored")
    expected = {
        ".gitignore",
        "added.py",
        "module.py",
        "new.py",
        "größer [*] new.py",
        "picture.png",
        "data/pairs/mine.tsv",
    }
    assert set(files) - {"dvc.lock", "params.yaml"} == expected
    assert {name: (edited / name).read_bytes() for name in expected} == {name: files[name] for name in expected}
    assert files["params.yaml"] == b"committed"  # kept on its own, as dvc.lock is
    assert read_json(tmp_path / "kept" / LEFT_OUT) == {}
    assert (git(edited, "status", "--porcelain", "."), git(edited, "count-objects", "--verbose")) == before


def test_of_a_copy_it_is_what_lies_in_the_copy(edited, tmp_path):
    copy = edited / "runs" / "mine"
    (copy / "data" / "pairs").mkdir(parents=True)
    (copy / "module.py").write_text("as it was when the run began")
    (copy / "new.py").write_text("new")
    (copy / "data" / "pairs" / "mine.tsv").write_text("a\tb\n")
    (copy / "dvc.lock").write_text((edited / "dvc.lock").read_text())
    write_json(copy / RUN, {"code": read_commit(edited)})
    commit = git(edited, "rev-parse", "HEAD")
    (edited / "module.py").write_text("committed while the run was at work")
    git(edited, "commit", "--quiet", "--all", "--message=x")
    keep_changes(copy, tmp_path / "kept")
    files = restored(edited, tmp_path / "kept", commit, tmp_path / "restored")
    assert set(files) - {"dvc.lock", "params.yaml"} == {"module.py", "new.py", "data/pairs/mine.tsv"}
    assert files["module.py"] == b"as it was when the run began"


def test_of_data_that_is_too_large_or_elsewhere_the_digest_is_kept_and_that_is_said(
    edited, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(commits, "NEW_BYTES", 100)
    large = edited / "data" / "pairs" / "large.tsv"
    large.write_text("a\tb\n" * 100)
    (edited / "data" / "pairs" / "tracked.tsv").write_text("a\tb\n" * 100)
    (edited / "data" / "pairs" / "tracked.tsv.dvc").write_text("outs: []")
    elsewhere = tmp_path / "elsewhere.tsv"
    elsewhere.write_text("a\tb\n")
    deps = [{"path": path} for path in ("data/pairs", "../../elsewhere.tsv", str(elsewhere))]
    (edited / "dvc.lock").write_text(dump_yaml({"stages": {"a": {"deps": deps}}}))
    keep_changes(edited, tmp_path / "kept")
    left_out = read_json(tmp_path / "kept" / LEFT_OUT)
    assert left_out["data/pairs/large.tsv"] == {"sha256": sha256_file(large), "bytes": 400}
    assert set(left_out) == {"data/pairs/large.tsv", str(elsewhere)}
    diff = (tmp_path / "kept" / DIFF).read_text(errors="replace")
    assert "mine.tsv" in diff and "large.tsv" not in diff and "tracked.tsv\n" not in diff
    assert "the version keeps of data/pairs/large.tsv (400 bytes) its SHA-256 alone" in capsys.readouterr().out


def test_without_the_commit_nothing_is_kept_and_that_is_said(edited, tmp_path, capsys):
    copy = edited / "runs" / "mine"
    copy.mkdir(parents=True)
    write_json(copy / RUN, {"code": {COMMIT: "1" * 40}})
    keep_changes(copy, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    assert f"notice: what differs from commit {'1' * 40} is not kept, as git fails" in capsys.readouterr().out
    assert not (tmp_path / "kept").exists()


def test_a_clean_checkout_has_an_empty_diff(checkout, tmp_path):
    (checkout / "dvc.lock").unlink()
    keep_changes(checkout, tmp_path / "kept")
    assert (tmp_path / "kept" / DIFF).read_bytes() == b""
