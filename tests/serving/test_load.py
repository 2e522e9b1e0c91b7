"""The service under load, and with what it stands on taken away."""

import asyncio
import dataclasses
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import httpx
import pytest

from registry.ledger import CHAMPION
from serving import health
from serving.app import make_app
from serving.models import Loaded
from serving.protocol import headers_of
from serving.settings import Settings
from serving.texts import FORMATS, PlainTexts
from tests.serving.conftest import NAME
from tests.tiny_models import tiny_corpus
from tests.toy_project import REPOSITORY

SECONDS = 600  # of mixed load
SWITCHES = 20
TEXTS = list(tiny_corpus()["source"][:12])
FIELDS = {"source": "en", "target": "de"}


def in_app(loaded, work, **settings):
    """Run ``work`` with a client of an app in this process."""

    async def main():
        app = make_app(Settings(**settings), [loaded])
        there = {"transport": httpx.ASGITransport(app, raise_app_exceptions=False), "base_url": "http://x"}
        async with app.router.lifespan_context(app), httpx.AsyncClient(**there) as http:
            return await asyncio.wait_for(work(http, app), 20)

    return asyncio.run(main())


def post(http, q, **fields):
    return http.post("/translate", json=FIELDS | {"q": q} | fields)


def test_texts_that_are_being_split_count_as_waiting_and_have_a_time_out(loaded, monkeypatch):
    may_go = threading.Event()
    monkeypatch.setitem(FORMATS, "text", lambda *given: may_go.wait(10) and PlainTexts(*given))

    async def work(http, app):
        first = asyncio.create_task(post(http, "a b " * 1000))
        while not app.state.desk.engine.waiting_characters:
            await asyncio.sleep(0.005)
        answers = [await post(http, "a b " * 600), await first]
        may_go.set()
        return answers

    busy, late = in_app(loaded, work, queue_characters=5000, wait_seconds=0.5)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
    assert late.status_code == 503 and "took too long" in late.json()["error"]


def test_of_a_list_that_is_refused_no_text_stays_in_the_queue(loaded, monkeypatch):
    may_go, translate = threading.Event(), loaded.translate
    monkeypatch.setattr(loaded, "translate", lambda given: may_go.wait(10) and translate(given), raising=False)

    async def work(http, app):
        engine = app.state.desk.engine
        first = asyncio.create_task(post(http, "zzz"))
        while not engine.running_characters:
            await asyncio.sleep(0.005)
        answer = await post(http, ["a", "b", "ccccc"], alternatives=1)
        await asyncio.sleep(0.05)
        waiting = engine.waiting_characters
        may_go.set()
        await first
        return answer.status_code, waiting

    assert in_app(loaded, work, queue_characters=5) == (429, 0)


def test_bodies_of_many_clients_are_bounded(client, monkeypatch):
    monkeypatch.setattr("serving.protocol.BODIES_AT_ONCE", 0)
    assert client.post("/translate", json={"q": "a"}).status_code == 429


def test_who_asks_whether_it_lives_asks_one_question_at_a_time(loaded, monkeypatch):
    may_go, asked = threading.Event(), []
    monkeypatch.setattr(loaded, "translate", lambda given: asked.append(given) or may_go.wait(10), raising=False)
    monkeypatch.setattr(health, "SECONDS_TO_ANSWER", 0.2)

    async def work(http, _app):
        return await asyncio.gather(*(http.get("/live") for _ in range(20)))

    answers = in_app(loaded, work)
    may_go.set()
    assert {one.status_code for one in answers} == {503} and len(asked) == 1


def test_a_client_that_vanishes_while_it_sends_is_no_fault(loaded, caplog):
    async def work(_http, app):
        parts = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
        sent = []

        async def receive():
            return parts.pop(0)

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/translate", "headers": [], "query_string": b""}
        await app(scope, receive, send)
        return sent[0]["status"]

    assert in_app(loaded, work) == 499
    assert not [record for record in caplog.records if record.exc_info]


def test_who_comes_through_a_proxy_needs_a_key_even_on_this_machine(client):
    fields = FIELDS | {"q": "a"}
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert client.post("/translate", json=fields, headers={name: "10.0.0.1"}).status_code == 403
    assert client.post("/translate", json=fields).status_code == 200


def test_a_name_of_any_alphabet_stands_in_the_headers():
    model = SimpleNamespace(version=SimpleNamespace(name="модель v1", version="1"), digest="0", unconfirmed=True)
    headers = headers_of(model)
    assert httpx.Headers(headers)["x-model"] == "%D0%BC%D0%BE%D0%B4%D0%B5%D0%BB%D1%8C v1"
    assert headers["X-Model-Unconfirmed"] == "the registry could not be asked"


