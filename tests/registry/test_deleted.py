"""A registry that people tidy: what a later version is told of what is gone, and what becomes of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from flows.release import release
from registry.ledger import CHAMPION
from registry.store import local_tracking_uri, open_store
from seq2seq.core.params import PARAMS, load_section
from seq2seq.release.params import ReleaseParams
from tests.outputs import NAME, make_bundles, run_register

GATE = Path("reports/predictions/int8/gate.parquet")


@pytest.fixture(scope="module")
def released(template, tmp_path_factory):
    """A project with a champion: made once, copied by each test."""
    root = tmp_path_factory.mktemp("released") / "project"
    shutil.copytree(template, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        frame = pd.read_parquet(GATE)
        frame.assign(prediction=frame["references"].str[0]).to_parquet(GATE)
        run_register(patch)
        assert settle(1).alias == CHAMPION
    return root


@pytest.fixture
def project(released, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    shutil.copytree(released, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    with open_store():  # which follows the move
        pass


def settle(number):
    return release.fn(NAME, number, load_section(PARAMS, "release", ReleaseParams), [])[0]


def collect_garbage():
    store = local_tracking_uri(Path())
    command = [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", store]
    done = subprocess.run(
        command, env=os.environ | {"MLFLOW_TRACKING_URI": store}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def delete_run(client):
    client.delete_run(client.get_model_version(NAME, "1").run_id)


def delete_files(client):
    run = client.get_run(client.get_model_version(NAME, "1").run_id)
    shutil.rmtree(Path("mlruns/artifacts") / NAME / run.info.run_id)


def delete_all_files(_client):
    shutil.rmtree(Path("mlruns/artifacts") / NAME)


def delete_experiment(client):
    client.delete_experiment(client.get_experiment_by_name(NAME).experiment_id)


def delete_version(client):
    client.delete_model_version(NAME, "1")


def delete_model(client):
    client.delete_registered_model(NAME)


@pytest.mark.parametrize(
    ("deletes", "collects", "number", "reason"),
    [
        (delete_run, False, 2, "+0.00 BLEU against version 1, the champion"),
        (delete_run, True, 2, "BLEU against version 1, the champion"),  # which translates again
        pytest.param(delete_files, False, 2, "BLEU against version 1, the champion", marks=pytest.mark.slow),
        (delete_all_files, False, 2, "no released version stands against it; version 1, the champion, can't"),
        (delete_experiment, False, 2, "+0.00 BLEU against version 1, the champion"),
        pytest.param(delete_experiment, True, 2, "BLEU against version 1, the champion", marks=pytest.mark.slow),
        (delete_version, False, 2, "no released version stands against it"),
        (delete_model, False, 1, "no released version stands against it"),
    ],
)
def test_a_version_gets_a_decision_whatever_was_deleted(
    project, tokenizer, monkeypatch, deletes, collects, number, reason
):
    with open_store() as store:
        deletes(store.client)
    if collects:
        collect_garbage()
    make_bundles(Path("models"), tokenizer, seed=2)
    made = run_register(monkeypatch)
    decision = settle(made["version"])
    assert (made["version"], decision.alias) == (number, CHAMPION), decision.reason
    assert reason in decision.reason
    assert "\n" not in decision.reason
    assert settle(number).reason.endswith(decision.reason)  # once is enough


@pytest.mark.parametrize(
    ("deletes", "collects", "words"),
    [
        (delete_run, True, "its run"),
        pytest.param(delete_files, False, "the files of its run", marks=pytest.mark.slow),
        (delete_all_files, False, "the files of its run"),
    ],
)
def test_a_version_whose_record_is_gone_is_recorded_again(project, monkeypatch, capsys, deletes, collects, words):
    with open_store() as store:
        deletes(store.client)
    if collects:
        collect_garbage()
    made = run_register(monkeypatch)
    assert made["version"] == 2
    assert f"notice: version 1 serves this very model, but {words}" in capsys.readouterr().out
    assert settle(2).reason
    assert run_register(monkeypatch) == made


def test_a_run_in_the_trash_is_taken_out_when_its_version_is_registered_again(project, monkeypatch, capsys):
    with open_store() as store:
        delete_run(store.client)
    assert run_register(monkeypatch)["version"] == 1
    assert "the run of version 1 lay in MLflow's trash; it is restored" in capsys.readouterr().out
    collect_garbage()
    assert run_register(monkeypatch)["version"] == 1
    assert "notice" not in capsys.readouterr().out
