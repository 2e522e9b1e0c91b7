"""The registry's champion: found, copied, followed, and served from the copy where the registry is away."""

import asyncio
import json
import shutil
import threading

import pytest
from starlette.testclient import TestClient

from registry.ledger import CHAMPION
from registry.store import open_store
from seq2seq.bundles.manifest import MANIFEST, bundle_digest
from seq2seq.core.errors import UserError
from serving.app import make_app
from serving.models import Loaded
from serving.registered import Registered
from serving.settings import Settings
from tests.tiny_models import DECODING, RUNTIME
from tests.toy_project import REPOSITORY

NAME = "tiny-en-de"


def register(client, folder, bundle):
    """Register a bundle as the pipeline's model holds it."""
    shutil.copytree(bundle, folder / "artifacts" / "int8")
    tags = {
        "bundle_sha256": bundle_digest(bundle),
        "decoding": DECODING.model_dump_json(),
        "runtime": RUNTIME.model_dump_json(),
    }
    return int(client.create_model_version(NAME, folder.as_uri(), tags=tags).version)


@pytest.fixture
def client(trained, float_engine, tmp_path, monkeypatch):
    """A store with two versions, the first of which is champion."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    with open_store() as store:
        store.client.create_registered_model(NAME)
        for number, bundle in enumerate((trained[1], float_engine), start=1):
            assert register(store.client, tmp_path / f"model {number}", bundle) == number
        store.client.set_registered_model_alias(NAME, CHAMPION, "1")
    return store.client


@pytest.fixture
def service(client, tmp_path):
    """The app, a client of it, and what follows the alias; it looks when the test says so."""
    registered = Registered(NAME, tmp_path / "store")
    app = make_app(Settings(poll_seconds=1e6), [Loaded(registered.ask(), 0)], [registered])
    with TestClient(app, raise_server_exceptions=False) as http:
        (watcher,) = app.state.watchers
        yield http, watcher, lambda: asyncio.run(watcher.look())


def version(http):
    answer = http.post("/translate", json={"q": "the king", "source": "en", "target": "de"})
    assert answer.status_code == 200
    return answer.headers["x-model-version"]


def ready(http):
    return http.get("/ready").json()["problems"]


def test_what_the_alias_stands_for_takes_over(client, service):
    http, _, look = service
    assert version(http) == "1"
    look()
    assert version(http) == "1"
    client.set_registered_model_alias(NAME, CHAMPION, "2")
    look()
    assert version(http) == "2"
    metrics = http.get("/metrics").text
    assert f'seq2seq_swaps_total{{model="{NAME}"}} 1.0' in metrics
    assert metrics.count("seq2seq_model_info{") == 1


def test_a_request_that_was_taken_is_answered_by_the_version_that_took_it(client, service):
    http, watcher, look = service
    old, taken, may_go = watcher.current, threading.Event(), threading.Event()
    translate = old.translator.translate_sentences

    def slow(*given):
        taken.set()
        may_go.wait(10)
        return translate(*given)

    old.translator.translate_sentences = slow
    answers = []
    asking = threading.Thread(target=lambda: answers.append(version(http)))
    asking.start()
    taken.wait(10)
    client.set_registered_model_alias(NAME, CHAMPION, "2")
    look()
    may_go.set()
    asking.join()
    assert answers == ["1"]
    assert version(http) == "2"


def test_a_version_that_can_not_be_loaded_leaves_the_old_one_answering(client, service, tmp_path):
    http, _, look = service
    (tmp_path / "model 2" / "artifacts" / "int8" / MANIFEST).write_text("{}")
    client.set_registered_model_alias(NAME, CHAMPION, "2")
    look()
    assert version(http) == "1"
    assert "is not the one that was registered" in ready(http)[NAME]
    assert f'seq2seq_swap_failing{{model="{NAME}"}} 1.0' in http.get("/metrics").text
    client.set_registered_model_alias(NAME, CHAMPION, "1")
    look()
    assert ready(http) == {}


def test_where_the_registry_is_away_the_last_bundle_serves(client, service, tmp_path, monkeypatch):
    http, watcher, look = service
    registered = watcher.registered
    registered.keep(watcher.current.version)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    look()
    assert version(http) == "1"
    assert "no MLflow store answers" in ready(http)[NAME]
    again = Registered(NAME, tmp_path / "store")
    with pytest.raises(UserError):
        again.ask()
    assert Loaded(again.last_served(), 0).digest == watcher.current.digest
    weights = next(again.last_served().folder.rglob("model.bin"))
    weights.write_bytes(b"")  # a damaged copy doesn't serve
    with pytest.raises(UserError, match="damaged"):
        Loaded(again.last_served(), 0)
    assert Registered("other", tmp_path / "store").last_served() is None


def test_who_is_asked_for_and_is_not_there_is_told(client, tmp_path):
    with pytest.raises(
        UserError, match=f"has no version called 'best'; its aliases: champion; choose one, as in --model {NAME}@"
    ):
        Registered(f"{NAME}@best", tmp_path / "store").ask()
    with pytest.raises(UserError, match="no version of 'nobody' is registered"):
        Registered("nobody", tmp_path / "store").ask()


def test_bundles_of_long_ago_are_forgotten(client, tmp_path):
    registered = Registered(NAME, tmp_path / "store")
    for number in ("1", "2"):
        client.set_registered_model_alias(NAME, CHAMPION, number)
        registered.keep(registered.ask())
    (registered.folder / "bundle-0").mkdir()
    registered.keep(registered.ask())
    assert len(list(registered.folder.glob("bundle-*"))) == 2
    assert json.loads((registered.folder / "champion.json").read_text())["version"] == 2
