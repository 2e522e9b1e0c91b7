"""Fixtures: outputs that can be registered, an MLflow server, and a local store."""

import json
import shutil

import pytest

from registry.store import local_tracking_uri, open_store
from seq2seq.core.params import dump_yaml
from seq2seq.text.corpus import gather_references
from seq2seq.training.learning_curve import Point, write_curve
from tests.migrations import migrated_once  # noqa: F401 (a fixture)
from tests.outputs import COMMAND, ROOT, make_bundles, running_server
from tests.registered_versions import NAME
from tests.tiny_models import tiny_corpus
from tests.toy_project import REPOSITORY


@pytest.fixture(scope="module")
def template(tokenizer, tmp_path_factory):
    """What a pipeline leaves, with an empty store beside it: made once, copied by each test."""
    root = tmp_path_factory.mktemp("template")
    make_bundles(root / "models", tokenizer, seed=1)
    score = {"bleu": 50.0, "bleu_low": 49.5, "signature": "BLEU|..."}
    for engine in ("float32", "int8"):
        (root / "reports/predictions" / engine).mkdir(parents=True)
        (root / "reports/scores").mkdir(exist_ok=True)
        for name in ("gate", "held_out"):
            frame = gather_references(tiny_corpus()).assign(prediction="?")
            frame.to_parquet(root / "reports/predictions" / engine / f"{name}.parquet")
        scores = {"tests": {"held_out": score}, "gate": score}
        (root / "reports/scores" / f"{engine}.json").write_text(json.dumps(scores))
    (root / "reports/curves").mkdir()
    write_curve(root / "reports/curves/forward.csv", [Point(20, 1, 0.1, 2.0, 2.5, 6.0)])
    (root / "reports/speed.json").write_text('{"int8": {"sentences_per_second": 30.0}}')
    (root / "reports/index.html").write_text("<html>")
    (root / "reports/card.md").write_text("# What it is for")
    for name in ("quality", "cleaning", "download"):
        (root / f"reports/{name}.json").write_text("{}")
    (root / "code").mkdir()
    (root / "code/served.txt").write_text("seq2seq/inference/translator.py 1234\n")
    (root / "dvc.yaml").write_text(dump_yaml({"stages": {"register": {"cmd": COMMAND}}}))
    shutil.copy(ROOT / "params.yaml", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(root))
        with open_store():
            pass
    return root


@pytest.fixture
def project(template, tmp_path, monkeypatch):
    """A project of the test's own, as the working directory."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # MLflow sets it behind our back; this puts it back at the end
    shutil.copytree(template, tmp_path / "a project")
    monkeypatch.chdir(tmp_path / "a project")
    return tmp_path / "a project"


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def server_address(tmp_path_factory):
    """The address of an MLflow server with an empty registry in SQLite."""
    with running_server(tmp_path_factory.mktemp("server")) as (address, _):
        yield address


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """An empty store: made once, copied by each test."""
    root = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(root))
        with open_store() as store:
            store.experiment(NAME)
    shutil.copy(REPOSITORY / "params.yaml", root)
    return root


@pytest.fixture
def client(empty_store, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(empty_store, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    with open_store() as store:
        store.client.create_registered_model(NAME)
    return store.client
