"""A toy project whose stages make a bundle, run through a real DVC and registered in a real MLflow store."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from registry.commits import CHANGES, commit_of_run, keep_changes
from registry.store import open_store
from seq2seq.bundles.manifest import bundle_digest
from seq2seq.core.files import read_json, write_json
from seq2seq.core.machine import describe_machine
from seq2seq.core.params import dump_yaml, overlay, read_yaml
from tests.toy_project import make_toy_project

NAME = "toy"
BUNDLE = Path("out", "model")

# reads a file that git doesn't know, data that DVC tracks, and what no file tells: the machine
MODEL = """
import os, pathlib, re

text = pathlib.Path("out/last.txt").read_text() + pathlib.Path("data/pairs/mine.tsv").read_text()
text += pathlib.Path("data/tracked.txt").read_text() + os.environ.get("TOY_MACHINE", "")
text += " ".join(re.findall(r"lr: \\S+", pathlib.Path("params.yaml").read_text()))  # so that versions differ
folder = pathlib.Path("out/model")
folder.mkdir(parents=True, exist_ok=True)
(folder / "weights").write_text(text)
(folder / "bundle.json").write_text(str(len(text)) + text)
pathlib.Path("out/scores").mkdir(exist_ok=True)
pathlib.Path("out/scores/int8.json").write_text('{"gate": {"bleu": %d, "lines": 3}}' % len(text))
"""

STAGES = """
  model:
    cmd: python model.py
    deps: [model.py, out/last.txt, data/pairs, data/tracked.txt]
    params: [train.lr]
    outs: [out/model, out/scores/int8.json]
  register:
    cmd: echo registered >> executed.log
    deps: [out/model]
"""


def git(folder, *arguments):
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def dvc(folder, *arguments, **variables):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | variables
    command = [sys.executable, "-m", "dvc", *arguments]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def make_project(root):
    """The project, committed, with the user's own pairs beside it and data that DVC tracks."""
    toy = make_toy_project(root)
    with (toy / "dvc.yaml").open("a") as file:
        file.write(STAGES)
    (toy / "model.py").write_text(MODEL)
    with (toy / ".gitignore").open("a") as file:
        file.write("/data/pairs/\n/mlruns/\n/reports/\n")
    (toy / "data" / "pairs" / "mine.tsv").write_text("a\tb\n")
    (toy / "data" / "tracked.txt").write_text("tracked")
    dvc(toy, "add", "data/tracked.txt")
    git(toy, "add", ".")
    git(toy, "commit", "--quiet", "--message=x")
    return toy


def compute(folder, **variables):
    dvc(folder, "repro", "model", **variables)


def register(folder, **tags):
    """Register what a folder holds, as tasks.register does, in the working directory's store; return its number."""
    bundles = {"int8": bundle_digest(folder / BUNDLE)}
    with open_store() as store, tempfile.TemporaryDirectory() as changes:
        experiment = store.experiment(NAME)
        run_id = store.client.create_run(experiment).info.run_id
        for path in ("params.yaml", "dvc.lock"):
            store.client.log_artifact(run_id, str(folder / path))
        keep_changes(folder, Path(changes))
        store.client.log_artifacts(run_id, changes, CHANGES)
        scores = {"int8": read_json(folder / "out/scores/int8.json")}
        store.client.log_dict(run_id, {"bundles": bundles, "scores": scores}, "reports/release.json")
        store.client.set_terminated(run_id)
        tags = commit_of_run(folder) | {f"machine.{key}": value for key, value in describe_machine().items()} | tags
        if NAME not in {model.name for model in store.client.search_registered_models()}:
            store.client.create_registered_model(NAME)
        version = store.client.create_model_version(NAME, f"runs:/{run_id}", run_id, tags=tags)
    made = {"name": NAME, "version": int(version.version), "run_id": run_id, "bundle_sha256": bundles["int8"]}
    write_json(folder / "reports" / "registration.json", made)
    return int(version.version)


def learning_rate(folder, value):
    """Change a parameter that the toy's first stage uses."""
    tree = read_yaml(folder / "params.yaml")
    (folder / "params.yaml").write_text(dump_yaml(overlay(tree, {"train": {"lr": value}}, "the test")))
