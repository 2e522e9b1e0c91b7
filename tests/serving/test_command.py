"""The service as people start it: a process, a port, settings and keys."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from seq2seq.core.errors import UserError
from serving.__main__ import _listen
from serving.keys import Keys, digest
from serving.settings import read_settings
from tests.toy_project import REPOSITORY


@pytest.fixture(scope="module")
def start(trained):
    """Start the service on a free port; it ends with the module."""
    processes = []

    def start(*arguments, **environment):
        command = [sys.executable, "-m", "serving", "--bundle", str(trained[1]), "--port", "0", *arguments]
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        return process, found[0] if found else process.communicate()[1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def url(start):
    return start()[1]


def test_it_needs_neither_pytorch_nor_mlflow_for_a_bundle_of_the_fast_engine():
    code = "import sys, serving.__main__; print({'torch', 'mlflow', 'pandas'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_was_accepted_is_answered_before_it_ends(start):
    process, url = start()
    text = "\n".join(f"the king sees {number} books ." for number in range(400))
    answers = []

    def ask():
        fields = {"q": text, "source": "en", "target": "de"}
        answers.append(httpx.post(f"{url}/translate", json=fields, timeout=60).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    until_waiting = time.monotonic() + 10
    while "seq2seq_queue_characters 0.0" in httpx.get(f"{url}/metrics").text and time.monotonic() < until_waiting:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    asking.join()
    assert answers == [200]
    assert process.wait(30) in (0, -signal.SIGTERM)


def test_a_client_that_leaves_is_noticed(url):
    host, port = url.removeprefix("http://").split(":")
    body = '{"q": "' + "the king sees a book . " * 1500 + '", "source": "en", "target": "de"}'
    head = (
        f"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall((head + body).encode())
        time.sleep(0.2)
    deadline = time.monotonic() + 10
    while 'kind="client gone"' not in httpx.get(f"{url}/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle", "/nowhere"], "--bundle: there is no folder /nowhere"),
        (["--port", "99999"], "--port '99999': Input should be less than or equal to 65535"),
        (["--wait-seconds", "inf"], "--wait-seconds 'inf': Input should be less than or equal to 3600"),
        (["--bundle", "tests"], "tests is no bundle: it has no bundle.json"),
        (["--prot", "1"], "unrecognized arguments: --prot 1; --help tells what python -m serving takes"),
    ],
)
def test_a_wrong_setting_is_one_line_with_status_2(start, arguments, message):
    process, err = start(*arguments)
    assert process.returncode == 2
    assert message in err.splitlines()[-1]


def test_a_port_that_is_taken_is_told(trained):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "serving", "--bundle", str(trained[1]), "--port", port]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(
        rf"error: can't listen at 127.0.0.1, port {port} \(.*\); choose another one", done.stderr.strip()
    )


def test_an_answer_leaves_at_once():
    options = []

    class Look(asyncio.Protocol):
        def connection_made(self, transport):
            options.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def connect():
        with _listen(read_settings(["--port", "0"])) as listener:
            server = await asyncio.get_running_loop().create_server(Look, sock=listener)
            async with server:
                _, writer = await asyncio.open_connection(*listener.getsockname())
                while not options:
                    await asyncio.sleep(0.01)
                writer.close()

    asyncio.run(connect())
    assert options == [1]


def test_flags_stand_over_the_environment_over_defaults(monkeypatch):
    assert read_settings([]).port == 8080
    monkeypatch.setenv("SEQ2SEQ_PORT", "1")
    assert read_settings([]).port == 1
    settings = read_settings(["--port", "2", "--model", "a", "--model", "b@c", "--open"])
    assert (settings.port, settings.model, settings.open) == (2, ["a", "b@c"], True)


def test_keys_are_kept_as_hashes_and_a_limit_fills_again(tmp_path, monkeypatch):
    def keys(*arguments):
        command = [sys.executable, "-m", "serving.keys", "--keys", str(tmp_path / "keys.json"), *arguments]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    made = keys("make", "alice", "--characters-per-minute", "60")
    key = made.stdout.splitlines()[0]
    assert key not in (tmp_path / "keys.json").read_text() and digest(key) in (tmp_path / "keys.json").read_text()
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    assert keys("make", "alice").returncode == 2
    assert keys("list").stdout.startswith("alice: made ")

    now = 100.0
    monkeypatch.setattr("serving.keys.time.monotonic", lambda: now)
    held = Keys(tmp_path / "keys.json", required=True)
    assert held.admit("wrong", 1) is None
    assert held.admit(key, 50) == 0
    assert held.admit(key, 20) == 10  # seconds until 10 more are there
    now += 10
    assert held.admit(key, 20) == 0
    assert held.admit(key, 10**9) == 60  # more than a minute's worth waits until the bucket is full
    kept = (tmp_path / "keys.json").read_text()
    (tmp_path / "keys.json").write_text(kept[:50])
    assert held.admit(key, 1) == 1  # a damaged file changes nothing
    assert "can't be read" in keys("list").stderr and keys("list").returncode == 2
    with pytest.raises(UserError, match="can't be read"):
        Keys(tmp_path / "keys.json", required=True)
    (tmp_path / "keys.json").write_text(kept)
    assert "'0' is no number from 1 to" in keys("make", "bob", "--characters-per-minute", "0").stderr
    assert keys("withdraw", "alice").returncode == 0
    assert held.admit(key, 1) is None
