"""Models by name: a server that answers as huggingface.co does, one that is silent, and none."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.parameters import check_pretrained
from flows.runs import resolve
from seq2seq.core.errors import UserError
from seq2seq.pretrained.hub import check_model, find_model
from seq2seq.settings import check_parameters
from tests.pretrained_models import tiny_t5
from tests.toy_project import REPOSITORY

NAME, COMMIT = "tiny/t5", "1" * 40
# in a process of its own: the library reads its environment when it is imported
SCRIPT = """
import sys
from seq2seq.pretrained import hub
from seq2seq.core.errors import TransientError, UserError
try:
    print(getattr(hub, sys.argv[1])(*sys.argv[2:]))
except (TransientError, UserError) as error:
    print(type(error).__name__ + ":", error)
"""


class Answers(BaseHTTPRequestHandler):
    """What huggingface.co answers about one model, whose files are in ``server.folder``."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        status, content, headers = self.found(self.path.partition("?")[0])
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if body and self.server.breaks and "/resolve/" in self.path:
            self.close_connection = True  # in the midst of a file
        elif body:
            self.wfile.write(content)

    def found(self, path):
        files = {file.name: file.read_bytes() for file in self.server.folder.iterdir()}
        digests = {name: hashlib.sha1(content).hexdigest() for name, content in files.items()}
        if path == f"/api/models/{NAME}/revision/main":
            return 200, json.dumps({"id": NAME, "sha": COMMIT, "siblings": []}).encode(), {}
        if path == f"/api/models/{NAME}/tree/{COMMIT}":
            entries = [{"type": "file", "path": name, "size": len(files[name]), "oid": digests[name]} for name in files]
            return 200, json.dumps(entries).encode(), {}
        if path.startswith(f"/{NAME}/resolve/{COMMIT}/"):
            name = path.rpartition("/")[2]
            return 200, files[name], {"ETag": f'"{digests[name]}"', "X-Repo-Commit": COMMIT}
        known = path.startswith(f"/api/models/{NAME}/")
        return 404, b"{}", {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"}

    def log_message(self, *_):
        pass


@contextmanager
def hub_of(folder, breaks=False):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.folder, server.breaks = folder, breaks
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(tmp_path):
    def ask(function, name, revision, endpoint, **variables):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HTTP", "http"))}
        variables |= {"HF_ENDPOINT": endpoint, "HF_HUB_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, function, name, revision],
            cwd=tmp_path,
            env=kept | variables,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()[-1]

    return ask


def test_a_model_is_fetched_by_name_and_found_again_without_a_network(tmp_path, ask):
    folder = tiny_t5(tmp_path / "t5")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    with hub_of(folder) as endpoint:
        assert ask("check_model", NAME, "main", endpoint) == "None"
        assert not list((tmp_path / "cache").rglob("*.safetensors"))
        fetched = ask("find_model", NAME, "main", endpoint)
        assert "no revision v2; correct pretrained.revision" in ask("find_model", NAME, "v2", endpoint)
        assert "no model of that name on huggingface.co" in ask("check_model", "no/such", "main", endpoint)
    wanted = {file.name for file in folder.iterdir()} - {"pytorch_model.bin"}
    assert {file.name for file in (tmp_path / "cache").rglob("snapshots/*/*")} == wanted
    for variables in ({}, {"HF_HUB_OFFLINE": "1"}):
        assert ask("find_model", NAME, "main", endpoint, **variables) == fetched
        assert ask("check_model", NAME, "main", endpoint, **variables) == "None"


def test_a_connection_that_breaks_may_be_tried_again(tmp_path, ask):
    with hub_of(tiny_t5(tmp_path / "t5"), breaks=True) as endpoint:
        said = ask("find_model", NAME, "main", endpoint)
    assert said.startswith("TransientError: huggingface.co stopped sending tiny/t5 (")


@pytest.mark.parametrize("offline", [{}, {"HF_HUB_OFFLINE": "1"}])
def test_without_a_network_one_line_says_so_at_once(ask, offline):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which accepts, and never answers
        started = time.monotonic()
        said = ask("find_model", "google-t5/t5-small", "main", f"http://127.0.0.1:{silent.getsockname()[1]}", **offline)
        assert time.monotonic() - started < 60  # silence alone would last for ever
    assert said.startswith("UserError: there is no folder google-t5/t5-small, and huggingface.co can't be reached (")
    assert said.endswith("; check the network, or set pretrained.model to a folder with a model")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert "huggingface.co can't be reached" in ask("check_model", "google-t5/t5-small", "main", address, **offline)


def test_what_is_no_name_and_no_folder_is_told():
    for function in (find_model, check_model):
        with pytest.raises(UserError, match=r"pretrained\.model is empty; set pretrained\.model to a folder"):
            function("", "main")
        with pytest.raises(UserError, match=r"pretrained\.model: \.\./nowhere/t5 does not exist; set"):
            function("../nowhere/t5", "main")


def test_a_run_asks_for_its_model_before_anything_else_unless_it_has_it(tmp_path):
    other = check_parameters(*resolve(REPOSITORY, [], []))
    check_pretrained(other, tmp_path)
    params = check_parameters(*resolve(REPOSITORY, ["lora"], []))
    with pytest.raises(UserError, match=r"pretrained\.model is empty"):
        check_pretrained(params, tmp_path)
    (tmp_path / "models" / "pretrained").mkdir(parents=True)
    (tmp_path / "models" / "pretrained" / "bundle.json").write_text("{}")
    check_pretrained(params, tmp_path)
