"""From sentence pairs to a bundle: what is encoded, what is left out, what is refused."""

import re
import time

import pytest
import torch

from seq2seq.core.errors import UserError
from seq2seq.core.files import sha256_tree
from seq2seq.core.progress import Progress
from seq2seq.training.token_store import write_token_store
from tests.tiny_models import (
    SMALL,
    TRAINING,
    tiny_corpus,
)
from tests.trainings import direction_of, fit_tiny, sampled


def test_batches_that_can_not_hold_the_longest_pair_are_refused(tokenizer, tmp_path):
    small, enough = (TRAINING.model_copy(update={"batch_tokens": size, "max_updates": 1}) for size in (127, 128))
    with pytest.raises(UserError, match=r"'train.batch_tokens' is 127, but a pair may have 128 pieces; set it to"):
        fit_tiny(direction_of(tokenizer), tmp_path, params=small)
    assert not list(tmp_path.glob("tokens-*"))
    fit_tiny(direction_of(tokenizer), tmp_path, params=enough)


def test_the_seed_alone_decides_what_a_model_begins_with(tokenizer, tmp_path):
    bundles = []
    for drawn, seed in enumerate([3, 3, 4]):
        torch.manual_seed(drawn)  # whatever the process drew before
        work = tmp_path / str(drawn)
        work.mkdir()
        fit_tiny(direction_of(tokenizer), work, params=TRAINING.model_copy(update={"max_updates": 1, "seed": seed}))
        bundles.append(sha256_tree(work / "out"))
    assert bundles[0] == bundles[1] != bundles[2]


def test_encoding_the_corpus_does_not_count_as_time_of_updates(tokenizer, tmp_path, monkeypatch):
    hours = []
    shown = []
    monotonic = time.monotonic

    def takes_an_hour(*arguments):
        hours.append(3600)
        write_token_store(*arguments)

    def records(self, _amount, _note):
        shown.append(time.monotonic() - self.started)

    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + sum(hours))
    monkeypatch.setattr("seq2seq.training.data.write_token_store", takes_an_hour)
    monkeypatch.setattr(Progress, "add", records)
    fit_tiny(direction_of(tokenizer), tmp_path, params=TRAINING.model_copy(update={"max_updates": 2}))
    assert hours
    assert max(shown) < 3600


def test_pairs_that_are_too_long_as_an_epoch_cuts_them_are_told(tokenizer, tmp_path, capfd):
    short = SMALL.model_copy(update={"max_length": 24})
    fit_tiny(direction_of(tokenizer), tmp_path, params=sampled(max_epochs=3), model=short)
    found = re.findall(r"train: (\d+) training pairs of epoch (\d) over 24 pieces are left out", capfd.readouterr().out)
    assert [epoch for _, epoch in found] == ["1", "2", "3"]
    assert len({count for count, _ in found}) > 1


def test_an_empty_training_set_is_one_clear_line(tokenizer, tmp_path):
    with pytest.raises(UserError, match="the training set is empty"):
        fit_tiny(direction_of(tokenizer, tiny_corpus()[:0]), tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_set_whose_pairs_are_all_too_long_says_so(tokenizer, tmp_path):
    short = SMALL.model_copy(update={"max_length": 2})
    with pytest.raises(UserError, match="all 36 validation pairs are too long for the model; raise its max_length"):
        fit_tiny(direction_of(tokenizer), tmp_path, model=short)


def test_bleu_is_refused_for_early_stopping_where_it_is_undefined(tokenizer, tmp_path):
    corpus = tiny_corpus()
    short = corpus.assign(target=["der Hund"] * len(corpus))
    bleu = TRAINING.model_copy(update={"early_stopping_metric": "bleu", "max_updates": 1})
    direction = direction_of(tokenizer, validation=short)
    with pytest.raises(UserError, match=r"'train.early_stopping_metric' is bleu, .* no reference has 4 words .* chrf"):
        fit_tiny(direction, tmp_path, params=bleu)
    assert not (tmp_path / "out").exists()
