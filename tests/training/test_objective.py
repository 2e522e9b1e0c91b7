"""What training lowers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seq2seq.training.objective import BatchLoss, shifted
from seq2seq.training.r_drop import r_drop_loss
from tests.tiny_models import (
    tiny_model,
    tiny_pairs,
)
from tests.trainings import same


def test_r_drop_without_dropout_is_the_plain_loss_and_with_it_more(tokenizer):
    pairs = tiny_pairs(tokenizer)
    batch = pairs.batch(np.arange(8))
    still, moving = (BatchLoss(tiny_model(tokenizer, dropout=rate).train(), None) for rate in (0.0, 0.3))
    assert still(batch, 0.1, r_drop=5.0).item() == pytest.approx(still(batch, 0.1).item(), rel=1e-5)
    torch.manual_seed(1)
    plain = (moving(batch, 0.1) + moving(batch, 0.1)).item() / 2
    torch.manual_seed(1)
    assert moving(batch, 0.1, r_drop=5.0).item() > plain + 0.01


@pytest.mark.parametrize("vocabulary", [9, 3000])
def test_r_drop_is_the_mean_of_two_losses_and_of_two_divergences(vocabulary):
    sides = [torch.randn(600, 8, requires_grad=True) for _ in range(2)]
    weight, target = torch.randn(vocabulary, 8, requires_grad=True), torch.randint(vocabulary, (600,))
    logits = [side @ weight.t() for side in sides]
    p, q = (torch.distributions.Categorical(logits=one) for one in logits)
    divergence = (torch.distributions.kl_divergence(p, q) + torch.distributions.kl_divergence(q, p)).sum() / 2
    losses = [F.cross_entropy(one, target, label_smoothing=0.1, reduction="sum") for one in logits]
    expected = sum(losses) / 2 + 3.0 / 2 * divergence
    gradients = torch.autograd.grad(expected, [*sides, weight])
    found = r_drop_loss(*sides, weight, target, 0.1, 3.0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-3)
    for mine, theirs in zip(torch.autograd.grad(found, [*sides, weight]), gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


def test_the_embeddings_are_shifted_uphill_and_come_back(tokenizer):
    pairs = tiny_pairs(tokenizer)
    batch = pairs.batch(np.arange(8))
    model = tiny_model(tokenizer, dropout=0.0)
    loss = BatchLoss(model, None)
    before = loss(batch, 0.0)
    before.backward()
    weights = {name: weight.clone() for name, weight in model.weights().items()}
    with shifted(model.embeddings(), 0.5):
        shift = model.target_embedding.weight - weights["target_embedding.weight"]
        assert shift.norm().item() == pytest.approx(0.5, rel=0.01)
        assert loss(batch, 0.0).item() > before.item()
    assert same(model.weights(), weights)
