import ast
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.utils.file_utils import local_file_uri_to_path

from registry import record, store
from registry.store import local_tracking_uri, open_store
from seq2seq.bundles.manifest import bundle_digest
from seq2seq.bundles.pytorch import save_model
from seq2seq.core.command_line import TRY_AGAIN
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import read_json
from seq2seq.core.machine import describe_machine
from seq2seq.core.params import dump_yaml, load_section, overlay, read_yaml
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import read_decoding
from seq2seq.inference.translator import Translator
from seq2seq.training.learning_curve import Point, write_curve
from tests.outputs import NAME, make_bundles, run_command, run_register
from tests.registered_versions import add_version
from tests.tiny_models import LANGUAGES, tiny_model

ROOT = Path(__file__).parents[2]
SOURCES = pd.DataFrame({"source": ["the cat sees the sea .", "", "my aunt paints 12 books ."]})


def load(uri, project):
    mlflow.set_tracking_uri(local_tracking_uri(project))
    return mlflow.pyfunc.load_model(uri)


def expected(bundle):
    decoding = read_decoding(Path("models/decoding.json"))
    runtime = load_section(Path("params.yaml"), "runtime", RuntimeParams)
    return Translator.load(bundle, runtime).translate(SOURCES["source"].tolist(), decoding)


