import json
import os
import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import prefect
import pytest
from prefect.context import use_profile
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, Profile, temporary_settings

from flows import server
from registry.ledger import CHALLENGER
from registry.store import open_store
from registry.versions import RegisteredModel
from seq2seq.core.command_line import TRY_AGAIN
from seq2seq.core.errors import TransientError, UserError
from tests.toy_project import REPOSITORY, make_toy_project


@contextmanager
def serving(answers):
    """A server on this machine that answers paths with status and body, and others with 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answers.get(self.path, (404, "not found"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()


VERSION = json.dumps(prefect.__version__)


@pytest.fixture
def find(monkeypatch):
    """Look for the server at an address that PREFECT_API_URL names."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")

    def reach(url):
        monkeypatch.setenv("PREFECT_API_URL", url)
        with temporary_settings({PREFECT_API_URL: url}):
            return server.find_server()()

    return reach


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, r"is not Prefect's API \(status 404\); let PREFECT_API_URL be the address of one"),
        ({"/admin/version": (200, "<html>")}, r"is not Prefect's API; let PREFECT_API_URL be"),
        ({"/admin/version": (200, "{}")}, r"is not Prefect's API; let PREFECT_API_URL be"),
        ({"/admin/version": (401, "who is it?")}, r"wants a password; set PREFECT_API_AUTH_STRING"),
        ({"/admin/version": (200, '"2.20.1"')}, r"is Prefect 2\.20\.1, which Prefect 3.* can't talk to"),
        ({"/admin/version": (200, '"9.0.0"')}, r"is Prefect 9\.0\.0, which Prefect 3.* can't talk to"),
    ],
)
def test_what_is_not_a_server_for_us_is_told_in_one_line(find, answers, message):
    with serving(answers) as url, pytest.raises(UserError, match=message) as caught:
        find(url)
    assert "\n" not in str(caught.value)


def test_a_server_with_a_fault_may_be_well_later(find):
    with serving({"/admin/version": (503, "")}) as url, pytest.raises(TransientError, match="answers with status 503"):
        find(url)


def test_no_proxy_comes_between_us_and_a_server_on_this_machine(find, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    with serving({"/api/admin/version": (200, VERSION)}) as url:
        assert find(f"{url}/api") == f"{url}/api"


def test_a_dead_proxy_is_named(find, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"prefect\.test/api through the proxy http://127\.0\.0\.1:9 of HTTP_PROXY"):
        find("http://u:secret@prefect.test/api")


def test_an_address_that_can_not_be_read_is_told_without_its_password(find):
    with pytest.raises(
        UserError, match=r"http://\*\*\*@there/api can't be read as an address; let PREFECT_API_URL"
    ) as caught:
        find("http://ann:se/cret@there/api")
    assert "se/cret" not in str(caught.value)


def test_the_profile_that_names_a_wrong_server_is_named(monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    with serving({}) as url, use_profile(Profile(name="work", settings={PREFECT_API_URL: url})):
        wait_for_server = server.find_server()
        with pytest.raises(UserError, match=r"let PREFECT_API_URL in Prefect's profile 'work' be"):
            wait_for_server()


def test_a_server_that_does_not_answer_is_named():
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        wait_for_server = server.find_server()
    with pytest.raises(UserError, match=r"no Prefect server answers at http://127\.0\.0\.1:9/api; start it"):
        wait_for_server()


def test_of_two_runs_the_second_starts_its_server_when_the_first_ones_answers(tmp_path, monkeypatch):
    told = threading.Event()
    waits = server.hold_lock
    monkeypatch.setattr(server, "hold_lock", lambda path, waiting: waits(path, waiting, lambda _: told.set()))
    events = []
    monkeypatch.setattr(server, "_start", lambda _port, _log: events.append("starts"))
    monkeypatch.setattr(server, "_wait", lambda _process, url, _log: events.append("answers") or url)

    def second():
        with temporary_settings({PREFECT_HOME: tmp_path}, restore_defaults={PREFECT_API_URL}):
            server.find_server()()

    with temporary_settings({PREFECT_HOME: tmp_path}, restore_defaults={PREFECT_API_URL}):
        wait_for_server = server.find_server()
    other = threading.Thread(target=second)
    other.start()
    assert told.wait(10)
    assert wait_for_server().startswith("http://127.0.0.1:")
    other.join()
    assert events == ["starts", "answers", "starts", "answers"]


REGISTER = """
import json, os, pathlib, signal
os.killpg(SERVER, signal.SIGKILL)
pathlib.Path("reports").mkdir()
pathlib.Path("reports/registration.json").write_text(json.dumps({"name": "toy", "version": 1}))
"""


@pytest.mark.slow
def test_a_server_that_goes_away_keeps_no_version_from_being_judged_and_is_told_of_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    toy = make_toy_project(tmp_path / "toy")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (tmp_path / "server.log").open("w+b") as log:
        process = server._start(port, log)
        url = server._wait(process, f"http://127.0.0.1:{port}/api", log)
        (toy / "tasks").mkdir()
        (toy / "tasks" / "__init__.py").write_text(f"__path__.append({str(REPOSITORY / 'tasks')!r})\n")
        (toy / "tasks" / "register.py").write_text(REGISTER.replace("SERVER", str(process.pid)))
        (toy / "dvc.yaml").write_text("stages:\n  register:\n    cmd: echo done > out\n    outs: [out]\n")
        with open_store() as store:
            store.client.create_registered_model("toy")
            store.client.create_model_version("toy", str(tmp_path))
        done = subprocess.run(
            [sys.executable, "-m", "flows.pipeline"],
            cwd=toy,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY), "PREFECT_API_URL": url, "PREFECT_CLIENT_MAX_RETRIES": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert "Traceback" not in done.stdout
    assert done.returncode == TRY_AGAIN
    assert f"\nerror: the Prefect server at {url} went away" in done.stdout
    assert "toy version 1: it was registered without a run" in done.stdout
    with open_store() as store:
        model = RegisteredModel(store.client, "toy")
        assert model.aliases == {CHALLENGER: 1}
        assert re.search(f"Beginning flow run '{model.entries[0].who['flow_run']}'", done.stdout)
