"""What a run lays over params.yaml, the name that it gets, and the list of runs."""

import json
import os
import subprocess
import sys

import pytest

from flows import runs
from flows.runs import LOCK, resolve, run_folder, run_name
from flows.workspace import open_workspace
from registry.commits import DIRTY, commit_of_run, read_commit
from seq2seq.core.errors import UserError
from seq2seq.core.files import write_json
from seq2seq.core.params import read_yaml
from tests.toy_project import make_toy_project


@pytest.fixture
def toy(tmp_path):
    return make_toy_project(tmp_path / "toy")


def start(toy, presets=(), overrides=(), name=""):
    """What is said while a run finds its place."""
    said = []
    tree, _ = resolve(toy, presets, overrides)
    with open_workspace(toy, tree, presets, overrides, name, said.append):
        return said


def test_presets_and_assignments_are_laid_over_the_params_in_order(toy):
    (toy / "presets" / "slower.yaml").write_text("train: {lr: 0.25, seed: 9}\n")
    tree, where = resolve(toy, ["slower", "slow"], ["train.seed=7", "corpora.names=[a, b]"])
    assert (tree["train"]["lr"], tree["train"]["seed"], tree["corpora"]["names"]) == (0.5, 7, ["a", "b"])
    assert tree["decoding"] == read_yaml(toy / "params.yaml")["decoding"]
    assert where.startswith("params.yaml with --preset slower --preset slow --set train.seed=7 --set ")


@pytest.mark.parametrize(
    ("presets", "overrides", "message"),
    [
        (["wid"], [], "there is no preset 'wid' in presets/; did you mean 'wide'?"),
        (["../params"], [], "there is no preset '../params'"),
        ([], ["train.lrr=1"], "train: unknown key 'lrr'; did you mean 'lr'?"),
        ([], ["train=1"], "'train' is a section with keys"),
        ([], ["=1"], "write it as SECTION.KEY=VALUE"),
    ],
)
def test_a_mistyped_preset_or_assignment_is_told(toy, presets, overrides, message):
    with pytest.raises(UserError) as caught:
        resolve(toy, presets, overrides)
    assert message in str(caught.value)


def test_names_of_runs_are_short_and_differ():
    assert run_name(["multi30k"], []) == "multi30k"
    assert run_name(["multi30k", "lstm"], []) == "multi30k+lstm"
    assert run_name(["multi30k"], ["train.lr=3e-4"], "slow") == "slow"
    runs = [
        (("a",), ()),
        (("a", "b"), ()),
        (("b", "a"), ()),
        (("a" * 60, "b" * 60), ()),
        (("a" * 60, "b" * 61), ()),
        (("a",), ("b=1",)),
        (("a",), ("b=1+c=2",)),
        (("a",), ("b=1", "c=2")),
        ((), ("a=x/y",)),
        (("params",), ("a=x/y",)),
        ((), ("a=" + "x" * 300,)),
        ((), ("a=" + "x" * 301,)),
        (("größer" * 12,), ("a=1",)),
    ]
    names = [run_name(*one) for one in runs]
    assert len(set(names)) == len(runs)
    assert all("/" not in name and len(os.fsencode(name)) < 120 for name in names)
    assert all(len(name) < 20 for (presets, overrides), name in zip(runs, names, strict=True) if len(presets) < 1)


@pytest.mark.parametrize("name", [".", "..", ".hidden", "a/b", "a+b", "-v", "a b", "x" * 101, "ü" * 51, "a\n"])
def test_a_name_that_can_not_be_a_folders_is_refused(toy, name):
    with pytest.raises(UserError, match=r"(?s)--name .*: it names a folder in runs/; write letters, digits"):
        run_folder(toy, [], [], name)


def test_a_name_never_meets_the_runs_of_a_preset(toy):
    with pytest.raises(UserError, match="--name slow is the name of runs with that preset; choose another"):
        run_folder(toy, [], ["train.lr=0.1"], "slow")
    assert run_folder(toy, ["slow"], [], "mine") == toy / "runs" / "mine"
    assert run_folder(toy, [], [], "mine") == toy / "runs" / "mine"
    assert run_folder(toy, [], []) == toy


def test_a_name_that_is_used_again_says_what_was_there(toy):
    assert start(toy, ["slow"], ["train.seed=2"], "mine") == []
    assert start(toy, ["slow"], ["train.seed=2"], "mine") == []
    (said,) = start(toy, [], ["corpora.names=[]"], "mine")
    folder = toy / "runs" / "mine"
    assert said == (f"{folder} held the run --preset slow --set train.seed=2; now it becomes --set 'corpora.names=[]'")
    tree = read_yaml(folder / "params.yaml")
    assert (tree["corpora"]["names"], tree["train"]["seed"]) == ([], 1)


def test_the_list_tells_what_each_run_laid_over_the_params_and_how_it_ended(toy, monkeypatch, capsys):
    monkeypatch.chdir(toy)
    monkeypatch.setattr(sys, "argv", ["runs"])
    runs.main()
    assert capsys.readouterr().out.startswith("there is no run in runs/")
    for number, (presets, overrides, name) in enumerate(
        [(["slow"], [], ""), (["wide"], ["train.seed=2"], "mine"), ([], [], "plain")]
    ):
        start(toy, presets, overrides, name)
        os.utime(toy / "runs" / (name or "slow") / "run.json", (1e9 + number, 1e9 + number))
    reports = toy / "runs" / "mine" / "reports"
    undefined = {"bleu": None, "bleu_undefined": "no reference has 4 words"}  # as the stage report writes it
    write_json(reports / "quality.json", {"int8": {"flickr": {"bleu": 40.04}, "coco": undefined}})
    write_json(reports / "registration.json", {"name": "multi30k-en-de", "version": 3})
    tree, _ = resolve(toy, [], [])
    with open_workspace(toy, tree, [], [], "plain", print):
        runs.main()
    header, *rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    table = [[cell.strip() for cell in row if cell.strip()] for row in (header, *rows)]
    assert table[0] == ["name", "started", "state", "version", "int8 BLEU", "laid over params.yaml"]
    assert [table[1][0], *table[1][2:]] == ["plain", "running", "with params.yaml as it is"]
    scores = "40.0 (flickr), undefined (coco)"
    assert table[2][2:] == ["finished", "multi30k-en-de 3", scores, "--preset wide --set train.seed=2"]
    assert [table[3][0], *table[3][2:]] == ["slow", "stopped", "--preset slow"]

    (reports / "registration.json").unlink()
    (toy / "runs" / "mine" / LOCK).unlink()
    runs.main()
    assert "stopped" in capsys.readouterr().out.splitlines()[2]  # scores of an earlier run are not its own
    kept = json.loads((toy / "runs" / "slow" / "run.json").read_text())
    assert (kept["presets"], kept["assignments"]) == (["slow"], [])


def test_a_copy_keeps_the_commit_that_it_was_made_of(toy):
    commit = ["git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "--message=x"]
    subprocess.run(commit, cwd=toy, check=True)
    start(toy, ["slow"])
    copied = commit_of_run(toy / "runs" / "slow")
    assert copied == read_commit(toy)
    assert copied[DIRTY] == "false"
    (toy / "work.py").write_text("edited while the run is at work")
    assert commit_of_run(toy / "runs" / "slow") == copied
    start(toy, ["slow"])
    assert commit_of_run(toy / "runs" / "slow") == copied | {DIRTY: "true"}
