"""What changes the weights."""

import pytest
import torch
import torch.nn.functional as F

from seq2seq.models.batches import training_batches
from seq2seq.training.optimizer import make_optimizer
from seq2seq.training.trainer import Trainer
from tests.tiny_models import (
    TRAINING,
    tiny_model,
    tiny_pairs,
)
from tests.trainings import train


def test_matrices_decay_and_norms_and_biases_do_not(tokenizer):
    model = tiny_model(tokenizer)
    before = {name: weight.clone() for name, weight in model.weights().items()}
    optimizer = make_optimizer(model, TRAINING.model_copy(update={"weight_decay": 0.5, "lr": 1.0}))
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)  # so that decay alone moves the weights
    optimizer.step()
    for name, weight in model.weights().items():
        kept = 1.0 if "norm" in name or name.endswith("bias") else 0.5
        torch.testing.assert_close(weight, kept * before[name])


def test_a_moving_average_is_what_is_validated_and_kept(tokenizer, tmp_path, monkeypatch):
    seen = []
    original = Trainer._update

    def records(self, pairs, rows):
        original(self, pairs, rows)
        seen.append(self.model.weights()["target_embedding.weight"].clone())

    monkeypatch.setattr(Trainer, "_update", records)
    trainer, _ = train(tokenizer, tmp_path, max_updates=6, ema=0.3, average_checkpoints=1, validate_every=6)
    expected = seen[0]
    for number, weight in enumerate(seen[1:], start=1):
        decay = min(0.3, (1 + number) / (10 + number))  # 2/11, 3/12, 0.3, ...
        expected = decay * expected + (1 - decay) * weight
    torch.testing.assert_close(trainer.model.weights()["target_embedding.weight"], expected)


def test_a_moving_average_of_many_updates_serves_a_short_training(tokenizer, tmp_path):
    options = {"max_updates": 60, "validate_every": 30}
    plain, averaged = (train(tokenizer, tmp_path / str(ema), ema=ema, **options)[1] for ema in (0.0, 0.999))
    for one, other in zip(plain, averaged, strict=True):
        assert other.validation_loss < 1.1 * one.validation_loss


def test_updates_are_those_of_pytorchs_own_parts(tokenizer, tmp_path):
    params = {"max_updates": 3, "validate_every": 3, "average_checkpoints": 1, "adam_beta2": 0.9, "clip_norm": 0.5}
    trainer, (point,) = train(tokenizer, tmp_path, dropout=0.0, **params)
    model = tiny_model(tokenizer, dropout=0.0)
    pairs = tiny_pairs(tokenizer)
    settings = trainer.params
    groups = [
        {"params": [weight for weight in model.parameters() if weight.dim() > 1], "weight_decay": 0.01},
        {"params": [weight for weight in model.parameters() if weight.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.9), eps=1e-9)
    batches = training_batches([pairs], settings.batch_tokens, settings.seed, 0)
    losses = 0.0
    tokens = 0
    for update, (_, rows) in zip(range(1, 4), batches, strict=False):
        batch = pairs.batch(rows)
        logits = model.project(model(batch.src, batch.src_mask, batch.tgt_in))[batch.tgt_mask]
        loss = F.cross_entropy(logits, batch.tgt_out[batch.tgt_mask], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        assert torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5) > 0.5
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = settings.lr * update / 8  # of warm-up
        optimizer.step()
        losses, tokens = losses + loss.item() * len(logits), tokens + len(logits)
    assert point.train_loss == pytest.approx(losses / tokens, rel=1e-5)
    for name, weight in trainer.model.weights().items():
        if not name.endswith("kv.bias"):  # attention is the same for any bias of its keys: their gradient is noise
            torch.testing.assert_close(weight, model.weights()[name], rtol=1e-4, atol=1e-5)
