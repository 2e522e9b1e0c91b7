"""Fixtures that several test modules use."""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as in seq2seq.core.command_line; before PyTorch is imported

import pytest
import torch

from seq2seq.bundles.pytorch import save_model
from seq2seq.export.ctranslate2 import export_ctranslate2
from seq2seq.tokenizers.base import Tokenizer
from seq2seq.training.trainer import Trainer
from tests.tiny_models import LANGUAGES, ORIGIN, TRAINING, tiny_model, tiny_pairs, tiny_tokenizer


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny products are faster on one thread, and tests may share the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory) -> Tokenizer:
    return tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="session")
def bundle(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "forward"
    save_model(folder, tiny_model(tokenizer), tokenizer, LANGUAGES, ORIGIN, "translation")
    return folder


@pytest.fixture(scope="session")
def float_engine(bundle):
    export_ctranslate2(bundle, bundle.parent / "ct2_float32", "float32")
    return bundle.parent / "ct2_float32"


@pytest.fixture(scope="session")
def trained(tokenizer, tmp_path_factory):
    """A bundle and its fast form, of a model that has learned enough not to be torn between equals."""
    folder = tmp_path_factory.mktemp("trained")
    pairs = tiny_pairs(tokenizer)
    params = TRAINING.model_copy(update={"max_updates": 60})
    trainer = Trainer(tiny_model(tokenizer, dropout=0.0), params, folder, torch.device("cpu"), None)
    trainer.train(lambda _: [pairs], pairs, "test")
    save_model(folder / "bundle", trainer.model, tokenizer, LANGUAGES, ORIGIN, "translation")
    export_ctranslate2(folder / "bundle", folder / "fast", "float32")
    return folder / "bundle", folder / "fast"
