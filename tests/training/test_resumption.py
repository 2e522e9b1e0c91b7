"""A training that is killed goes on to the same bytes, and checkpoints that are damaged or foreign are told."""

import numpy as np
import pytest
import torch

from seq2seq.core.errors import UserError
from seq2seq.models.architectures import build_model
from seq2seq.training import token_store
from seq2seq.training.checkpoints import Checkpoints
from seq2seq.training.distributed import ALONE, Processes
from seq2seq.training.token_store import TokenStore, write_token_store
from seq2seq.training.trainer import Trainer
from seq2seq.training.validation_score import GreedyScore
from tests.tiny_models import (
    RECURRENT,
    SMALL,
    TRAINING,
    tiny_corpus,
    tiny_model,
)
from tests.trainings import CPU, direction_of, fit_tiny, killed_after, same, sampled, train

SLOW = pytest.mark.slow


def killed_and_resumed(tokenizer, folder, monkeypatch, update, **options):
    """The learning curve of a training, after checking that it is the same, with the same weights, when killed."""
    whole, points = train(tokenizer, folder / "whole", **options)
    with killed_after(update, monkeypatch):
        train(tokenizer, folder / "killed", **options)
    resumed, points_again = train(tokenizer, folder / "killed", **options)
    assert same(resumed.model.weights(), whole.model.weights())
    assert points_again == points
    return points


@pytest.mark.parametrize("update", [1, pytest.param(7, marks=SLOW), 12, pytest.param(23, marks=SLOW)])
def test_a_killed_training_resumed_ends_with_the_same_weights_and_curve(tokenizer, tmp_path, monkeypatch, update):
    killed_and_resumed(tokenizer, tmp_path, monkeypatch, update)


WAYS = {
    "accumulate": {"accumulate": 3},
    "adversarial": {"adversarial": 0.5},
    "bf16": {"dtype": torch.bfloat16},
    "cosine": {"schedule": "cosine"},
    "ema": {"ema": 0.8},
    "fp16": {"dtype": torch.float16},
    "plateau": {"schedule": "plateau", "lr": 0.5, "warmup_updates": 4, "validate_every": 2},
    "r_drop": {"r_drop": 1.0},
    "subword_sampling": {"subword_sampling": 0.3},
}
QUICKLY = {"ema", "fp16", "plateau", "subword_sampling"}  # between them, all that is kept beside weights and optimizer


@pytest.mark.parametrize("way", [way if way in QUICKLY else pytest.param(way, marks=SLOW) for way in WAYS])
def test_each_way_of_training_goes_on_exactly(tokenizer, tmp_path, monkeypatch, way):
    killed_and_resumed(tokenizer, tmp_path, monkeypatch, 13, max_updates=16, **WAYS[way])


