import pytest
import torch
import torch.nn.functional as F

from seq2seq.training import loss
from seq2seq.training.loss import smoothed_cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("tokens", [1, 40])
def test_equals_the_composition_of_linear_and_cross_entropy(smoothing, tokens, monkeypatch):
    monkeypatch.setattr(loss, "rows_at_once", lambda weight: 16)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(tokens, 16, generator=generator, requires_grad=True)
    weight = torch.randn(50, 16, generator=generator, requires_grad=True)
    target = torch.randint(0, 50, (tokens,), generator=generator)
    ours = smoothed_cross_entropy(hidden, weight, target, smoothing)
    theirs = F.cross_entropy(hidden @ weight.t(), target, label_smoothing=smoothing, reduction="sum")
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(one / 3, (hidden, weight)) for one in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


def test_large_logits_stay_finite():
    hidden, weight = torch.full((2, 4), 1e3), torch.eye(4) * torch.tensor([1.0, 2, 3, 4])
    assert smoothed_cross_entropy(hidden, weight, torch.tensor([3, 0]), 0.1).isfinite()


def test_not_a_number_is_not_hidden():
    hidden = torch.tensor([[1.0, float("nan")]])
    assert smoothed_cross_entropy(hidden, torch.eye(2), torch.tensor([0]), 0.1).isnan()
