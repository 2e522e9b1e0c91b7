"""The real stages, small: from nothing to a registered model, and the same bytes in another folder and after kills."""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from seq2seq.bundles.manifest import bundle_digest, read_manifest
from seq2seq.core.files import read_json, sha256_tree
from seq2seq.core.params import dump_yaml, overlay, read_yaml
from seq2seq.models.architectures import MODELS
from seq2seq.text.corpus import count_lines
from tests.pretrained_models import tiny_t5
from tests.toy_project import REPOSITORY

STAGES = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
TIMED = {"candidates", "report"}  # their outputs hold timings
SMALL = {
    "generated": {"train_pairs": 600, "held_out_pairs": 40, "mono_lines": 200},
    "tokenizer": {"vocabulary_size": 400},
    "transformer": {"encoder_layers": 1, "decoder_layers": 1, "width": 32, "heads": 2, "feed_forward": 64},
    "recurrent": {"width": 32},
    "convolutional": {"width": 32},
    "train": {"max_updates": 40, "validate_every": 5, "warmup_updates": 10, "batch_tokens": 1024},
    "train_backward": {"max_updates": 40, "validate_every": 5, "warmup_updates": 10, "batch_tokens": 1024},
    "back_translation": {"search": "sampling"},  # the best output of so small a model is an empty one
    "evaluation": {"bootstrap_samples": 100},
    "candidates": {"sentences": 10, "rounds": 1},
    "choice": {"candidate": "int8"},  # so that no timing decides
}


def make_project(folder, changes=None):
    """Copy what git tracks, with small params and a cache, an MLflow store and a lock file of its own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in set(listed.stdout.split("\0")) - {"", "dvc.lock"}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    tree = overlay(overlay(read_yaml(folder / "params.yaml"), SMALL, "the test"), changes or {}, "the test")
    (folder / "params.yaml").write_text(dump_yaml(tree))
    (folder / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n")
    return folder


def reproduce(project, *stages):
    variables = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["dvc", "repro", *stages],
        cwd=project,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(dvc):
    output = dvc.communicate(timeout=900)[0]
    assert dvc.returncode == 0, output


def stages_as_they_start(dvc):
    for line in dvc.stdout:
        if found := re.match("Running stage '(.*)':", line):
            yield found[1]


def kill(processes):
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def outputs(project):
    """The SHA-256 of all that must be the same."""
    paths = [path for name, stage in STAGES.items() if name not in TIMED for path in stage["outs"]]
    return {path: sha256_tree(project / path) for path in [*paths, "models/candidates", "reports/quality.json"]}


@pytest.fixture(scope="module")
def untroubled(tmp_path_factory):
    """The outputs of a run without a kill, and the seconds that each stage took."""
    project = make_project(tmp_path_factory.mktemp("untroubled"))
    dvc = reproduce(project)
    started = {stage: time.monotonic() for stage in stages_as_they_start(dvc)}
    finish(dvc)
    assert set(started) == set(STAGES)
    ends = [*list(started.values())[1:], time.monotonic()]
    seconds = {name: end - start for (name, start), end in zip(started.items(), ends, strict=True)}
    return project, outputs(project), seconds


def test_the_stages_make_one_registered_model(untroubled):
    project, _, _ = untroubled
    real, synthetic = (count_lines(project / "data" / one) for one in ("clean/train", "synthetic"))
    assert real > 400
    assert 0 < synthetic <= SMALL["generated"]["mono_lines"]
    forward, backward = (read_manifest(project / "models" / one) for one in ("forward", "backward"))
    assert (forward.languages.source, backward.languages.source) == ("en", "de")
    assert set(read_json(project / "reports/quality.json")) == {"float32", "int8"}
    assert read_json(project / "reports/registration.json")["version"] == 1
    assert (project / "reports/index.html").stat().st_size > 10_000


@pytest.mark.slow
def test_without_back_translation_there_is_no_backward_model(untroubled, tmp_path):
    project = tmp_path / "without"
    shutil.copytree(untroubled[0], project, symlinks=True)
    changed = overlay(read_yaml(project / "params.yaml"), {"back_translation": {"enabled": False}}, "the test")
    (project / "params.yaml").write_text(dump_yaml(changed))
    dvc = reproduce(project, "train")
    assert list(stages_as_they_start(dvc)) == ["train_backward", "back_translate", "train"]
    finish(dvc)
    assert [path.name for path in (project / "models" / "backward").iterdir()] == ["nothing.txt"]
    assert count_lines(project / "data" / "synthetic") == 0
    first, second = (bundle_digest(one / "models" / "forward") for one in (untroubled[0], project))
    assert first != second


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("architecture", sorted(set(MODELS) - {"transformer"}))
def test_every_architecture_goes_through_all_stages(architecture, tmp_path):
    changes = {"model": {"architecture": architecture}, "pretrained": {"model": str(tiny_t5(tmp_path / "t5"))}}
    project = make_project(tmp_path / "project", changes)
    finish(reproduce(project))
    assert read_manifest(project / "models/int8").architecture == architecture
    store = f"sqlite:///{project}/mlruns/mlflow.db"
    load = "import mlflow, pandas; model = mlflow.pyfunc.load_model('models:/phrasebook-en-de/1'); "
    load += "print(len(model.predict(pandas.DataFrame({'source': ['a', 'b']}))))"
    variables = os.environ | {"MLFLOW_TRACKING_URI": store}
    found = subprocess.run([sys.executable, "-c", load], env=variables, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "2"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("target", ["stage", "dvc", "both"])
def test_kills_change_nothing(target, untroubled, tmp_path):
    _, expected, seconds = untroubled
    project = make_project(tmp_path / "another" / "depth")
    chance = random.Random(target)
    killed = []
    for stage in seconds:
        dvc = reproduce(project)
        assert stage in stages_as_they_start(dvc)
        time.sleep(chance.uniform(0, seconds[stage]))
        itself = psutil.Process(dvc.pid)
        children = itself.children(recursive=True)
        kill({"stage": children, "dvc": [itself], "both": [itself, *children]}[target])
        if dvc.wait(900) != 0:
            killed.append(stage)
    finish(reproduce(project))
    assert len(killed) > len(STAGES) / 2
    assert outputs(project) == expected


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_registered_version_is_made_again_from_its_commit(tmp_path):
    project = make_project(tmp_path / "project")
    for arguments in (["init"], ["add", "."], ["commit", "--message=x"]):
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments]
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    (project / "tasks" / "new.py").write_text(
        '"""Never committed."""\n\n\ndef main() -> None:\n    """Do nothing."""\n'
    )
    finish(reproduce(project))
    (project / "tasks" / "new.py").unlink()
    variables = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    command = [sys.executable, "-m", "flows.reproduce", "--version", "1", "--from-scratch"]
    made = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "the same bytes: float32 bundle" in made.stdout and "the same bytes: int8 bundle" in made.stdout
