"""What the service answers, in both protocols."""

import json
import re

import pytest

from seq2seq import Translator
from tests.tiny_models import DECODING, RUNTIME, tiny_corpus

TEXTS = list(tiny_corpus()["source"][:6])


@pytest.fixture(scope="module")
def outputs(trained):
    return Translator.load(trained[1], RUNTIME).translate(TEXTS, DECODING)


def translate(client, **fields):
    return client.post("/translate", json={"source": "en", "target": "de", "q": TEXTS[0]} | fields)


def test_texts_are_translated_as_the_evaluation_translates_them(client, outputs):
    answer = translate(client, q=TEXTS)
    assert answer.json() == {"translatedText": outputs}
    assert answer.headers["x-model"] == "tiny" and answer.headers["x-model-version"] == "7"
    assert len(answer.headers["x-bundle-sha256"]) == 64
    assert translate(client, q=TEXTS[0]).json() == {"translatedText": outputs[0]}
    form = {"q": TEXTS[0], "source": "en", "target": "de"}
    assert client.post("/translate", data=form).json() == {"translatedText": outputs[0]}
    assert translate(client, q=["", "  \n"]).json() == {"translatedText": ["", ""]}


@pytest.mark.parametrize("text", ["- ", "  \u200b", "\n", "- \u200b\n"])
def test_a_text_without_words_is_answered_as_the_library_answers(client, trained, text):
    expected = Translator.load(trained[1], RUNTIME).translate([text], DECODING)
    assert translate(client, q=[text]).json() == {"translatedText": expected}


def test_a_long_text_keeps_its_lines_and_every_sentence_is_translated(client, outputs):
    text = f"- {TEXTS[0]}\n\n  {TEXTS[1]}\n"
    assert translate(client, q=text).json() == {"translatedText": f"- {outputs[0]}\n\n  {outputs[1]}\n"}


def test_html_keeps_its_markup(client, outputs):
    page = f"<ul class='x'><li>{TEXTS[0]}</li><!-- c --><li><b>{TEXTS[1]}</b></li></ul><pre>{TEXTS[2]}</pre>"
    written = f"<ul class='x'><li>{outputs[0]}</li><!-- c --><li><b>{outputs[1]}</b></li></ul><pre>{TEXTS[2]}</pre>"
    answer = translate(client, q=[page, "&lt;b&gt;"], format="html").json()["translatedText"]
    assert answer[0] == written and "<" not in answer[1]
    assert translate(client, q=page, format="html", alternatives=1).json()["translatedText"] == written
    first, rest = TEXTS[0].split(maxsplit=1)
    marked = translate(client, q=f"<b>{first}</b> {rest}", format="html").json()["translatedText"]
    assert marked.replace("<b>", "").replace("</b>", "") == outputs[0] != marked
    assert re.search(r"<b>\S.*</b>", marked)


def test_alternatives_and_details(client, outputs):
    answer = translate(client, alternatives=2, details=True).json()
    assert answer["translatedText"] == outputs[0]
    assert 1 <= len(answer["alternatives"]) <= 2 and outputs[0] not in answer["alternatives"]
    details = answer["details"]
    assert (details["model"], details["version"]) == ("tiny", "7")
    (sentence,) = details["sentences"]
    assert sentence["source"] == TEXTS[0]
    best = sentence["outputs"][0]
    assert best["text"] == outputs[0] and len(best["pieces"]) == len(best["log_probs"])


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"q": None}, 400, "missing q parameter"),
        ({"q": 3}, 400, "q is neither a text nor a list"),
        ({"q": [["a"]]}, 400, "q is neither a text nor a list"),
        ({"source": ""}, 400, "missing source parameter"),
        ({"target": "fr"}, 400, "en to fr is not supported; served: en to de"),
        ({"format": "pdf"}, 400, "'pdf' format is not supported; send text or html"),
        ({"alternatives": "many"}, 400, "alternatives is no number"),
        ({"alternatives": 1e99}, 400, "alternatives must be from 0 to 10"),
        ({"q": "x" * 100_001}, 413, "exceeds text limit of 100,000 characters"),
        ({"q": "\ud800"}, 400, "half of a surrogate pair"),
        ({"source": "\ud800"}, 400, "\\ud800 to de is not supported"),
        ({"source": "x" * 100_000}, 400, "x..."),
    ],
)
def test_what_can_not_be_answered_is_refused_in_the_protocols_own_form(client, fields, status, error):
    body = json.dumps({"source": "en", "target": "de", "q": "a"} | fields)  # writes a lone surrogate as an escape
    answer = client.post("/translate", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert error in answer.json()["error"] and len(answer.content) < 1000


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"a"', b'{"q": "\xff"}', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(client, body):
    answer = client.post("/translate", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Invalid request: the body is ")


def test_a_body_beyond_all_limits_is_not_read_to_its_end(client):
    answer = client.post("/translate", content=b" " * 2_000_000, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_what_it_serves_is_told(client):
    assert client.get("/languages").json() == [
        {"code": "en", "name": "English", "targets": ["de"]},
        {"code": "de", "name": "German", "targets": []},
    ]
    assert client.get("/ready").json()["served"][0]["version"] == "7"
    assert client.get("/live").json() == {"status": "ok"}
    assert client.get("/frontend/settings").json()["language"]["target"] == {"code": "de", "name": "German"}
    assert client.post("/suggest", json={}).status_code == 403
    assert client.get("/nothing").json() == {"error": "Not Found"}
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/translate", "/invocations", "/detect", "/ready"} <= paths.keys()


def test_the_language_is_told_or_said_to_be_unknown(client, outputs):
    english, italian = "The two dogs are playing in the snow.", "Due cani giocano nella neve."
    assert client.post("/detect", json={"q": english}).json()[0]["language"] == "en"
    assert client.post("/detect", json={"q": italian}).json() == [{"confidence": 0.0, "language": "unknown"}]
    answer = translate(client, q=[english], source="auto").json()
    assert answer["detectedLanguage"][0]["language"] == "en"
    refused = translate(client, q=italian, source="auto")
    assert refused.status_code == 400 and "is unknown here; served are en" in refused.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"index": [0, 1], "columns": ["id", "source"], "data": [[1, TEXTS[0]], [2, TEXTS[1]]]}},
        {"dataframe_records": [{"source": TEXTS[0]}, {"source": TEXTS[1]}]},
        {"inputs": {"source": TEXTS[:2]}},
        {"inputs": TEXTS[:2]},
        {"instances": [{"source": TEXTS[0]}, {"source": TEXTS[1]}]},
    ],
)
def test_mlflows_forms_of_a_table_are_read(client, outputs, body):
    answer = client.post("/invocations", json=body)
    assert answer.json() == {"predictions": [{"target": text} for text in outputs[:2]]}


