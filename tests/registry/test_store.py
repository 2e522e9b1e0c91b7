"""Where the store is, whichever copy of the checkout asks; and outputs that are links."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from dvc.repo import Repo

from registry.store import local_tracking_uri, open_store, repository_of
from tests.outputs import NAME, ROOT, run_register

OUTPUTS = ["models/forward", "models/int8", "reports", "code"]


@pytest.mark.parametrize("address", ["", "sqlite:///kept/mlflow.db"])
def test_an_experiment_in_a_temporary_folder_uses_the_repositorys_store(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(
        "stages:\n  register:\n    cmd: python -m registry.store > address\n    outs: [address]\n"
    )
    Path("params.yaml").write_text("{}\n")
    subprocess.run(["git", "init", "--quiet"], check=True)
    Repo.init().close()
    subprocess.run(["git", "add", "."], check=True)
    as_somebody = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *as_somebody, "commit", "--quiet", "--message=x"], check=True)
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": address,
    }
    subprocess.run([sys.executable, "-m", "dvc", "exp", "run", "--temp", "--quiet"], env=environment, check=True)
    (found,) = tmp_path.glob("*/mlflow.db")
    assert found.parent.name == ("kept" if address else "mlruns")
    assert not list(Path(".dvc/tmp/exps").rglob("mlflow.db"))


def test_a_working_copy_uses_its_checkouts_store(project, monkeypatch):
    copy = project / "runs" / "mine"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("mlruns", "runs"))
    (copy / "run.json").write_text('{"code": {}}')
    monkeypatch.chdir(copy)
    assert run_register(monkeypatch)["version"] == 1
    assert not Path("mlruns").exists()
    monkeypatch.chdir(project)
    with open_store() as store:
        assert store.client.get_model_version(NAME, "1")
    alone = project.parent / "mine"
    copy.rename(alone)  # of no checkout any more
    assert repository_of(alone) == alone


@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_outputs_that_are_links_into_the_cache_are_registered_as_files(project, monkeypatch, kind):
    shutil.copytree("models", "before")
    monkeypatch.chdir(project)
    with Repo.init(no_scm=True) as repo, repo.config.edit() as config:
        config["cache"]["type"] = [kind]
    with Repo() as repo:
        repo.add(OUTPUTS)
    linked = Path("models/int8/bundle.json")
    assert linked.is_symlink() if kind == "symlink" else linked.stat().st_nlink > 1
    cached = {path: path.read_bytes() for path in Path(".dvc/cache").rglob("*") if path.is_file()}
    made = run_register(monkeypatch)
    stored = [path for path in Path("mlruns/artifacts").rglob("*") if not path.is_dir()]
    assert not [path for path in stored if path.is_symlink() or path.stat().st_nlink > 1]
    assert len([path for path in stored if path.name == "bundle.json"]) == 2
    assert run_register(monkeypatch) == made
    assert cached == {path: path.read_bytes() for path in cached}
    shutil.rmtree(".dvc/cache")
    mlflow.set_tracking_uri(local_tracking_uri(Path()))
    assert mlflow.pyfunc.load_model(f"models:/{NAME}/1")
