"""Whole trainings of a tiny model."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seq2seq.core.errors import UserError
from seq2seq.decoding.beam_search import beam_search
from seq2seq.metrics.scores import quick_score
from seq2seq.models.batches import PairedSequences, pad, training_batches
from seq2seq.tokenizers.base import BOS, EOS, PAD
from seq2seq.training.distributed import ALONE, Processes
from seq2seq.training.trainer import Trainer
from seq2seq.training.validation_score import GreedyScore
from tests.tiny_models import (
    DECODING,
    TRAINING,
    tiny_corpus,
    tiny_model,
    tiny_pairs,
)
from tests.trainings import CPU, direction_of, killed_after, same, train


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tokenizer, tmp_path):
    runs = [train(tokenizer, tmp_path / str(run), seed=seed)[0].model.weights() for run, seed in enumerate([3, 3, 4])]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_pairs_are_overfitted_to_exact_reproduction(tokenizer, tmp_path):
    changes = {"max_updates": 300, "lr": 5e-3, "warmup_updates": 100, "label_smoothing": 0.0}
    trainer, _ = train(tokenizer, tmp_path / "work", dropout=0.0, **changes)
    corpus = tiny_corpus()
    src = pad(tokenizer.encode_source(list(corpus["source"])))
    decoding = DECODING.model_copy(update={"beam_size": 2, "patience": 3.0})
    found = beam_search(trainer.model, src, src != PAD, decoding, bos=BOS, eos=EOS, max_length=30)
    assert tokenizer.decode_target([one[0].tokens for one in found]) == list(corpus["target"])


def test_training_stops_early_when_validation_does_not_improve(tokenizer, tmp_path, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.6, 2.1, 1.0])
    monkeypatch.setattr(Trainer, "_mean_loss", lambda *_: next(losses))
    _, points = train(tokenizer, tmp_path / "work", max_updates=1000, patience=3)
    assert [point.validation_loss for point in points] == [3.0, 2.0, 2.5, 2.6, 2.1]


def test_the_checkpoints_of_lowest_loss_are_averaged(tokenizer, tmp_path):
    trainer, points = train(tokenizer, tmp_path / "work", average_checkpoints=2)
    chosen = sorted(points, key=lambda point: point.validation_loss)[:2]
    first, second = (torch.load(tmp_path / "work" / f"weights-{one.update:09d}.pt") for one in chosen)
    assert len(list((tmp_path / "work").glob("weights-*"))) <= 3  # with the one that the state before would need
    for name, weight in trainer.model.weights().items():
        torch.testing.assert_close(weight, (first[name] + second[name]) / 2)
        assert not torch.equal(first[name], second[name])


def test_the_checkpoints_of_the_best_outputs_are_chosen_where_a_score_decides(tokenizer, tmp_path):
    scores = iter([10.0, 30.0, 20.0, 30.0, 15.0, 1.0])
    options = {"max_updates": 1000, "patience": 3, "average_checkpoints": 1}
    trainer, points = train(tokenizer, tmp_path, score=lambda _: next(scores), **options)
    assert [point.validation_score for point in points] == [10.0, 30.0, 20.0, 30.0, 15.0]
    assert same(trainer.model.weights(), torch.load(tmp_path / "weights-000000010.pt"))


def test_greedy_outputs_are_scored_as_the_metrics_score_them(tokenizer, tmp_path):
    corpus = tiny_corpus()
    score = GreedyScore("chrf", direction_of(tokenizer), CPU, ALONE)
    trainer, points = train(tokenizer, tmp_path, score=score, max_updates=120, validate_every=60, dropout=0.0)
    src = pad(tokenizer.encode_source(list(corpus["source"])))
    greedy = DECODING.model_copy(update={"beam_size": 1})
    found = beam_search(trainer.model, src, src != PAD, greedy, bos=BOS, eos=EOS, max_length=30)
    outputs = tokenizer.decode_target([one[0].tokens for one in found])
    for metric in ("bleu", "chrf"):
        expected = quick_score(outputs, [[text] for text in corpus["target"]], "de", metric)
        assert GreedyScore(metric, direction_of(tokenizer), CPU, ALONE)(trainer.model) == pytest.approx(expected)
    assert points[0].validation_score < points[1].validation_score


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_learns_as_float32_does(tokenizer, tmp_path, dtype):
    _, exact = train(tokenizer, tmp_path / "exact", dropout=0.0)
    trainer, points = train(tokenizer, tmp_path / "half", dropout=0.0, dtype=dtype)
    assert points[-1].validation_loss == pytest.approx(exact[-1].validation_loss, rel=0.03)
    assert trainer.scaler.is_enabled() == (dtype is torch.float16)
    assert all(weight.dtype is torch.float32 for weight in trainer.model.weights().values())


def test_an_overflow_of_fp16_is_left_out_and_scaled_down(tokenizer, tmp_path):
    pairs = tiny_pairs(tokenizer)
    trainer = Trainer(tiny_model(tokenizer), TRAINING, tmp_path, CPU, torch.float16)
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    points = trainer.train(lambda _: [pairs], pairs, "test")
    assert trainer.scaler.get_scale() < 2.0**40
    assert points[-1].validation_loss < points[0].validation_loss
    resumed = Trainer(tiny_model(tokenizer), TRAINING, tmp_path, CPU, torch.float16)
    assert resumed.scaler.get_scale() == trainer.scaler.get_scale() != torch.amp.GradScaler("cpu").get_scale()


@pytest.mark.slow
def test_a_compiled_model_learns_the_same(tokenizer, tmp_path):
    _, plain = train(tokenizer, tmp_path / "plain", dropout=0.0)
    _, compiled = train(tokenizer, tmp_path / "compiled", dropout=0.0, compile=True)
    losses = [point.validation_loss for point in plain]
    assert [point.validation_loss for point in compiled] == pytest.approx(losses, rel=1e-3)


@pytest.mark.parametrize(
    "change", [{"r_drop": 1.0}, {"adversarial": 0.5}, {"schedule": "plateau", "warmup_updates": 2}]
)
def test_each_way_of_training_is_another_and_lowers_the_loss(tokenizer, tmp_path, change):
    plain, _ = train(tokenizer, tmp_path / "plain")
    trainer, points = train(tokenizer, tmp_path / "work", **change)
    assert points[-1].validation_loss < points[0].validation_loss
    assert not same(trainer.model.weights(), plain.model.weights())


def test_each_process_drops_out_units_of_its_own(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(Processes, "sum", lambda self, value: value)
    monkeypatch.setattr(Processes, "gather", lambda self, value: [value])
    monkeypatch.setattr(Processes, "wrap", lambda self, module, device: module)
    pairs = PairedSequences.of([[7, 8, EOS]] * 4, [[9, 10]] * 4)  # the same for all
    weights = []
    for rank in (0, 0, 1):
        trainer = Trainer(tiny_model(tokenizer), TRAINING, tmp_path, CPU, None, Processes(rank, 2))
        trainer.model.train()
        trainer._update(pairs, np.arange(4))
        weights.append(trainer.model.weights())
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


def test_each_update_drops_out_units_of_its_own(tokenizer, tmp_path, monkeypatch):
    seeds = []
    original = Trainer._accumulate

    def records(self, pairs, rows):
        seeds.append(torch.initial_seed())
        return original(self, pairs, rows)

    monkeypatch.setattr(Trainer, "_accumulate", records)
    train(tokenizer, tmp_path)
    assert len(set(seeds)) == len(seeds) == TRAINING.max_updates


def test_dropout_follows_the_seed(tokenizer, tmp_path):
    pairs, weights = tiny_pairs(tokenizer), []
    for run, seed in enumerate([3, 3, 4]):  # the same weights and the same batch
        params = TRAINING.model_copy(update={"seed": seed})
        trainer = Trainer(tiny_model(tokenizer), params, tmp_path / str(run), CPU, None)
        trainer.model.train()
        trainer._update(pairs, np.arange(8))
        weights.append(trainer.model.weights())
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


def test_dropout_acts_again_after_a_validation(tokenizer, tmp_path, monkeypatch):
    acts = []
    original = Trainer._accumulate

    def records(self, pairs, rows):
        acts.append(self.model.training)
        return original(self, pairs, rows)

    monkeypatch.setattr(Trainer, "_accumulate", records)
    train(tokenizer, tmp_path, max_updates=11, score=lambda model: float(not model.training))
    assert acts == [True] * 11


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_the_validation_loss_is_pytorchs_cross_entropy_without_smoothing_and_dropout(tokenizer, tmp_path, ema):
    trainer, (point,) = train(tokenizer, tmp_path, max_updates=5, average_checkpoints=1, ema=ema)
    pairs = tiny_pairs(tokenizer)
    batch = pairs.batch(range(len(pairs)))
    with torch.inference_mode():
        logits = trainer.model.project(trainer.model(batch.src, batch.src_mask, batch.tgt_in))  # [B, T, V]
    expected = F.cross_entropy(logits.transpose(1, 2), batch.tgt_out, ignore_index=PAD)
    assert point.validation_loss == pytest.approx(expected.item(), rel=1e-5)


def test_each_point_has_the_mean_training_loss_since_the_one_before(tokenizer, tmp_path, monkeypatch):
    seen = []
    original = Trainer._accumulate

    def records(self, pairs, rows):
        seen.append((original(self, pairs, rows), pairs.target_tokens(rows)))
        return seen[-1][0]

    monkeypatch.setattr(Trainer, "_accumulate", records)
    _, points = train(tokenizer, tmp_path, max_updates=10)
    for point, part in zip(points, (seen[:5], seen[5:]), strict=True):
        losses, tokens = zip(*part, strict=True)
        assert point.train_loss == pytest.approx(sum(losses) / sum(tokens))


def test_gradients_of_fp16_are_unscaled_before_they_are_clipped(tokenizer, tmp_path, monkeypatch):
    norms = []
    weights = []
    monkeypatch.setattr(Trainer, "_check", lambda self, loss, norm: norms.append(norm))
    for dtype in (None, torch.float16):
        trainer = Trainer(tiny_model(tokenizer, dropout=0.0), TRAINING, tmp_path, CPU, dtype)
        trainer._update(tiny_pairs(tokenizer), np.arange(8))
        gradients = [weight.grad.flatten() for weight in trainer.model.parameters()]
        weights.append(torch.cat(gradients).norm().item())
    assert norms[1] == pytest.approx(norms[0], rel=0.02)
    assert norms[0] > TRAINING.clip_norm
    assert weights == pytest.approx([TRAINING.clip_norm] * 2, rel=0.01)  # clipped to that, in either


def test_a_training_that_ends_with_an_epoch_counts_it_once(tokenizer, tmp_path):
    trainer, points = train(tokenizer, tmp_path, max_updates=1000, max_epochs=3)
    assert [points[0].epoch, points[-1].epoch] == [1, 3]
    assert trainer._expected_updates() == points[-1].update


def test_a_loss_that_is_not_a_number_says_where_and_what_to_do(tokenizer, tmp_path):
    pairs = tiny_pairs(tokenizer)
    model = tiny_model(tokenizer)
    with torch.no_grad():
        model.encoder_norm.weight[0] = float("nan")
    with pytest.raises(UserError, match=r"nan at update 1 .*lower the learning rate"):
        Trainer(model, TRAINING, tmp_path, CPU, None).train(lambda _: [pairs], pairs, "test")


def test_a_batch_whose_loss_is_not_a_number_is_named(tokenizer, tmp_path, monkeypatch):
    pairs = tiny_pairs(tokenizer)
    params = TRAINING
    batches = [
        (epoch, number, rows.tolist())
        for epoch in range(3)
        for number, (_, rows) in enumerate(training_batches([pairs], params.batch_tokens, params.seed, epoch, 0))
    ]
    epoch, number, bad = next(batch for batch in batches if batch[0] == 1 and batch[1] == 2)
    whole = Trainer._accumulate

    def spoiled(self, pairs, rows):
        return math.nan if rows.tolist() == bad else whole(self, pairs, rows)

    monkeypatch.setattr(Trainer, "_accumulate", spoiled)
    with pytest.raises(
        UserError, match=rf"nan .* at update {batches.index((epoch, number, bad)) + 1} \(epoch 2, batch 3\)"
    ):
        train(tokenizer, tmp_path)


def test_a_validation_loss_that_is_not_a_number_chooses_no_checkpoint(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "_mean_loss", lambda self, pairs: float("nan"))
    with pytest.raises(UserError, match=r"the validation loss is nan at update 5; lower the learning rate"):
        train(tokenizer, tmp_path / "work")
    assert not list((tmp_path / "work").glob("weights-*"))


def test_parts_of_a_batch_make_the_same_step(tokenizer, tmp_path):
    _, whole = train(tokenizer, tmp_path / "whole", dropout=0.0)
    _, parts = train(tokenizer, tmp_path / "parts", dropout=0.0, accumulate=3)
    for loss in ("train_loss", "validation_loss"):
        expected = [getattr(point, loss) for point in whole]
        assert [getattr(point, loss) for point in parts] == pytest.approx(expected, rel=1e-4)


def test_a_batch_is_computed_in_as_many_parts_as_asked(tokenizer, tmp_path):
    params = TRAINING.model_copy(update={"accumulate": 3})
    trainer, rows = Trainer(tiny_model(tokenizer), params, tmp_path, CPU, None), []
    trainer.loss.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0].src)))
    for pairs in (9, 10, 2):
        trainer._update(tiny_pairs(tokenizer), np.arange(pairs))
    assert rows == [3, 3, 3, 4, 3, 3, 1, 1]


def test_a_training_that_learns_nothing_says_so_when_it_shows_and_at_its_end(tokenizer, tmp_path, capfd):
    _, points = train(tokenizer, tmp_path / "wild", lr=0.9)
    assert min(point.validation_loss for point in points) > points[0].unigram_loss
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert [re.sub(r"[\d.]+", "N", line).split(";")[0] for line in told] == [
        "warning: test: the validation loss is N nats per target piece at update N, and guessing pieces by their "
        "frequency gives N",
        "warning: test: this model has learned nothing: the validation loss is N nats per "
        "target piece at update N, and guessing pieces by their frequency gives N",
    ]
    assert f"at update {points[1].update}, and" in told[0]  # the first one after warm-up
    assert "(lr=0.9)" in told[0]

    _, points = train(tokenizer, tmp_path / "calm", max_updates=40, validate_every=20)
    assert points[-1].validation_loss < points[-1].unigram_loss
    assert "warning" not in capfd.readouterr().err


def test_a_score_that_is_always_0_can_not_choose(tokenizer, tmp_path):
    with pytest.raises(UserError, match="bleu is 0 at every validation, so it can't tell which model is best"):
        train(tokenizer, tmp_path, score=lambda _: 0.0, early_stopping_metric="bleu")


def test_the_loss_of_guessing_is_the_same_in_a_training_that_goes_on_in_a_later_epoch(tokenizer, tmp_path, monkeypatch):
    options = {"subword_sampling": 0.3, "max_updates": 30}
    _, whole = train(tokenizer, tmp_path / "whole", **options)
    with killed_after(23, monkeypatch):
        train(tokenizer, tmp_path / "killed", **options)
    _, resumed = train(tokenizer, tmp_path / "killed", **options)
    assert [point.epoch for point in resumed][-1] > 1
    assert resumed == whole