def test_mlflows_csv_is_read_and_a_missing_text_is_empty(client, outputs):
    answer = client.post("/invocations", content=f"source\n{TEXTS[0]}\n", headers={"content-type": "text/csv"})
    assert answer.json() == {"predictions": [{"target": outputs[0]}]}
    assert client.post("/invocations", json={"inputs": {"source": [None, ""]}}).status_code == 400
    split = {"dataframe_split": {"columns": ["source"], "data": [[None]]}}
    assert client.post("/invocations", json=split).json() == {"predictions": [{"target": ""}]}
    assert client.get("/ping").text == "\n"
    assert client.get("/version").text[0].isdigit()
    large = client.post("/invocations", content=f"source\n{'a' * 200_000}", headers={"content-type": "text/csv"})
    assert large.status_code == 400 and "field larger than field limit" in large.json()["message"]
    assert client.get("/invocations").json() == {"error_code": "BAD_REQUEST", "message": "Method Not Allowed"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"data": []}, "exactly one of dataframe_split, dataframe_records, inputs, instances"),
        ({"dataframe_split": {"columns": ["text"], "data": []}}, "there is no column 'source' among text"),
        ({"dataframe_split": {"columns": ["source"], "data": [[1, 2]]}}, "needs 1 values"),
        ({"dataframe_records": [{"text": "a"}]}, "there is no column 'source' among text"),
        ({"inputs": [1]}, "are no texts"),
        ({"inputs": 1}, "inputs needs a text"),
    ],
)
def test_mlflow_clients_are_refused_in_their_form(client, body, message):
    answer = client.post("/invocations", json=body)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "BAD_REQUEST" and message in answer.json()["message"]


def test_metrics_count_what_was_asked_and_what_was_refused(client):
    def count(line):
        found = [one for one in client.get("/metrics").text.splitlines() if one.startswith(line)]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    answered, refused = 'seq2seq_requests_total{route="/translate",status="200"}', 'seq2seq_refusals_total{kind="json"}'
    before = count(answered), count(refused)
    translate(client)
    client.post("/translate", content=b"{")
    assert (count(answered), count(refused)) == (before[0] + 1, before[1] + 1)
    assert count('seq2seq_model_info{bundle="') == 1


@pytest.mark.parametrize(("path", "field"), [("/translate", "error"), ("/invocations", "message")])
def test_a_fault_of_the_service_is_told_under_the_id_that_the_client_gave(client, monkeypatch, caplog, path, field):
    monkeypatch.setattr("serving.protocol.Desk.check_texts", lambda *_given: 1 / 0)
    number = "550e8400-e29b-41d4-a716-446655440000"
    fields = {"inputs": ["a"], "q": "a", "source": "en", "target": "de"}
    answer = client.post(path, json=fields, headers={"x-request-id": number})
    assert answer.status_code == 500 and "this service has a fault" in answer.json()[field]
    assert answer.headers["x-request-id"] == number
    (told,) = [record for record in caplog.records if record.exc_info]
    assert told.facts == {"id": number}
    ill = client.get("/live", headers={"x-request-id": "a\tb"}).headers["x-request-id"]
    assert len(ill) == 32
