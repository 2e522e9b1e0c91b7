"""Trainings small enough for tests, and their deaths."""

from contextlib import contextmanager

import pytest
import torch

from seq2seq.training.data import EpochStores, TrainingData
from seq2seq.training.distributed import ALONE
from seq2seq.training.fit import fit
from seq2seq.training.trainer import Trainer
from tests.tiny_models import (
    LANGUAGES,
    RUNTIME,
    SMALL,
    TRAINING,
    tiny_corpus,
    tiny_model,
    tiny_pairs,
)

CPU = torch.device("cpu")


def train(tokenizer, work, dropout=0.1, dtype=None, score=None, **changes):
    corpus, params = tiny_corpus(), TRAINING.model_copy(update=changes)
    data = data_of(corpus, corpus[:0])
    stores = EpochStores(data, tokenizer, params.subword_sampling, params.seed, 64, work, ALONE, "test")
    work.mkdir(exist_ok=True)
    trainer = Trainer(tiny_model(tokenizer, dropout=dropout), params, work, CPU, dtype, score=score)
    return trainer, trainer.train(stores, tiny_pairs(tokenizer), "test")


def data_of(real, synthetic, tag=True):
    return TrainingData(lambda: [real], lambda: [synthetic], len(real) + len(synthetic), tiny_corpus(), tag)


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


class KilledError(Exception):
    pass


@contextmanager
def killed_after(update, monkeypatch):
    """A block whose training ends after an update, as if killed."""
    original = Trainer._update

    def dies(self, pairs, rows):
        original(self, pairs, rows)
        if self.position.update == update:
            raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Trainer, "_update", dies)
        yield


def fit_tiny(tokenizer, folder, corpus, params=TRAINING, model_params=SMALL):
    options = {"tokenizer": tokenizer, "languages": LANGUAGES, "task": "translation"}
    options |= {"architecture": "transformer", "model_params": model_params}
    options |= {"params": params, "runtime": RUNTIME, "origin": {}, "label": "train"}
    return fit(data_of(corpus, corpus[:0]), work=folder, out=folder / "out", **options)


def sampled(**changes):
    return TRAINING.model_copy(update={"subword_sampling": 0.3} | changes)
