"""A client that nobody here wrote, over a real socket; the others are in test_command.py."""

import threading
import time

import pytest
import uvicorn
from deep_translator import LibreTranslator

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
