import subprocess

import pytest

from registry.commits import COMMIT, DIRTY, read_commit


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
