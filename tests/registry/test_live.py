"""The live curve of a training, written by its real process to a real MLflow store."""

import io
import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from registry import live
from registry.live import TRAINING
from registry.live_curve import live_curve
from registry.store import open_store
from seq2seq.core.errors import TransientError
from seq2seq.core.files import hold_lock
from seq2seq.training.learning_curve import Point
from tasks.stage import WORK

ROOT = Path(__file__).parents[2]
POINTS = [Point(5, 1, 0.1, 3.0, 2.5, 4.0), Point(10, 1, 0.2, 2.0, 1.5, 4.0, 33.0)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


@pytest.mark.slow
def test_points_are_seen_in_one_run_even_of_a_resumed_training(folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/watch/mlflow.db")
    monkeypatch.setenv("DVC_STAGE", "train")
    for point in POINTS:
        with hold_lock(WORK / "train.lock", "test"), live_curve("train", "abc") as tell:
            tell(point)
    with open_store() as store:
        experiment = store.experiment("phrasebook-en-de")
        (run,) = store.client.search_runs([experiment], f"tags.{TRAINING} = 'abc'")
        history = store.client.get_metric_history(run.info.run_id, "validation_loss")
        assert [(one.step, one.value) for one in history] == [(5, 2.5), (10, 1.5)]
        assert run.data.metrics["validation_score"] == 33.0
        assert run.info.run_name == "train"


def test_without_a_server_nothing_is_started(folder, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with live_curve("train", "abc") as tell:
        tell(POINTS[0])
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]


def test_a_server_that_does_not_answer_stops_no_training(folder, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with live_curve("train", "abc") as tell:
        for point in POINTS:
            tell(point)
    assert "no MLflow store answers at http://127.0.0.1:9" in capfd.readouterr().err


def test_points_that_a_server_missed_come_with_the_next_one(folder, monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/watch/mlflow.db")
    away = iter([True, False])

    @contextmanager
    def comes_back():
        if next(away):
            raise TransientError("the server is busy")
        with open_store() as store:
            yield store

    monkeypatch.setattr(live, "open_store", comes_back)
    monkeypatch.setattr("sys.argv", ["live", "train", "abc"])
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{json.dumps(asdict(point))}\n" for point in POINTS)))
    live.main()
    with open_store() as store:
        (run,) = store.client.search_runs([store.experiment("phrasebook-en-de")])
        history = store.client.get_metric_history(run.info.run_id, "validation_loss")
        assert [one.step for one in history] == [5, 10]
    assert "notice: the learning curve is not shown now: the server is busy" in capfd.readouterr().err