def test_a_training_on_several_shards_goes_on_exactly(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(token_store, "PAIRS_PER_SHARD", 5)
    killed_and_resumed(tokenizer, tmp_path, monkeypatch, 13, max_updates=16)
    assert len(TokenStore(tmp_path / "whole" / "tokens-000000")) == 8


def test_a_training_that_a_score_stops_goes_on_exactly(tokenizer, tmp_path, monkeypatch):
    direction = direction_of(tokenizer, validation=tiny_corpus()[:8])
    score = GreedyScore("chrf", direction, CPU, ALONE)  # BLEU is 0 as early as this
    options = {"score": score, "max_updates": 1000, "validate_every": 2, "patience": 2}
    points = killed_and_resumed(tokenizer, tmp_path, monkeypatch, 5, **options)
    assert len({point.validation_score for point in points}) == 3


def test_a_resumed_training_cuts_words_for_the_epochs_that_it_sees_alone(tokenizer, tmp_path, monkeypatch):
    written = []

    def records(folder, *arguments):
        written.append(folder.name)
        write_token_store(folder, *arguments)

    monkeypatch.setattr("seq2seq.training.data.write_token_store", records)
    with killed_after(17, monkeypatch):
        fit_tiny(direction_of(tokenizer), tmp_path, params=sampled())
    before = len(written)
    fit_tiny(direction_of(tokenizer), tmp_path, params=sampled())
    assert len(written) > before > 1
    assert written == [f"tokens-{epoch:06d}" for epoch in range(len(written))]


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_serves(tokenizer, tmp_path, capfd):
    whole, _ = train(tokenizer, tmp_path / "whole")
    train(tokenizer, tmp_path / "damaged", max_updates=18)
    states = sorted((tmp_path / "damaged").glob("checkpoint-*"))
    assert [file.name for file in states] == ["checkpoint-000000015.pt", "checkpoint-000000018.pt"]
    states[1].unlink()  # the last validation of a training that was to end there
    train(tokenizer, tmp_path / "damaged", max_updates=20)
    newest = max((tmp_path / "damaged").glob("checkpoint-*"))
    data = newest.read_bytes()
    for damaged in (data[:-1], data[: len(data) // 2], data[:5000], b"", *with_a_changed_byte(data, 60)):
        newest.write_bytes(damaged)
        assert Checkpoints(tmp_path / "damaged").newest_state(CPU)["position"]["update"] == 15
        assert f"{newest} is damaged; going on from the one before it" in capfd.readouterr().err
    resumed, _ = train(tokenizer, tmp_path / "damaged")
    assert same(resumed.model.weights(), whole.model.weights())


def test_the_state_before_a_damaged_one_finds_its_weights(tokenizer, tmp_path):
    whole, points = train(tokenizer, tmp_path / "whole", max_updates=10)
    assert len(points) == TRAINING.average_checkpoints  # all are averaged; later ones are better
    train(tokenizer, tmp_path / "damaged", max_updates=15)
    (tmp_path / "damaged" / "checkpoint-000000015.pt").write_bytes(b"")
    before, _ = train(tokenizer, tmp_path / "damaged", max_updates=10)
    assert same(before.model.weights(), whole.model.weights())


def with_a_changed_byte(data, times):
    """Copies of a file that differ in one byte each, from the first to the last."""
    for place in np.linspace(0, len(data) - 1, times, dtype=int):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        yield bytes(changed)


def test_a_training_whose_only_checkpoint_is_damaged_starts_anew(tokenizer, tmp_path, capfd):
    train(tokenizer, tmp_path, max_updates=5)
    (file,) = tmp_path.glob("checkpoint-*")
    file.write_bytes(next(with_a_changed_byte(file.read_bytes(), 1)))
    assert Checkpoints(tmp_path).newest_state(CPU) is None
    assert capfd.readouterr().err.endswith(f"notice: {file} is damaged; starting anew\n")


def test_damaged_weights_are_not_averaged(tokenizer, tmp_path):
    train(tokenizer, tmp_path, max_updates=10)
    file = tmp_path / "weights-000000010.pt"
    for damaged in with_a_changed_byte(file.read_bytes(), 5):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match=f"{file} is damaged or missing; remove {tmp_path} and run"):
            Checkpoints(tmp_path).average([5, 10])


@pytest.mark.parametrize(
    ("architecture", "params"),
    [("transformer", SMALL.model_copy(update={"width": 48})), ("recurrent", RECURRENT)],
    ids=["wider", "recurrent"],
)
def test_a_checkpoint_of_another_model_is_refused(tokenizer, tmp_path, architecture, params):
    train(tokenizer, tmp_path, max_updates=5)
    other = build_model(architecture, params, tokenizer)
    with pytest.raises(UserError, match="belong to another model; remove the folder"):
        Trainer(other, TRAINING, tmp_path, CPU, None)


def test_processes_that_find_different_checkpoints_are_stopped(tokenizer, tmp_path):
    class Late(Processes):
        def gather(self, value):
            return [value, 0]

    train(tokenizer, tmp_path, max_updates=5)
    with pytest.raises(UserError, match=r"different checkpoints, of updates \[0, 5\], in .*; share that folder"):
        Trainer(tiny_model(tokenizer), TRAINING, tmp_path, CPU, None, Late(0, 2))
