"""Learning rates."""

import math

import pytest

from seq2seq.training.schedules import SCHEDULES, Step, learning_rate
from seq2seq.training.trainer import Trainer
from tests.tiny_models import (
    TRAINING,
)
from tests.trainings import train


def test_the_rate_rises_linearly_and_falls_by_its_schedule():
    def rates(schedule, losses=()):
        updates = (50, 100, 400, 1000)
        return [learning_rate(schedule, 0.5, Step(update, 100, 1000, losses)) for update in updates]

    assert rates("inverse_sqrt") == pytest.approx([0.25, 0.5, 0.25, 0.5 / math.sqrt(10)])
    assert rates("cosine") == pytest.approx([0.25, 0.5, 0.375, 0.0])
    assert rates("constant") == pytest.approx([0.25, 0.5, 0.5, 0.5])
    assert rates("plateau", [3.0, 2.0, 2.1, 2.0, 1.9]) == pytest.approx([0.25, 0.5, 0.125, 0.125])
    for schedule in SCHEDULES:
        TRAINING.model_validate(TRAINING.model_dump() | {"schedule": schedule})


def test_plateau_counts_no_validation_of_the_warm_up(tokenizer, tmp_path, monkeypatch):
    losses = iter([1.0, 1.2, 1.5, 1.6, 1.7])  # after updates 5, 10, ...; the warm-up's are the lowest
    monkeypatch.setattr(Trainer, "_mean_loss", lambda *_: next(losses))
    options = {"schedule": "plateau", "warmup_updates": 10, "max_updates": 25, "lr": 4e-3}
    _, points = train(tokenizer, tmp_path, **options)
    assert [point.lr for point in points] == pytest.approx([2e-3, 4e-3, 4e-3, 4e-3, 2e-3])
