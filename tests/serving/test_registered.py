"""The registry's champion: found, copied, followed, and served from the copy where the registry is away."""

import asyncio
import errno
import json
import threading
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from registry.ledger import CHAMPION
from seq2seq.bundles.manifest import MANIFEST
from seq2seq.core.errors import UserError
from serving.app import make_app
from serving.aside import run_aside
from serving.models import Loaded
from serving.registered import Registered
from serving.settings import Settings
from tests.serving.conftest import NAME


@pytest.fixture
def client(registry):
    return registry


@pytest.fixture
def service(client, tmp_path):
    """The app, a client of it, and what follows the alias; it looks when the test says so."""
    registered = Registered(NAME, tmp_path / "store")
    app = make_app(Settings(poll_seconds=1e6), [registered.start(0)], [registered])
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
    (Path("model 2") / "artifacts" / "int8" / MANIFEST).write_text("{}")
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
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    look()
    assert version(http) == "1"
    assert "no MLflow store answers" in ready(http)[NAME]
    again = Registered(NAME, tmp_path / "store")
    with pytest.raises(UserError):
        again.ask()
    assert Loaded(again.last_served(), 0).digest == watcher.current.digest
    started = again.start(0)
    assert started.unconfirmed and "no MLflow store answers" in again.problem
    app = make_app(Settings(poll_seconds=1e6), [started], [again])
    with TestClient(app) as restarted:
        (following,) = app.state.watchers
        assert "no MLflow store answers" in ready(restarted)[NAME]
        assert f'seq2seq_swap_failing{{model="{NAME}"}} 1.0' in restarted.get("/metrics").text
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        asyncio.run(following.look())
        assert ready(restarted) == {} and not started.unconfirmed
    assert Registered("other", tmp_path / "store").last_served() is None


def test_a_damaged_copy_is_copied_anew_and_is_no_way_to_serve_without_the_registry(client, tmp_path, monkeypatch):
    registered = Registered(NAME, tmp_path / "store")
    digest = registered.start(0).digest
    weights = next(registered.last_served().folder.rglob("model.bin"))
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    (registered.folder / "tmpkilled").mkdir()
    assert Registered(NAME, tmp_path / "store").start(0).digest == digest
    assert weights.read_bytes() == whole and not list(registered.folder.glob("tmp*"))
    weights.write_bytes(b"")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with pytest.raises(UserError, match="damaged"):
        Registered(NAME, tmp_path / "store").start(0)
    for record in ("", "[]", '{"version": 3}'):
        (registered.folder / "champion.json").write_text(record)
        with pytest.raises(UserError, match="no MLflow store answers"):
            Registered(NAME, tmp_path / "store").start(0)


@pytest.mark.parametrize("part", ["model.bin", "bundle.json"])
def test_where_the_champion_does_not_load_at_the_start_what_was_served_last_answers(client, tmp_path, part):
    Registered(NAME, tmp_path / "store").start(0)
    found = next(Path("model 2").rglob(part))
    found.write_bytes(found.read_bytes()[:100])
    client.set_registered_model_alias(NAME, CHAMPION, "2")
    again = Registered(NAME, tmp_path / "store")
    assert again.start(0).version.version == "1" and again.problem


def test_a_version_for_other_languages_or_of_another_format_does_not_take_over(client, service, monkeypatch):
    http, _watcher, look = service
    client.set_registered_model_alias(NAME, CHAMPION, "2")
    with monkeypatch.context() as patch:
        patch.setattr(Loaded, "pair", ("en", "fr"))
        look()
    assert version(http) == "1"
    assert f"translates from en to fr, and {NAME} version 1, which answers, from en to de" in ready(http)[NAME]
    client.set_registered_model_alias(NAME, CHAMPION, "1")
    look()
    client.set_model_version_tag(NAME, "2", "decoding", '{"later": 1}')
    client.set_registered_model_alias(NAME, CHAMPION, "2")
    look()
    assert version(http) == "1" and "unknown key 'decoding.later'" in ready(http)[NAME]


def test_a_full_disk_stops_no_swap_and_what_could_not_be_kept_is_kept_later(client, service, monkeypatch):
    http, watcher, look = service
    client.set_registered_model_alias(NAME, CHAMPION, "2")

    def full(*_given):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("serving.registered.write_json", full)
        look()
        assert version(http) == "2" and "No space left" in ready(http)[NAME]
        look()
        assert "No space left" in ready(http)[NAME]
    look()
    assert ready(http) == {} and watcher.registered.last_served().version == "2"


def test_services_of_two_aliases_share_a_folder(client, tmp_path):
    champion = Registered(NAME, tmp_path / "store")
    champion.start(0)
    client.set_registered_model_alias(NAME, "challenger", "2")
    challenger = Registered(f"{NAME}@challenger", tmp_path / "store")
    challenger.start(0)
    for number in range(3):
        (challenger.folder / f"bundle-{number}").mkdir()
    challenger.keep(challenger.ask())
    assert champion.last_served().version == "1" and challenger.last_served().version == "2"
    with pytest.raises(UserError, match="both translate from en to de; serve one of them"):
        make_app(Settings(), [champion.start(0), challenger.start(0)], [champion, challenger])


def test_a_silent_registry_holds_up_no_end():
    silent = threading.Event()

    async def ask():
        before = threading.enumerate()
        run_aside(silent.wait, 60)
        assert [one.daemon for one in threading.enumerate() if one not in before] == [True]
        return await run_aside(len, "ab")

    began = time.monotonic()
    assert asyncio.run(ask()) == 2
    assert time.monotonic() - began < 10
    silent.set()


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
