"""Label-smoothed cross-entropy that forms logits a few rows at a time and turns them into their gradient.

Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7. PyTorch's own composition of ``linear`` and
``cross_entropy`` keeps several copies of the [N, V] logits, which on a CPU is a third of a training step.

Shapes: N real target tokens, D model width, V vocabulary.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

ROWS = 512  # tokens whose logits exist at one time


class _SmoothedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, target: Tensor, smoothing: float) -> Tensor:
        hidden, weight = hidden.float(), weight.float()
        train = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        loss = hidden.new_zeros(())
        for_hidden, for_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        for start in range(0, len(hidden), ROWS):
            rows = hidden[start : start + ROWS]
            part, gradient = _losses(rows @ weight.t(), target[start : start + ROWS], smoothing, train)
            loss += part.sum()
            if train:
                torch.mm(gradient, weight, out=for_hidden[start : start + ROWS])
                for_weight.addmm_(gradient.t(), rows)
        ctx.save_for_backward(for_hidden, for_weight)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        for_hidden, for_weight = ctx.saved_tensors
        return for_hidden * upstream, for_weight * upstream, None, None


def _losses(logits: Tensor, target: Tensor, smoothing: float, train: bool) -> tuple[Tensor, Tensor]:
    """Losses [N] of logits [N, V], which become their own gradient: softmax minus the smoothed target."""
    vocabulary, column = logits.shape[1], target.unsqueeze(1)
    logits.sub_(logits.amax(1, keepdim=True))
    expected = (1 - smoothing) * logits.gather(1, column).squeeze(1)
    if smoothing:
        expected += smoothing * logits.mean(1)
    total = logits.exp_().sum(1)
    if train:
        logits.div_(total.unsqueeze(1)).sub_(smoothing / vocabulary)
        logits.scatter_add_(1, column, logits.new_full((len(target), 1), smoothing - 1))
    return total.log() - expected, logits


def divergence(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """Mean of the two Kullback-Leibler divergences between two predictions of the same tokens, summed, in nats.

    Args:
        first: hidden states [N, D].
        second: other ones.
        weight: output projection [V, D].
    """
    total = first.new_zeros(())
    for start in range(0, len(first), ROWS):
        one, other = (
            F.linear(hidden[start : start + ROWS].float(), weight.float()).log_softmax(1) for hidden in (first, second)
        )
        # KL(p || q) + KL(q || p) = sum of (p - q) (log p - log q)
        total = total + ((one.exp() - other.exp()) * (one - other)).sum() / 2
    return total


def smoothed_cross_entropy(hidden: Tensor, weight: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Sum over tokens of the cross-entropy of ``hidden @ weight.T`` against smoothed targets, in nats.

    Args:
        hidden: last hidden states [N, D].
        weight: output projection [V, D].
        target: gold pieces [N].
        smoothing: probability mass spread evenly over the vocabulary.
    """
    return _SmoothedCrossEntropy.apply(hidden, weight, target, smoothing)  # type: ignore[no-any-return, no-untyped-call]
