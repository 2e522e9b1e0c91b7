"""R-Drop: two dropouts of one model learn the same targets and are drawn towards each other.

Liang et al. 2021, https://arxiv.org/abs/2106.14448. As in :mod:`seq2seq.training.loss`, logits exist a few rows at
a time and become their gradient at once; composed of PyTorch's own functions it took 1.85 times as long.

Shapes: N real target tokens, D model width, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seq2seq.training.loss import rows_at_once


class _RDrop(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, first: Tensor, second: Tensor, weight: Tensor, target: Tensor, smoothing: float, strength: float
    ) -> Tensor:
        sides = (first.float(), second.float())
        weight = weight.float()
        loss = first.new_zeros((), dtype=torch.float32)
        rows = rows_at_once(weight)
        for_sides, for_weight = [torch.empty_like(hidden) for hidden in sides], torch.zeros_like(weight)
        for start in range(0, len(target), rows):
            column = target[start : start + rows].unsqueeze(1)  # [n, 1]
            parts = [hidden[start : start + rows] for hidden in sides]
            logs = [(part @ weight.t()).log_softmax(1) for part in parts]  # [n, V]
            chances = [log.exp() for log in logs]
            for side, (log, chance) in enumerate(zip(logs, chances, strict=True)):
                away = log - logs[1 - side]
                other = chances[1 - side]
                divergence = (chance * away).sum(1, keepdim=True)  # [n, 1] Kullback and Leibler's, from the other
                expected = (1 - smoothing) * log.gather(1, column) + smoothing * log.mean(1, keepdim=True)
                loss += (strength / 4 * divergence - expected / 2).sum()
                gradient = away.sub_(divergence).add_(1).mul_(chance).sub_(other).mul_(strength / 4)
                gradient.add_(chance, alpha=0.5).sub_(smoothing / len(weight) / 2)
                gradient.scatter_add_(1, column, torch.full_like(divergence, (smoothing - 1) / 2))
                torch.mm(gradient, weight, out=for_sides[side][start : start + rows])
                for_weight.addmm_(gradient.t(), parts[side])
        ctx.save_for_backward(*for_sides, for_weight)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        for_first, for_second, for_weight = ctx.saved_tensors
        return for_first * upstream, for_second * upstream, for_weight * upstream, None, None, None


def r_drop_loss(
    first: Tensor, second: Tensor, weight: Tensor, target: Tensor, smoothing: float, strength: float
) -> Tensor:
    """Mean of two smoothed cross-entropies plus the divergence of the predictions, summed over tokens, in nats.

    This is half of the paper's loss, which adds up the two.

    Args:
        first: last hidden states of one dropout [N, D].
        second: those of another [N, D].
        weight: output projection [V, D].
        target: gold pieces [N].
        smoothing: probability mass spread evenly over the vocabulary.
        strength: weight of the mean of the two Kullback-Leibler divergences; alpha in the paper.
    """
    return _RDrop.apply(first, second, weight, target, smoothing, strength)  # type: ignore[no-any-return, no-untyped-call]
