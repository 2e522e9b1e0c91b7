"""Clients that nobody here wrote, unchanged, over a real socket."""

import threading
import time

import pandas as pd
import pytest
import uvicorn
from deep_translator import LibreTranslator
from libretranslatepy import LibreTranslateAPI
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from serving.app import make_app
from serving.settings import Settings


@pytest.fixture(scope="module")
def url(loaded):
    server = uvicorn.Server(uvicorn.Config(make_app(Settings(), [loaded]), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join()


def test_deep_translator_is_answered(url, loaded):
    client = LibreTranslator(source="en", target="de", api_key="any", custom_url=url)
    texts = ["the king sees a dog .", "the queen reads a book ."]
    outputs = loaded.translator.translate(texts, loaded.decoding)
    assert client.translate(texts[0]) == outputs[0]
    assert client.translate_batch(texts) == outputs


def test_libretranslatepy_is_answered(url, loaded):
    client = LibreTranslateAPI(url)
    assert [one["code"] for one in client.languages()] == ["en", "de"]
    text = "the king sees a dog ."
    assert client.translate(text, "en", "de") == loaded.translator.translate([text], loaded.decoding)[0]
    assert client.detect("The children are playing in the garden.")[0]["language"] == "en"


def test_mlflows_own_client_is_answered(url, loaded):
    host, port = url.removeprefix("http://").strip("/").split(":")
    client = ScoringServerClient(host, int(port))
    client.wait_server_ready(timeout=10)
    texts = ["the king sees a dog .", "the queen reads a book ."]
    answer = client.invoke(pd.DataFrame({"source": texts}))
    assert answer.get_predictions()["target"].tolist() == loaded.translator.translate(texts, loaded.decoding)