# ---- from here on: processes


class Service:
    """A service in a process, and its log."""

    def __init__(self, folder, *arguments, code="", limit=None, **environment):
        self.log = (folder / "log").open("ab")
        start = ["-c", code] if code else ["-m", "serving"]
        self.process = subprocess.Popen(
            [sys.executable, *start, "--store", str(folder / "store"), *arguments],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            preexec_fn=limit,  # noqa: PLW1509 - it only sets a limit
        )
        self.folder = folder
        found = re.search(r"http://\S+", self.process.stdout.readline())
        self.url = found[0] if found else ""

    @property
    def address(self):
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def lines(self):
        return (self.folder / "log").read_text().splitlines()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture
def serve(tmp_path):
    started = []

    def serve(*arguments, **named):
        started.append(Service(tmp_path, *arguments, **named))
        return started[-1]

    yield serve
    for one in started:
        one.end()


@pytest.fixture
def expected(trained, float_engine, loaded):
    other = dataclasses.replace(loaded.version, folder=float_engine)
    versions = {"1": loaded, "2": Loaded(other, 0)}
    found = {number: dict(zip(TEXTS, one.translate(TEXTS), strict=True)) for number, one in versions.items()}
    assert found["1"] != found["2"]
    return found


class Load:
    """Clients of all sorts, until it is told to stop; what is wrong goes into ``wrong``."""

    def __init__(self, url, expected):
        self.url, self.expected = url, expected
        self.wrong, self.statuses = [], {}
        self.stop = threading.Event()
        self.killed = threading.Event()
        kinds = [self.ask] * 6 + [self.ask_slowly] * 2 + [self.vanish] * 2
        self.threads = [threading.Thread(target=self.again, args=(kind, number)) for number, kind in enumerate(kinds)]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def again(self, kind, number):
        draw = random.Random(number)
        while not self.stop.is_set():
            try:
                kind(draw)
            except (OSError, httpx.TransportError) as error:
                if not self.killed.is_set():
                    self.wrong.append(repr(error))
                time.sleep(0.1)

    def check(self, texts, status, headers, body):
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status == 200:
            outputs = json.loads(body)["translatedText"]
            known = self.expected[headers["x-model-version"]]
            if outputs != [known[text] for text in texts]:
                self.wrong.append((headers["x-model-version"], texts, outputs))
        elif status not in (429, 503) or "retry-after" not in headers:
            self.wrong.append((status, body))

    def ask(self, draw):
        texts = draw.choices(TEXTS, k=draw.choice([1, 1, 1, 5, 50]))
        with httpx.Client(timeout=60) as http:
            for _ in range(20):
                answer = http.post(f"{self.url}/translate", json=FIELDS | {"q": texts})
                self.check(texts, answer.status_code, answer.headers, answer.content)
                if self.stop.is_set():
                    return

    def connect(self, body):
        host, port = self.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=60)
        head = "POST /translate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        return connection, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def ask_slowly(self, draw):
        texts = draw.choices(TEXTS, k=3)
        connection, sent = self.connect(json.dumps(FIELDS | {"q": texts}))
        with connection:
            for start in range(0, len(sent), 40):
                connection.sendall(sent[start : start + 40])
                time.sleep(0.1)
            found = b""
            while part := connection.recv(100):
                found += part
        head, _, body = found.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        self.check(texts, int(first.split()[1]), headers, body)

    def vanish(self, draw):
        connection, sent = self.connect(json.dumps(FIELDS | {"q": draw.choices(TEXTS, k=100)}))
        with connection:
            connection.sendall(sent[: draw.randint(0, len(sent))] if draw.random() < 0.5 else sent)
            time.sleep(draw.random() / 10)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
def test_under_mixed_load_nothing_is_lost_and_versions_do_not_mix(registry, serve, expected):
    service = serve("--model", NAME, "--port", "0", "--poll-seconds", "0.5", "--cache-bytes", "2000")
    load = Load(service.url, expected)
    for number in range(SWITCHES):
        time.sleep(SECONDS / SWITCHES)
        version = "21"[number % 2]
        registry.set_registered_model_alias(NAME, CHAMPION, version)
        deadline = time.monotonic() + 60
        while httpx.get(f"{service.url}/ready", timeout=60).json()["served"][0]["version"] != version:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    load.end()
    assert load.wrong == []
    assert load.statuses[200] > SECONDS
    metrics = httpx.get(f"{service.url}/metrics").text
    assert f'seq2seq_swaps_total{{model="{NAME}"}} {SWITCHES}.0' in metrics
    assert "seq2seq_queue_characters 0.0" in metrics
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(60) in (0, -signal.SIGTERM)
    lines = list(map(json.loads, service.lines()))
    assert {one["what"] for one in lines} == {"request", "swap"}
    print(load.statuses)


