"""A share of requests goes to another service too; the client notices nothing, and a table tells of the differences."""

import json
import sys
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from starlette.testclient import TestClient

from seq2seq.core.errors import UserError
from serving import shadow
from serving.app import make_app
from serving.settings import Settings
from tests.tiny_models import tiny_corpus

TEXTS = list(tiny_corpus()["source"][:3])


@pytest.fixture
def challenger():
    """A service that answers each text but the first as it is told, and what it was asked."""
    asked = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            fields = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append(fields)
            body = json.dumps({"translatedText": ["?", *self.server.told[1 : len(fields["q"])]]}).encode()
            self.send_response(self.server.status)
            for name, value in {"x-model": "tiny", "x-model-version": "8", "content-length": len(body)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.status, server.asked = 200, asked
    Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def service(loaded, challenger, tmp_path):
    url = f"http://127.0.0.1:{challenger.server_address[1]}"
    settings = Settings(shadow=url, shadow_share=1.0, shadow_table=tmp_path / "a folder" / "table")
    app = make_app(settings, [loaded])
    with TestClient(app) as client:
        stack = app.middleware_stack
        while not isinstance(stack, shadow.Shadow):
            stack = stack.app
        yield client, stack, settings.shadow_table


def ask(client, **fields):
    return client.post("/translate", json={"source": "en", "target": "de", "q": TEXTS} | fields)


def outcomes(client):
    lines = client.get("/metrics").text.splitlines()
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines if line.startswith("seq2seq_shadow_total{")}


def test_what_both_answered_stands_in_the_table_and_clients_see_one(service, challenger, loaded, monkeypatch, capsys):
    client, middleware, table = service
    challenger.told = loaded.translator.translate(TEXTS, loaded.decoding)
    answer = ask(client, api_key="secret")
    assert answer.json() == {"translatedText": challenger.told}
    middleware.waiting.join()
    assert challenger.asked == [{"source": "en", "target": "de", "q": TEXTS}]
    (row,) = [json.loads(line) for line in table.read_text().splitlines()]
    assert (row["version"], row["shadow"], row["texts"], row["same"]) == ("tiny 7", "tiny 8", 3, 2)
    assert row["examples"] == [{"source": TEXTS[0], "answer": challenger.told[0], "shadow": "?"}]
    assert outcomes(client) == {"same": 2.0, "different": 1.0}
    monkeypatch.setattr(sys, "argv", ["shadow", str(table)])
    shadow.main()
    told = capsys.readouterr().out
    assert "tiny 7 and in its shadow tiny 8: 2 of 3 texts answered alike (66.7%)" in told and "  + ?" in told


def test_what_the_shadow_can_not_answer_hurts_nobody(service, challenger, caplog):
    client, middleware, table = service
    challenger.status, challenger.told = 500, TEXTS
    assert {ask(client).status_code for _ in range(3)} == {200}
    middleware.waiting.join()
    assert outcomes(client) == {"failed": 3.0} and not table.exists()
    assert [record.message for record in caplog.records].count("the shadow does not answer") == 1


def test_what_is_refused_or_no_json_is_not_compared(service, challenger):
    client, middleware, _ = service
    challenger.told = TEXTS
    assert ask(client, target="fr").status_code == 400
    form = {"source": "en", "target": "de", "q": TEXTS[0]}
    assert client.post("/translate", data=form).status_code == 200
    middleware.waiting.join()
    assert challenger.asked == [] and outcomes(client) == {"skipped": 1.0}


def test_a_table_that_is_full_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(shadow, "MOST_BYTES", 10)
    row = shadow.Row("2026-01-01T00:00:00Z", "a 1", "a 2", 1, 1, 0.1, 0.2, [])
    for texts in (1, 2, 3):
        shadow._append(tmp_path / "table", replace(row, texts=texts))
    assert [json.loads((tmp_path / name).read_text())["texts"] for name in ("table.old", "table")] == [2, 3]


def test_without_a_table_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["shadow", str(tmp_path / "none")])
    with pytest.raises(UserError, match="serve with --shadow URL"):
        shadow.main()
