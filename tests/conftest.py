"""Fixtures that several test modules use."""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as in tasks.stage; before PyTorch is imported

import pytest
import torch

from seq2seq.tokenizer import Tokenizer
from tests.models import tiny_tokenizer


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny products are faster on one thread, and tests may share the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory) -> Tokenizer:
    return tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))
