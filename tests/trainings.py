"""Trainings small enough for tests, and their deaths."""

from contextlib import contextmanager

import pytest
import torch

from seq2seq.training.data import Direction, EpochStores
from seq2seq.training.distributed import ALONE
from seq2seq.training.fit import fit
from seq2seq.training.recipe import Recipe
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
    params = TRAINING.model_copy(update=changes)
    stores = EpochStores(direction_of(tokenizer), params, 64, work, ALONE, "test")
    work.mkdir(exist_ok=True)
    trainer = Trainer(tiny_model(tokenizer, dropout=dropout), params, work, CPU, dtype, score=score)
    return trainer, trainer.train(stores, tiny_pairs(tokenizer), "test")


def direction_of(tokenizer, real=None, synthetic=None, validation=None, tag=True):
    """From English to German, by default on the tiny corpus without synthetic pairs."""
    corpus = tiny_corpus()
    real = corpus if real is None else real
    synthetic = corpus[:0] if synthetic is None else synthetic
    return Direction(
        languages=LANGUAGES,
        tokenizer=tokenizer,
        real=lambda: [real],
        synthetic=lambda: [synthetic],
        lines=len(real) + len(synthetic),
        validation=corpus if validation is None else validation,
        tag=tag,
    )


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


def fit_tiny(direction, folder, params=TRAINING, model=SMALL):
    recipe = Recipe("train", "transformer", model, params, RUNTIME)
    return fit(direction, recipe, task="translation", origin={}, work=folder, out=folder / "out")


def sampled(**changes):
    return TRAINING.model_copy(update={"subword_sampling": 0.3} | changes)
