import pytest
from starlette.testclient import TestClient

from serving.app import make_app
from serving.models import Loaded, Version
from serving.settings import Settings
from tests.tiny_models import DECODING, RUNTIME


@pytest.fixture(scope="session")
def loaded(trained):
    return Loaded(Version("tiny", "7", trained[1], DECODING, RUNTIME, {}), 0)


@pytest.fixture(scope="module")
def client(loaded):
    with TestClient(make_app(Settings(), [loaded]), raise_server_exceptions=False) as client:
        yield client