@pytest.mark.slow
def test_killed_under_load_it_starts_again_without_its_registry(registry, serve, expected):
    service = serve("--model", NAME, "--port", "0")
    host, port = service.address
    load = Load(service.url, expected)
    time.sleep(3)
    load.killed.set()
    service.process.kill()
    service.process.wait()
    before = dict(load.statuses)
    serve("--model", NAME, "--port", str(port), MLFLOW_TRACKING_URI="http://127.0.0.1:1")
    time.sleep(3)
    load.end()
    assert load.wrong == [] and load.statuses[200] > before[200]
    answer = httpx.post(f"http://{host}:{port}/translate", json=FIELDS | {"q": TEXTS[0]})
    assert answer.headers["x-model-unconfirmed"] and answer.json()["translatedText"] == expected["1"][TEXTS[0]]


@pytest.mark.slow
def test_a_registry_that_is_silent_holds_up_neither_the_start_nor_the_end(registry, serve):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        service = serve("--model", NAME, "--port", "0", MLFLOW_TRACKING_URI=away)
        assert service.process.wait(90) == 2 and time.monotonic() - began < 90  # MLflow itself would wait for minutes
        (line,) = service.lines()
        assert line.startswith("error: no MLflow store answers at http://127.0.0.1")
        serve("--model", NAME, "--port", "0").end()
        service = serve("--model", NAME, "--port", "0", "--poll-seconds", "0.1", MLFLOW_TRACKING_URI=away)
        assert "no MLflow store answers" in httpx.get(f"{service.url}/ready").json()["problems"][NAME]
        time.sleep(1)  # now it asks
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) in (0, -signal.SIGTERM) and time.monotonic() - began < 10


@pytest.mark.slow
def test_on_a_full_disk_it_serves_what_it_has(registry, serve, expected):
    serve("--model", NAME, "--port", "0").end()
    registry.set_registered_model_alias(NAME, CHAMPION, "2")

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    service = serve("--model", NAME, "--port", "0", "--poll-seconds", "0.2", limit=full)
    for _ in range(300):  # more than the log may hold
        answer = httpx.post(f"{service.url}/translate", json=FIELDS | {"q": TEXTS[0]})
        assert answer.json()["translatedText"] == expected["1"][TEXTS[0]]
    assert httpx.get(f"{service.url}/ready").json()["problems"][NAME]
    assert (service.folder / "log").stat().st_size == 20_000


@pytest.mark.slow
def test_with_a_bundle_it_opens_no_connection(trained, serve):
    guard = """
import os, runpy, sys
def deny(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        os.write(2, f"{event} {given}\\n".encode())
        os._exit(99)
sys.addaudithook(deny)
runpy.run_module("serving", run_name="__main__")
"""
    service = serve("--bundle", str(trained[1]), "--port", "0", code=guard)
    for path, fields in (
        ("/translate", {"q": TEXTS, "source": "auto", "target": "de", "alternatives": 2, "details": True}),
        ("/translate", FIELDS | {"q": f"<p>{TEXTS[0]}</p>", "format": "html"}),
        ("/detect", {"q": TEXTS[0]}),
        ("/invocations", {"inputs": TEXTS}),
    ):
        assert httpx.post(f"{service.url}{path}", json=fields, timeout=60).status_code in (200, 400)
    for path in ("/", "/live", "/ready", "/metrics", "/models", "/version", "/languages"):
        assert httpx.get(f"{service.url}{path}").status_code == 200
    assert service.process.poll() is None


@pytest.mark.slow
def test_more_connections_than_a_shell_allows_hold_up_nobody(trained, serve):
    def few():
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))

    service = serve("--bundle", str(trained[1]), "--port", "0", "--wait-seconds", "5", limit=few)
    held = [socket.create_connection(service.address) for _ in range(1200)]
    began = time.monotonic()
    assert httpx.post(f"{service.url}/translate", json=FIELDS | {"q": TEXTS[0]}, timeout=20).status_code == 200
    assert time.monotonic() - began < 5
    held[0].settimeout(20)
    assert held[0].recv(1) == b""  # who says nothing is cut off
    for connection in held:
        connection.close()
