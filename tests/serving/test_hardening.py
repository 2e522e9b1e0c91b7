"""Whatever is sent, the service answers in its protocol's form, and goes on."""

import json
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = {"content-type": "application/json"}
FORM = "application/x-www-form-urlencoded"
QUICK = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SLOW = settings(QUICK, max_examples=1000)

awkward = st.sampled_from(
    [
        "",
        "\x00\x1b[31m\r\n\t",
        "👩‍👩‍👧‍👦🇩🇪",
        "שלום עולם \u202e abc",
        "\ud800",
        "<p><b>x</p></b><script>&lt;i&gt;</script><!-- ",
        "a" * 200,
        "%s {0} {{x}} https://example.org",
        "\u2028\u2029\ufeff\u00ad",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | awkward
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(awkward, inner, max_size=2))
texts = st.text(max_size=40) | awkward
fields = st.fixed_dictionaries(
    {"q": texts | st.lists(texts, max_size=3) | values, "source": st.sampled_from(["en", "auto"]) | values},
    optional={
        "target": st.just("de") | values,
        "format": st.sampled_from(["text", "html"]) | values,
        "alternatives": st.integers(0, 3) | values,
        "details": st.booleans() | values,
        "api_key": values,
    },
)


def check_answer(client, sent):
    answer = client.post("/translate", content=json.dumps({"target": "de"} | sent), headers=JSON)
    found = answer.json()
    if answer.status_code != 200:
        assert answer.status_code in (400, 413) and list(found) == ["error"] and found["error"]
        return
    if isinstance(sent["q"], list):
        assert len(found["translatedText"]) == len(sent["q"])
    else:
        assert isinstance(found["translatedText"], str)


@QUICK
@given(sent=fields)
def test_any_fields_are_answered(client, sent):
    check_answer(client, sent)


@pytest.mark.slow
@SLOW
@given(sent=fields)
def test_any_fields_are_answered_a_thousand_times(client, sent):
    check_answer(client, sent)


@QUICK
@given(body=st.binary(max_size=60), kind=st.sampled_from([*JSON.values(), FORM, "a", ""]))
def test_any_bytes_are_answered(client, body, kind):
    for path in ("/translate", "/detect", "/invocations"):
        assert client.post(path, content=body, headers={"content-type": kind}).status_code in (400, 413, 415)


def check_operations(client, count):
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {"/translate", "/invocations", "/detect"} <= {operation.path for operation in operations}
    for operation in operations:
        check = settings(QUICK, max_examples=count)(given(case=operation.as_strategy())(_send))
        check(client=client)


def _send(client, case):
    kind = case.media_type or "application/json"
    body = None if type(case.body).__name__ == "NotSet" else case.body
    if kind == FORM and isinstance(body, dict):
        body = urlencode(body, doseq=True, errors="replace")
    elif body is not None and not isinstance(body, bytes):
        body = json.dumps(body)
    answer = client.request(case.method, case.formatted_path, content=body, headers={"content-type": kind})
    assert answer.status_code < 500, (case.formatted_path, body, answer.text)


def test_what_openapi_allows_is_no_fault(client):
    check_operations(client, 4)


@pytest.mark.slow
def test_what_openapi_allows_is_no_fault_three_hundred_times(client):
    check_operations(client, 300)


def test_too_many_texts_are_refused(client):
    answer = client.post("/translate", json={"q": [""] * 5001, "source": "en", "target": "de"})
    assert answer.status_code == 413
    assert answer.json() == {"error": "Invalid request: request (5,001) exceeds text limit (5,000)"}


def test_fields_in_the_address_are_read(client):
    """As deep-translator sends them."""
    fields = {"q": "the king sees a dog .", "source": "en", "target": "de"}
    answer = client.post("/translate", params=fields | {"format": "text", "api_key": "none"})
    assert answer.json() == client.post("/translate", json=fields).json()
