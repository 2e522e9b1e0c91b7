"""What DVC runs again after an edit: the repository's own stage `code`, and quick ones in place of the others."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from seq2seq.core.fingerprints import write_fingerprints
from seq2seq.core.params import dump_yaml, read_yaml
from tasks.code import SERVED
from tests.toy_project import REPOSITORY

# DVC's own use of its dependency pygtrie
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

QUICK = ("clean", "train_backward", "train", "candidates")


@pytest.fixture
def project(tmp_path, monkeypatch):
    for package in ("seq2seq", "tasks", "registry"):
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("requirements.lock", ".dvcignore"):
        shutil.copy(REPOSITORY / file, tmp_path)
    repository = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
    stages = {"code": repository["code"]}
    for name in QUICK:
        (code,) = [one for one in repository[name]["deps"] if one.startswith("code/")]
        stages[name] = {"cmd": f"echo {name} > {name}.out", "deps": [code], "outs": [f"{name}.out"]}
    (tmp_path / "dvc.yaml").write_text(dump_yaml({"stages": stages}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    Repo.init(no_scm=True).close()
    return tmp_path


def changed() -> set[str]:
    with Repo() as repo:
        return set(repo.status())


def reproduce() -> set[str]:
    """The stages that run."""
    with Repo() as repo:
        return {stage.addressing for stage in repo.reproduce()}


def append(path: str, line: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"\n{line}\n")


def test_an_edit_runs_what_it_can_change_and_a_comment_nothing_but_code(project):
    assert reproduce() == {"code", *QUICK}
    assert changed() == reproduce() == set()

    append("seq2seq/cleaning/splitting.py", "# a comment")
    assert changed() == {"code"}
    assert reproduce() == {"code"}
    assert changed() == reproduce() == set()

    append("seq2seq/cleaning/splitting.py", "EDITED = True")
    append("seq2seq/training/schedules.py", "EDITED = True")
    assert reproduce() == {"code", "clean", "train_backward", "train"}
    assert changed() == reproduce() == set()


def test_what_is_served_depends_on_what_the_translator_reaches_and_on_nothing_else(project):
    def fingerprint() -> str:
        write_fingerprints(SERVED, Path(), Path("requirements.lock"), Path("out"))
        return Path("out/served.txt").read_text()

    before = fingerprint()
    append("registry/store.py", "EDITED = True")
    append("seq2seq/training/schedules.py", "EDITED = True")
    append("seq2seq/inference/translator.py", "# a comment")
    assert fingerprint() == before
    append("seq2seq/inference/translator.py", "EDITED = True")
    assert fingerprint() != before
