"""Label-smoothed cross-entropy that forms logits a few rows at a time and turns them into their gradient.

Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7. PyTorch's own composition of ``linear`` and
``cross_entropy`` keeps several copies of the [N, V] logits, which on a CPU is a third of a training step.

Shapes: N real target tokens, D model width, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CPU_LOGITS = 2**20  # that exist at one time: about what the caches of two cores hold
LEAST_ROWS = 128  # with fewer, of a large vocabulary, the weights' way from memory takes longer than the products
GPU_LOGITS = 2**26  # there each piece of work must be large
LEAST = torch.finfo(torch.float32).tiny  # probability that a less likely target is counted with, 87 nats


class _SmoothedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, target: Tensor, smoothing: float) -> Tensor:
        hidden, weight = hidden.float(), weight.float()
        train = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        # what all pieces of the vocabulary get alike needs no pass over the logits
        share = smoothing / len(weight)
        pieces = weight.sum(0)  # [D]
        loss = -share * (hidden @ pieces).sum()
        for_hidden, for_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        rows = rows_at_once(weight)
        logits = hidden.new_empty(min(rows, len(hidden)), len(weight))
        for start in range(0, len(hidden), rows):
            part, column = hidden[start : start + rows], target[start : start + rows].unsqueeze(1)
            logits = torch.mm(part, weight.t(), out=logits[: len(part)])
            gold = logits.gather(1, column)
            probability = torch.softmax(logits, 1, out=logits).gather(1, column)
            loss += (smoothing * gold - probability.clamp_min(LEAST).log()).sum()
            if train:
                logits.scatter_(1, column, probability - (1 - smoothing))
                torch.mm(logits, weight, out=for_hidden[start : start + rows])
                for_weight.addmm_(logits.t(), part)
        if train and smoothing:
            for_hidden.sub_(pieces, alpha=share)
            for_weight.sub_(hidden.sum(0), alpha=share)
        ctx.save_for_backward(for_hidden, for_weight)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        for_hidden, for_weight = ctx.saved_tensors
        return for_hidden * upstream, for_weight * upstream, None, None


def rows_at_once(weight: Tensor) -> int:
    """Tokens whose logits exist at one time, for an output projection [V, D]."""
    return max((CPU_LOGITS if weight.device.type == "cpu" else GPU_LOGITS) // len(weight), LEAST_ROWS)


def smoothed_cross_entropy(hidden: Tensor, weight: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Sum over tokens of the cross-entropy of ``hidden @ weight.T`` against smoothed targets, in nats.

    Args:
        hidden: last hidden states [N, D].
        weight: output projection [V, D].
        target: gold pieces [N].
        smoothing: probability mass spread evenly over the vocabulary.
    """
    return _SmoothedCrossEntropy.apply(hidden, weight, target, smoothing)  # type: ignore[no-any-return, no-untyped-call]
