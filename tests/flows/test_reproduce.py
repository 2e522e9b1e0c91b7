"""Versions made again, from git, DVC's cache and the registry."""

import os
import shutil
import subprocess
import sys

import pytest

from flows import reproduce
from flows.cache import Cache, outputs_of_stages
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json
from tests.toy_project import REPOSITORY, executed
from tests.toy_versions import BUNDLE, NAME, compute, dvc, git, learning_rate, make_project, register


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("template") / "a toy"
    toy = make_project(root)
    compute(toy)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(toy)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert register(toy) == 1
    return toy


@pytest.fixture
def toy(template, tmp_path, monkeypatch):
    """A project of the test's own with one registered version, as the working directory."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.delenv("TOY_MACHINE", raising=False)
    root = tmp_path / "a toy"
    shutil.copytree(template, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


def make(*arguments, which="1", **variables):
    """Exit status and output of the command, which runs as people run it."""
    command = [sys.executable, "-m", "flows.reproduce", "--version", which, "--name", NAME, *arguments]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)} | variables
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.slow
def test_a_version_is_the_same_bytes_from_the_cache_and_from_scratch(toy, tmp_path):
    status = git(toy, "status", "--porcelain", "--ignored=no")
    code, out, err = make()
    assert code == 0, out + err
    assert "the same bytes: int8 bundle" in out
    folder = toy / "runs" / "toy@1"
    assert (folder / BUNDLE / "weights").read_bytes() == (toy / BUNDLE / "weights").read_bytes()
    assert executed(folder) == []  # all of it is in the cache

    shutil.rmtree(toy / ".dvc" / "cache" / "runs")  # what ran with which result: else DVC would look it up
    code, out, err = make("--into", str(tmp_path / "elsewhere"), "--from-scratch")
    assert code == 0, out + err
    assert "the same bytes" in out
    assert sorted(executed(tmp_path / "elsewhere")) == ["first", "last", "left", "right"]  # and nothing was registered
    assert git(toy, "status", "--porcelain", "--ignored=no") == status


@pytest.mark.slow
def test_what_the_cache_lacks_is_named_and_computed_again(toy):
    left = outputs_of_stages(toy / "dvc.lock")["left"]["out/left.txt"]
    Cache(toy).file(left).unlink()
    shutil.rmtree(toy / "out")
    code, out, err = make()
    assert code == 0, out + err
    assert "DVC's cache lacks out/left.txt, and no remote has it" in out
    assert executed(toy / "runs" / "toy@1") == ["left"]
    assert "the same bytes" in out


@pytest.mark.slow
def test_a_remote_has_what_the_cache_lacks(toy, tmp_path):
    dvc(toy, "remote", "add", "--default", "--local", "ours", str(tmp_path / "remote"))
    dvc(toy, "push")
    shutil.rmtree(toy / ".dvc" / "cache")
    code, out, err = make()
    assert code == 0, out + err
    assert "lacks" not in out
    assert executed(toy / "runs" / "toy@1") == []


def test_data_that_no_stage_makes_and_no_remote_has_are_named(toy):
    (toy / "data" / "tracked.txt").unlink()
    shutil.rmtree(toy / ".dvc" / "cache")
    code, _, err = make()
    assert code == 2
    assert err.startswith("error: DVC's cache lacks data/tracked.txt, and no remote has it")
    assert len(err.splitlines()) == 1


@pytest.mark.slow
def test_edits_that_were_never_committed_are_part_of_it(toy):
    work = (toy / "work.py").read_text()
    (toy / "work.py").write_text(work + "print('edited')\n")
    (toy / "new.py").write_text("pass\n")
    (toy / "data" / "pairs" / "more.tsv").write_text("c\td\n")
    learning_rate(toy, 0.5)
    compute(toy)
    assert register(toy) == 2
    (toy / "work.py").write_text(work)
    (toy / "new.py").unlink()
    (toy / "data" / "pairs" / "more.tsv").unlink()
    learning_rate(toy, 0.003)
    code, out, err = make("--from-scratch", which="2")
    assert code == 0, out + err
    assert "the same bytes" in out
    folder = toy / "runs" / "toy@2"
    assert "edited" in (folder / "work.py").read_text()
    assert (folder / "new.py").exists() and (folder / "data" / "pairs" / "more.tsv").exists()
    assert not (toy / "new.py").exists()


def test_the_first_stage_that_differs_is_named_with_the_machine_and_both_scores(toy):
    compute(toy)
    assert register(toy, **{"machine.cpu": "a CPU of 1999"}) == 2
    code, out, err = make("--from-scratch", which="2", TOY_MACHINE="another")
    assert code == 1, out + err
    assert "stage model is the first whose output differs: out/model/bundle.json, out/model/weights" in out
    assert "another cpu: registered on a CPU of 1999, made again on" in out
    before = read_json(toy / "out/scores/int8.json")["gate"]["bleu"]
    assert f"int8 gate bleu: {before}.00 registered, {before + len('another')}.00 made again" in out


@pytest.mark.slow
def test_a_killed_try_goes_on_and_a_finished_one_is_not_overwritten(toy):
    (toy / "dvc.yaml").write_text((toy / "dvc.yaml").read_text().replace("python model.py", "exit 1 #"))
    git(toy, "commit", "--quiet", "--all", "--message=x")
    folder = toy / "runs" / "toy@1"
    (toy / "data" / "tracked.txt").unlink()
    (toy / ".dvc" / "cache").rename(toy / "away")
    assert make()[0] == 2
    (toy / "away").rename(toy / ".dvc" / "cache")
    (folder / "left by the first try").touch()
    assert make()[0] == 0
    assert (folder / "left by the first try").exists()
    code, _, err = make()
    assert (code, err) == (2, f"error: {folder} exists; remove it, or choose another folder with --into\n")


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("9", "'toy' has no version 9; it has 1"),
        ("champion", "'toy' has no version 'champion'; give its number, or an alias (there is none)"),
    ],
)
def test_a_version_that_is_not_there_is_told(toy, which, message):
    with pytest.raises(UserError) as caught:
        reproduce.reproduce(toy, which, NAME, None, False)
    assert str(caught.value) == message


def test_a_commit_that_git_has_lost_is_told(toy):
    compute(toy)
    register(toy, git_commit="1" * 40)
    with pytest.raises(UserError, match=f"commit {'1' * 40} of version 2 is not in the git of .*; fetch it"):
        reproduce.reproduce(toy, "2", NAME, None, False)
    assert not (toy / "runs" / "toy@2").exists()


def test_a_version_whose_run_was_removed_is_told(toy):
    shutil.rmtree(next((toy / "mlruns" / "artifacts" / NAME).iterdir()))
    with pytest.raises(
        UserError, match=r"version 1 of 'toy' can't be made again: its MLflow run \w+ lacks params.yaml"
    ):
        reproduce.reproduce(toy, "1", NAME, None, False)


@pytest.mark.slow
def test_data_that_were_too_large_to_keep_are_taken_from_the_checkout_or_named(toy, monkeypatch):
    monkeypatch.setattr("registry.commits.NEW_BYTES", 1)
    compute(toy)
    assert register(toy) == 2
    mine = toy / "data" / "pairs" / "mine.tsv"
    mine.write_text("edited")
    code, _, err = make(which="2")
    assert code == 2
    assert err.startswith("error: the version read data/pairs/mine.tsv, which was not kept with it: put the file of 4 ")
    mine.write_text("a\tb\n")
    code, out, err = make("--from-scratch", which="2")
    assert code == 0, out + err


def test_a_registry_that_is_away_is_told(toy):
    code, _, err = make(MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert code == 2
    assert err.startswith("error: no MLflow store answers at http://127.0.0.1:9")
    assert len(err.splitlines()) == 1
