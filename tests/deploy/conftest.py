import pytest

from serving.models import Loaded, Version
from tests.tiny_models import DECODING, RUNTIME


@pytest.fixture(scope="session")
def loaded(trained):
    return Loaded(Version("tiny", "7", trained[1], DECODING, RUNTIME, {}), 0)