def test_what_came_on_top_of_the_commit_is_kept_with_the_version(project, monkeypatch, tmp_path):
    for command in (["init"], ["add", "dvc.yaml"], ["commit", "--message=x"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@y", *command], cwd=project, check=True)
    (project / "new.py").write_text("pass\n")
    registration = run_register(monkeypatch)
    with open_store() as opened:
        path = opened.client.download_artifacts(registration["run_id"], "changes/uncommitted.diff", str(tmp_path))
    assert "+++ b/new.py" in Path(path).read_text()


def test_a_version_has_its_whole_record(project, monkeypatch):
    Path("reports/.gitignore").write_text("/index.html")
    registration = run_register(monkeypatch)
    digest = bundle_digest(Path("models/int8"))
    assert (registration["name"], registration["version"], registration["bundle_sha256"]) == (NAME, 1, digest)
    with open_store() as opened:
        run = opened.client.get_run(registration["run_id"])
        losses = opened.client.get_metric_history(registration["run_id"], "forward/validation_loss")
        version = opened.client.get_model_version(NAME, "1")
        listed = {item.path for item in opened.client.list_artifacts(run.info.run_id)}
        reports = {item.path for item in opened.client.list_artifacts(run.info.run_id, "reports")}
    assert run.info.status == "FINISHED"
    assert run.data.params["train.lr"] == "0.003"
    assert run.data.params["corpora.names"] == "['phrasebook']"
    assert run.data.metrics["int8/tests/held_out/bleu"] == 50.0
    assert run.data.metrics["speed/int8/sentences_per_second"] == 30.0
    assert [(point.step, point.value) for point in losses] == [(20, 2.5)]
    assert {"params.yaml", "dvc.yaml", "float32", "reports"} <= listed
    assert {f"reports/{name}" for name in ("index.html", "predictions", "curves", "release.json")} <= reports
    assert not {"reports/.gitignore", "reports/registration.json"} & reports
    for tags in (run.data.tags, version.tags):
        assert tags["bundle_sha256"] == digest
        assert tags["origin.data"] == "a"
        assert tags["task"] == "translation"
        assert tags["machine.cpu"] == describe_machine()["cpu"]
        assert tags["set_sha256.gate"] == json.loads(Path("reports/release.json").read_text())["sets"]["gate"]


def test_a_version_is_described_by_its_card_and_bears_the_licences_that_bind_it(project, monkeypatch):
    facts = {"captions": {"non_commercial": True}, "phrases": {"licence": "MIT"}, "photos": {"non_commercial": True}}
    Path("reports/download.json").write_text(json.dumps(facts))
    made = run_register(monkeypatch)
    with open_store() as store:
        version = store.client.get_model_version(NAME, str(made["version"]))
        assert version.description == "# What it is for"
        assert version.tags["non_commercial"] == "captions, photos"
        assert "reports/card.md" in [one.path for one in store.client.list_artifacts(version.run_id, "reports")]


def test_a_version_inherits_the_licences_of_what_it_goes_on_from(client, tokenizer, tmp_path):
    add_version(client, 0, float32_bundle_sha256="known", non_commercial="captions, photos")
    Path("reports").mkdir()
    Path("reports/download.json").write_text(json.dumps({"photos": {"non_commercial": True}, "mine": {}}))

    def licences(**origin):
        save_model(tmp_path / "forward", tiny_model(tokenizer), tokenizer, LANGUAGES, origin, "translation")
        return record._licences(client, record.Outputs(tmp_path / "forward", *[Path("reports")] * 4))

    assert licences() == {"non_commercial": "photos"}
    assert licences(start="known") == {"non_commercial": "photos, captions"}
    assert licences(start="other") == {"non_commercial": "photos", "unknown_start": "other"}
    add_version(client, 0, float32_bundle_sha256="next", unknown_start="other")
    assert licences(start="next") == {"non_commercial": "photos", "unknown_start": "other"}


def test_of_a_card_that_is_too_long_for_mlflow_the_rest_is_pointed_to(project, monkeypatch):
    Path("reports/card.md").write_text("ä" * 9000)
    made = run_register(monkeypatch)
    with open_store() as store:
        description = store.client.get_model_version(NAME, str(made["version"])).description
    assert len(description) == 5000
    assert description.startswith("ää")
    assert description.endswith("the whole card is reports/card.md among the run's artifacts.)")


def test_what_exceeds_mlflows_limits_is_recorded_whole_or_said(project, monkeypatch, capsys):
    tree = read_yaml(Path("params.yaml"))
    names = [f"corpus_{number}" for number in range(700)]
    Path("params.yaml").write_text(dump_yaml(overlay(tree, {"corpora": {"names": names}}, "the test")))
    scores, score = {}, {"bleu": 50.0, "bleu_low": 49.5, "bleu_high": 50.5, "chrf": 70.0, "ter": 30.0}
    for number in range(110):  # more tags than MLflow takes at once
        scores[f"set_{number}"] = score
        shutil.copy("reports/predictions/int8/gate.parquet", f"reports/predictions/int8/set_{number}.parquet")
    for engine in ("float32", "int8"):  # more metrics, too
        Path(f"reports/scores/{engine}.json").write_text(json.dumps({"tests": scores, "gate": score}))
    points = [Point(update, 1, 0.1, 2.0, 2.5, 6.0) for update in range(2100)]
    write_curve(Path("reports/curves/forward.csv"), points)
    registration = run_register(monkeypatch)
    said = capsys.readouterr().out
    with open_store() as opened:
        run = opened.client.get_run(registration["run_id"])
        losses = opened.client.get_metric_history(registration["run_id"], "forward/train_loss")
        version = opened.client.get_model_version(registration["name"], "1")
    assert f"notice: corpora.names has {len(str(names)):,} characters, of which MLflow keeps 6,000" in said
    assert run.data.params["corpora.names"] == f"{str(names)[:5999]}…"
    assert len(losses) == 2100
    assert len([key for key in run.data.metrics if key.startswith("int8/tests/")]) == 110 * len(score)
    for tags in (run.data.tags, version.tags):
        assert len([key for key in tags if key.startswith("set_sha256.")]) == 112


def test_a_model_answers_by_its_alias_and_holds_no_pickle(project, monkeypatch):
    run_register(monkeypatch)
    with open_store() as opened:
        opened.client.set_registered_model_alias(NAME, "champion", "1")
    model = load(f"models:/{NAME}@champion", project)
    assert model.predict(SOURCES)["target"].tolist() == expected(Path("models/int8"))
    assert model.metadata.signature.inputs.input_names() == ["source"]
    assert model.metadata.signature.outputs.input_names() == ["target"]
    assert list(model.input_example.columns) == ["source"]
    with pytest.raises(mlflow.exceptions.MlflowException, match="source"):
        model.predict(pd.DataFrame({"text": ["no such column"]}))
    stored = [path for path in Path("mlruns/artifacts").rglob("*") if path.is_file()]
    assert not [path for path in stored if path.suffix in (".pkl", ".pickle", ".joblib")]
    assert not [path for path in stored if path.suffix == ".pyc" and "seq2seq" in path.parts]  # loading adds nothing
    assert not [path for path in stored if "python_model" in path.name]  # MLflow's own name for a pickle


def test_the_same_bundle_is_one_version_and_another_is_the_next(project, tokenizer, monkeypatch):
    first = run_register(monkeypatch)
    report = Path("reports/release.json").read_bytes()
    assert run_register(monkeypatch) == first
    assert Path("reports/release.json").read_bytes() == report
    make_bundles(Path("models"), tokenizer, seed=2)
    second = run_register(monkeypatch)
    assert second["version"] == 2
    assert second["run_id"] != first["run_id"]


def test_what_is_registered_needs_no_registering_while_its_record_is_whole(project, tokenizer, monkeypatch):
    registration = run_register(monkeypatch)
    summary = read_json(Path("reports/release.json"))
    with open_store() as opened:
        assert record.is_registered(opened, summary, registration)
        for key, other in {"version": 2, "run_id": "another", record.SERVED: "other"}.items():
            assert not record.is_registered(opened, summary, registration | {key: other})
        assert not record.is_registered(opened, summary | {"sets": {"gate": "another"}}, registration)
        opened.client.delete_run(registration["run_id"])
        assert not record.is_registered(opened, summary, registration)  # it would be taken out of MLflow's trash
        opened.client.restore_run(registration["run_id"])
        assert record.is_registered(opened, summary, registration)
        shutil.rmtree("mlruns/artifacts")
        assert not record.is_registered(opened, summary, registration)
    make_bundles(Path("models"), tokenizer, seed=2)
    run_register(monkeypatch)
    with open_store() as opened:
        assert not record.is_registered(opened, read_json(Path("reports/release.json")), registration)


def test_two_models_of_different_commits_live_in_one_process(project, tokenizer, monkeypatch):
    run_register(monkeypatch)
    make_bundles(Path("models"), tokenizer, seed=2)
    run_register(monkeypatch)
    with open_store() as opened:
        folder = Path(local_file_uri_to_path(opened.client.get_model_version_download_uri(NAME, "2")))
    with (folder / "code/seq2seq/tokenizers/sentencepiece.py").open("a") as library:
        library.write("\n_decode = SentencePieceTokenizer.decode_target\n")
        library.write(
            "SentencePieceTokenizer.decode_target = lambda self, ids: ['new ' + text for text in _decode(self, ids)]\n"
        )
    before = sys.modules["seq2seq.tokenizers"]
    models = [load(f"models:/{NAME}/{version}", project) for version in (2, 1)]
    new, old = (model.predict(SOURCES)["target"].tolist() for model in models)
    assert new[0].startswith("new ")
    assert not old[0].startswith("new ")
    assert sys.modules["seq2seq.tokenizers"] is before


def test_a_model_can_be_loaded_where_the_project_is_not(project, monkeypatch):
    run_register(monkeypatch)
    script = (
        "import mlflow, pandas, sys; "
        f"model = mlflow.pyfunc.load_model('models:/{NAME}/1', model_config={{'beam_size': 1}}); "
        "print(list(model.predict(pandas.DataFrame({'source': ['the cat']})).columns), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project.parent,
        env={"PATH": os.environ["PATH"], "MLFLOW_TRACKING_URI": local_tracking_uri(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("['target'] False\n", 0), done.stderr


def test_the_store_survives_a_move(project, monkeypatch, capsys):
    run_register(monkeypatch)
    moved = project.parent / "moved 50% elsewhere; größer #1"
    project.rename(moved)
    monkeypatch.chdir(moved)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    store.main()
    assert capsys.readouterr().out.splitlines()[-1] == local_tracking_uri(moved)
    model = load(f"models:/{NAME}/1", moved)
    assert model.predict(SOURCES)["target"].tolist() == expected(Path("models/int8"))
    with open_store() as opened:
        run = opened.client.get_run(opened.client.get_model_version(NAME, "1").run_id)
        assert run.info.artifact_uri.startswith(f"{moved.as_uri()}/")
        assert opened.client.download_artifacts(run.info.run_id, "reports/index.html")


def test_a_store_keeps_its_artifacts_whatever_its_folder_is_called(tmp_path, monkeypatch):
    for name in ("100% done", 'it\'s "#1" [x]', "größer 日本"):
        root = tmp_path / name
        monkeypatch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(root))
        with open_store() as opened:
            run = opened.client.create_run(opened.experiment("größer+x-en-de"))
            opened.client.log_text(run.info.run_id, "kept", "kept.txt")
            assert opened.client.download_artifacts(run.info.run_id, "kept.txt", str(tmp_path))
        assert list((root / "mlruns").rglob("kept.txt"))


@pytest.mark.parametrize("name", ["what?", "two\nlines", "latin\udcff", "50%20 done"])
def test_a_store_whose_address_can_not_be_written_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(tmp_path / name))
    refused = pytest.raises(UserError, match=r"the MLflow store can't be .* rename that folder")
    with refused, open_store():
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("moment", ["mlflow.pyfunc.log_model", "mlflow.MlflowClient.create_model_version"])
def test_a_killed_registration_leaves_nothing_behind_once_repeated(project, monkeypatch, moment):
    script = (
        f"import mlflow, os, signal, tasks.register; {moment} = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL); "
        "tasks.register.main()"
    )
    killed = run_command("-c", script)
    killed.communicate()
    assert killed.returncode == -9
    registration = run_register(monkeypatch)
    assert registration["version"] == 1
    with open_store() as opened:
        experiment = opened.experiment(NAME)
        runs = opened.client.search_runs([experiment])
        models = opened.client.search_logged_models([experiment])
    assert [(run.info.run_id, run.info.status) for run in runs] == [(registration["run_id"], "FINISHED")]
    assert [model.source_run_id for model in models] == [registration["run_id"]]


def test_of_two_versions_that_two_machines_made_of_one_bundle_the_first_counts(project, monkeypatch):
    first = run_register(monkeypatch)
    with open_store() as opened:
        made = opened.client.get_model_version(NAME, "1")
        opened.client.create_model_version(NAME, made.source, made.run_id, tags=made.tags)
    assert run_register(monkeypatch) == first


@pytest.mark.slow
def test_registrations_at_the_same_time_make_one_version(project):
    shutil.rmtree("mlruns")  # they also race for making the store
    both = [run_command(), run_command()]
    assert [(process.communicate()[1], process.returncode)[1] for process in both] == [0, 0]
    with open_store() as opened:
        assert len(opened.client.search_model_versions(f"name = '{NAME}'")) == 1
        assert len(opened.client.search_runs([opened.experiment(NAME)])) == 1


def test_a_stored_model_that_can_not_answer_gets_no_version(project, monkeypatch):
    def fails(*_arguments, **_options):
        raise UserError("the bundle is damaged")

    with monkeypatch.context() as patch, pytest.raises(UserError, match="damaged"):
        patch.setattr(importlib.import_module("mlflow.pyfunc"), "load_model", fails)  # mlflow's own name loads late
        run_register(patch)
    with open_store() as opened:
        assert not opened.client.search_model_versions(f"name = '{NAME}'")
    assert run_register(monkeypatch)["version"] == 1


def test_what_is_undefined_or_was_not_learned_is_said_and_no_number_is_recorded(project, monkeypatch):
    for engine in ("float32", "int8"):
        path = Path(f"reports/scores/{engine}.json")
        scores = json.loads(path.read_text())
        scores["gate"] |= {"bleu": None, "bleu_undefined": "no reference has 4 words"}
        path.write_text(json.dumps(scores))
    write_curve(Path("reports/curves/forward.csv"), [Point(20, 1, 0.9, 70.0, 60.0, 8.0)])
    run_register(monkeypatch)
    with open_store() as opened:
        version = opened.client.get_model_version(NAME, "1")
        metrics = opened.client.get_run(version.run_id).data.metrics
    assert version.tags["gate_bleu"] == "undefined"
    assert "the validation loss is 60.00 nats" in version.tags["learned_nothing"]
    assert "int8/gate/bleu" not in metrics
    assert "int8/tests/held_out/bleu" in metrics


def test_a_server_that_is_not_there_ends_in_one_line(project):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for address in ("127.0.0.1:9", f"user:secret@127.0.0.1:{silent.getsockname()[1]}"):
            started = time.monotonic()
            process = run_command(MLFLOW_TRACKING_URI=f"http://{address}")
            error = process.communicate()[1]
            assert time.monotonic() - started < 60  # of silence MLflow by itself bears minutes
            assert process.returncode == TRY_AGAIN  # it may come back, and hours of training lie behind
            assert error.startswith("error: no MLflow store answers at http://127.0.0.1:")
            assert error.count("\n") == 1
            assert "secret" not in error
    assert not Path("reports/release.json").exists()


def test_a_store_that_has_answered_once_is_waited_for_patiently(project, monkeypatch):
    for name in store.PATIENT:
        monkeypatch.setenv(name, "")  # so that all are put back as they were
        monkeypatch.delenv(name)
    with open_store():
        assert {name: os.environ[name] for name in store.PATIENT} == store.PATIENT


def test_an_experiment_that_was_deleted_is_brought_back(project):
    with open_store() as opened:
        experiment = opened.experiment(NAME)
        opened.client.delete_experiment(experiment)
        assert opened.experiment(NAME) == experiment
        assert opened.client.create_run(experiment).info.experiment_id == experiment


def test_an_unknown_kind_of_store_and_missing_outputs_are_the_users_to_mend(project, monkeypatch):
    with pytest.raises(UserError, match=r"MLFLOW_TRACKING_URI is file:///tmp/mlruns; set it to http"):
        run_register(monkeypatch, "file:///tmp/mlruns")
    Path("other.db").write_text("no database")
    with pytest.raises(UserError, match=r"other.db can't be used as an MLflow store"):
        run_register(monkeypatch, "sqlite:///other.db")
    shutil.rmtree("models/int8")
    with pytest.raises(UserError, match=r"models/int8/bundle.json is missing; run `dvc repro`"):
        run_register(monkeypatch)


def imports_of(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


PYTORCH = (*record.REQUIREMENTS, *record.PYTORCH_REQUIREMENTS)
ONNX = (*record.REQUIREMENTS, *record.ONNX_REQUIREMENTS)
PRETRAINED = (*PYTORCH, *record.PRETRAINED_REQUIREMENTS)
# what their functions import, such a model needs
CALLED = {"seq2seq.models.huggingface", "seq2seq.tokenizers.huggingface"}
# what Translator.load_ensemble imports
ENGINE = {"seq2seq.decoding.torch_engine", "seq2seq.inference.ensemble", "seq2seq.bundles.pytorch"}


@pytest.mark.parametrize(
    ("requirements", "engine", "called"),
    [
        (record.REQUIREMENTS, set(), set()),
        (PYTORCH, ENGINE, set()),
        (ONNX, {"seq2seq.decoding.torch_engine", "seq2seq.inference.onnx_model"}, set()),
        (PRETRAINED, ENGINE, CALLED),
    ],
)
def test_the_requirements_are_what_the_model_imports(requirements, engine, called):
    seen = set(imports_of(ast.walk(ast.parse((ROOT / "registry/pyfunc_model.py").read_text())))) | engine
    waiting = list(seen)
    while waiting:
        if (name := waiting.pop()).startswith("seq2seq."):
            tree = ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text())
            nodes = ast.walk(tree) if name in called else tree.body  # what functions import, others don't call
            new = set(imports_of(nodes)) - seen
            waiting += new
            seen |= new
    packages, known = metadata.packages_distributions(), set(requirements)
    outside = {name.split(".")[0] for name in seen} - set(sys.stdlib_module_names) - {"seq2seq"}
    needed = [{package.lower() for package in packages[name]} for name in outside]
    assert all(names & known for names in needed)
    assert known <= set().union(*needed)


@pytest.mark.slow
def test_a_server_keeps_models_as_the_local_store_does(project, tokenizer, server, monkeypatch):
    address, process = server
    shutil.rmtree("mlruns")
    first = run_register(monkeypatch, address)
    assert first["version"] == 1
    assert run_register(monkeypatch, address) == first
    mlflow.set_tracking_uri(address)
    model = mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    assert model.predict(SOURCES)["target"].tolist() == expected(Path("models/int8"))
    assert not Path("mlruns").exists()

    make_bundles(Path("models"), tokenizer, seed=2)
    both = [run_command(MLFLOW_TRACKING_URI=address) for _ in range(2)]
    assert [(one.communicate()[1], one.returncode)[1] for one in both] == [0, 0]
    with open_store() as opened:
        assert sorted(int(one.version) for one in opened.client.search_model_versions(f"name = '{NAME}'")) == [1, 2]
        assert len(opened.client.search_runs([opened.experiment(NAME)])) == 2

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TransientError, match="stopped answering"), open_store() as opened:
        os.killpg(process.pid, 9)
        process.wait()
        opened.client.search_experiments()
