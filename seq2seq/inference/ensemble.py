"""Several models that search as one: each next piece has the mean of their probabilities.

Shapes: B batch, S source length, T target length, V vocabulary.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from seq2seq.models.protocol import Model, State


class Ensemble:
    """Models of one vocabulary and any architectures; to search it is itself a model."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = models

    def start(self, src: Tensor, mask: Tensor) -> State:
        """Read the source [B, S] with its mask [B, S]."""
        return _join([model.start(src, mask) for model in self.models])

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the logarithm [B, V] of the mean probability of each piece after ``tokens`` [B]."""
        stepped = [
            model.step(tokens, part) for model, part in zip(self.models, _split(state, len(self.models)), strict=True)
        ]
        log_probs = torch.stack([logits.float().log_softmax(-1) for logits, _ in stepped])  # [models, B, V]
        return log_probs.logsumexp(0) - math.log(len(stepped)), _join([part for _, part in stepped])

    def attention(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor | None:
        """The mean attention [B, T, S] of the models that have any."""
        found = [one for model in self.models if (one := model.attention(src, mask, tgt)) is not None]
        return torch.stack(found).mean(0) if found else None


def _join(states: Sequence[State]) -> State:
    """One state of several, each name behind the number of its model."""
    return State(
        {f"{number}.{name}": tensor for number, state in enumerate(states) for name, tensor in state.fixed.items()},
        {f"{number}.{name}": tensor for number, state in enumerate(states) for name, tensor in state.moving.items()},
    )


def _split(state: State, count: int) -> list[State]:
    """The states that :func:`_join` joined."""
    parts = [State({}, {}) for _ in range(count)]
    for kind in ("fixed", "moving"):
        for key, tensor in getattr(state, kind).items():
            number, _, name = key.partition(".")
            getattr(parts[int(number)], kind)[name] = tensor
    return parts
