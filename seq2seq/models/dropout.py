"""Dropout that draws one random byte per element (Srivastava et al. 2014).

PyTorch draws dropout on the CPU one number at a time, which took an eighth of a training step. Here each 64-bit
number decides eight elements, so the probability is rounded to a multiple of 1/256.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 256  # values of a byte


class Dropout(nn.Module):
    """Zero elements with probability ``p`` and scale the others by 1 / (1 - p), in training mode only."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.dropped = round(p * LEVELS)

    def forward(self, x: Tensor) -> Tensor:
        """Map a tensor of any shape to the same shape."""
        if not self.training or self.dropped == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.dropped / LEVELS)
        eighth = torch.empty((x.numel() + 7) // 8, dtype=torch.int64)
        draws = eighth.random_(-(2**63), None).view(torch.uint8)[: x.numel()].view(x.shape)
        keep = torch.ge(draws, self.dropped, out=torch.empty_like(x))
        return x * keep.mul_(LEVELS / (LEVELS - self.dropped))
