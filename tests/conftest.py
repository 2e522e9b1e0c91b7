"""Fixtures that several test modules use."""

import pytest

from seq2seq.tokenizer import Tokenizer
from tests.models import tiny_tokenizer


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory) -> Tokenizer:
    return tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))
