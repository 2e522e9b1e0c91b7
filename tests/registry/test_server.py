"""A server that lets people in or not, in front of a real one; and what is said of it."""

import base64
import http.client
import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.parameters import check_store
from flows.release import release
from registry.store import open_store
from seq2seq.core.command_line import TRY_AGAIN
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.params import read_yaml
from seq2seq.settings import check_parameters
from tests.outputs import run_command, run_register, running_server

READING = ("/get", "/search", "/list", "-by-name", "/get-by-name")
PASSWORD = "se/c@r%t:"


@contextmanager
def guarded(port, judge):
    """A door to the server at a port: ``judge`` gets each request, and returns a status to refuse it with, or none."""

    class Door(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if status := judge(self):
                self.send_response(status)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"<no>")
                return
            inner = http.client.HTTPConnection("127.0.0.1", port)
            kept = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
            inner.request(self.command, self.path, body, kept)
            reply = inner.getresponse()
            content = reply.read()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.getheader("Content-Type") or "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def __getattr__(self, name):
            if name.startswith("do_"):  # and a method of HTTP
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one.server_port
        one.shutdown()


def reads(request):
    path = request.path.partition("?")[0]
    return request.command == "GET" or path.endswith(READING)


def may_read(request):
    return None if reads(request) else 403


def content(client):
    """All that a registration could leave on a server."""
    experiments = client.search_experiments()
    return (
        [(one.name, one.tags) for one in experiments],
        [(one.name, one.tags) for one in client.search_registered_models()],
        len(client.search_runs([one.experiment_id for one in experiments])),
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """What the server keeps."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def port(kept):
    with running_server(kept) as (address, _):
        yield int(address.rpartition(":")[2])


@pytest.fixture
def name(project, request):
    """Of a model of the test's own."""
    text = Path("params.yaml").read_text()
    chosen = request.node.name.partition("[")[0]
    Path("params.yaml").write_text(text.replace('"{corpora}-{source}-{target}"', chosen))
    return chosen


@pytest.fixture
def params(name):
    return check_parameters(read_yaml(Path("params.yaml")), "params.yaml")


def test_who_may_only_read_is_told_so_before_anything_runs(port, name, params, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    with guarded(port, may_read) as door:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{door}")
        with pytest.raises(UserError, match=r"^the user 'ann' may not create experiments on the MLflow server at http"):
            check_store(params)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with open_store() as store:
        store.client.create_registered_model(name)
        store.experiment(name)
        before = content(store.client)
    check_store(params)  # of who may do all, it leaves no trace
    with open_store() as store:
        assert content(store.client) == before
    for forbidden, right in (("experiments/set", "write to the experiment"), ("registered-models/set", "the model")):
        with guarded(port, lambda request, path=forbidden: 403 if path in request.path else None) as door:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{door}")
            with pytest.raises(UserError, match=rf"ann' may not .*{right} '{name}' on"):
                check_store(params)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "doesn't let a user without a name in; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (403, "a user without a name may not do this on the MLflow server at http"),
        (404, "refuses what MLflow asks; correct MLFLOW_TRACKING_URI"),
        (200, "refuses what MLflow asks; correct MLFLOW_TRACKING_URI"),  # a page to log in
    ],
)
def test_a_refusal_is_no_outage(monkeypatch, status, words):
    """Neither at first nor later on."""
    answers = [status]
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    with guarded(0, lambda _: answers[0]) as door:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{door}")
        with pytest.raises(UserError, match=words), open_store(away=TransientError):
            pass


@pytest.mark.slow
def test_who_is_refused_later_on_is_told_so(port, name, monkeypatch):
    for refused in ("/runs/log-batch", "/mlflow-artifacts/", "/model-versions/create"):
        with guarded(port, lambda request, path=refused: 403 if path in request.path else None) as door:
            with pytest.raises(UserError, match=r"may not do this on the MLflow server at http.*403") as told:
                run_register(monkeypatch, f"http://127.0.0.1:{door}")
            assert "\n" not in str(told.value)


@pytest.mark.slow
def test_a_server_that_is_away_when_all_is_trained_is_waited_for(port, name, params, monkeypatch):
    """A flow tries again after a TransientError, and a stage tells it of one by its exit status."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for status, where in ((503, "/logged-models"), (502, "/mlflow-artifacts/")):
        with (
            guarded(
                port, lambda request, status=status, where=where: status if where in request.path else None
            ) as door,
            pytest.raises(TransientError, match="stopped answering"),
        ):
            run_register(monkeypatch, f"http://127.0.0.1:{door}")
    for address in ("http://127.0.0.1:9", f"http://127.0.0.1:{door}"):  # nobody listens at either
        stage = run_command(MLFLOW_TRACKING_URI=address)
        assert (stage.communicate()[1].count("\n"), stage.returncode) == (1, TRY_AGAIN)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(TransientError, match="no MLflow store answers"):
            release.fn(name, 1, params.release, [])
        with pytest.raises(UserError, match="no MLflow store answers"):
            check_store(params)
    assert run_register(monkeypatch, f"http://127.0.0.1:{port}")["version"] == 1


def test_a_password_is_used_and_kept_nowhere(port, name, kept, monkeypatch, capfd):
    right = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    params = Path("params.yaml").read_text()
    Path("params.yaml").write_text(params.replace('model: ""', f"model: https://ann:{PASSWORD}@there/model"))
    with guarded(port, lambda request: None if request.headers.get("Authorization") == right else 401) as door:
        address = f"http://ann:{PASSWORD}@127.0.0.1:{door}"
        with pytest.raises(UserError, match="doesn't let the user 'bob' in"), monkeypatch.context() as patch:
            run_register(patch, address.replace("ann", "bob"))
        assert run_register(monkeypatch, address)["version"] == 1
        assert os.environ["MLFLOW_TRACKING_URI"] == address
        assert run_register(monkeypatch, address.replace("%", "%25").replace("c@r", "c%40r"))["version"] == 1
    said = capfd.readouterr()
    assert "holds bundle" in said.out
    assert f"127.0.0.1:{door}/#/experiments" not in said.out + said.err  # as MLflow says it
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert len(files) > 20
    for text in [said.out, said.err, *(path.read_bytes().decode(errors="replace") for path in files)]:
        assert "se/c" not in text
        assert "c@r" not in text
    assert json.loads(Path("reports/registration.json").read_text())["version"] == 1
