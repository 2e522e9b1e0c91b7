"""The interface between models and search: ``start`` from a source, ``step`` by one piece, a state in between.

Shapes: B batch, S source length, T target length, V vocabulary, N rows.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class State:
    """What a model remembers between steps: tensors, batch first.

    ``fixed`` depends on the source alone, so that the beams of one sentence share it; ``moving`` depends
    on the pieces so far.
    """

    fixed: dict[str, Tensor]
    moving: dict[str, Tensor]


class Model(Protocol):
    """The interface between models and search."""

    def start(self, src: Tensor, mask: Tensor) -> State:
        """Read the source [B, S] with its mask [B, S]."""
        ...

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits [B, V] of the piece that follows ``tokens`` [B]."""
        ...

    def attention(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor | None:
        """Attention [B, T, S] to the source [B, S], its mask [B, S], of a target [B, T]; None where there is none."""
        ...


def select(state: State, rows: Tensor) -> State:
    """Take rows of every tensor of a state, with repetition: [N, ...] to [len(rows), ...]."""
    return State(
        {name: tensor.index_select(0, rows) for name, tensor in state.fixed.items()},
        {name: tensor.index_select(0, rows) for name, tensor in state.moving.items()},
    )


def reorder(state: State, rows: Tensor) -> State:
    """Take rows within the beams of each sentence, which share what is fixed."""
    return State(state.fixed, {name: tensor.index_select(0, rows) for name, tensor in state.moving.items()})
