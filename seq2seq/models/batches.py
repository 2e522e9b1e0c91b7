"""Token-bucketed batches: sentences of similar length together, as many as fit a budget of tokens.

Shapes: B batch, S source length, T target length. Masks: True is a real token.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.tokenizers.base import BOS, EOS, PAD


@dataclass(frozen=True)
class Batch:
    """Padded pieces of some sentence pairs."""

    src: Tensor  # [B, S], ends with EOS
    src_mask: Tensor  # [B, S]
    tgt_in: Tensor  # [B, T], begins with BOS
    tgt_out: Tensor  # [B, T], ends with EOS
    tgt_mask: Tensor  # [B, T]

    def to(self, device: torch.device) -> "Batch":
        """Copy to a device; to a GPU from pinned memory, so that it goes on with what it has to do."""
        tensors = [getattr(self, name) for name in self.__dataclass_fields__]
        if device.type == "cuda":
            tensors = [tensor.pin_memory() for tensor in tensors]
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in tensors))


class Sequences:
    """Many lists of piece numbers in one flat array."""

    def __init__(self, flat: NDArray[np.int32], lengths: NDArray[np.int64]) -> None:
        self.flat, self.lengths = flat, lengths
        self.starts: NDArray[np.int64] = np.concatenate([[0], np.cumsum(lengths)])

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> "Sequences":
        """Pack lists."""
        lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
        pieces = (piece for one in lists for piece in one)
        return cls(np.fromiter(pieces, np.int32, count=int(lengths.sum())), lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        return self.flat[self.starts[index] : self.starts[index + 1]]


class PairedSequences:
    """Source and target pieces of sentence pairs: sources end with EOS, targets hold neither BOS nor EOS."""

    def __init__(self, src: Sequences, tgt: Sequences) -> None:
        self.src, self.tgt = src, tgt

    @classmethod
    def of(cls, src: Sequence[Sequence[int]], tgt: Sequence[Sequence[int]]) -> "PairedSequences":
        """Pack lists."""
        return cls(Sequences.of(src), Sequences.of(tgt))

    def __len__(self) -> int:
        return len(self.src)

    def target_tokens(self, rows: NDArray[np.int64]) -> int:
        """Real target tokens of the chosen pairs, EOS included."""
        return int(self.tgt.lengths[rows].sum()) + len(rows)

    def batch(self, rows: Iterable[int]) -> Batch:
        """Pad the chosen pairs into one batch."""
        chosen = list(rows)
        src = pad([self.src[row] for row in chosen])
        bodies = [self.tgt[row] for row in chosen]
        tgt_in = pad([np.concatenate([[BOS], body]) for body in bodies])
        tgt_out = pad([np.concatenate([body, [EOS]]) for body in bodies])
        return Batch(src, src != PAD, tgt_in, tgt_out, tgt_out != PAD)

    def plan(self, batch_tokens: int, generator: np.random.Generator | None) -> list[NDArray[np.int64]]:
        """Cut all pairs into batches of at most ``batch_tokens`` source plus target tokens, padding counted.

        With a generator, ties in length and the order of the batches are random; without, both are fixed.
        A pair that alone is over the budget makes a batch of its own.
        """
        tie = np.arange(len(self)) if generator is None else generator.permutation(len(self))
        # sources from short to long and back, target length by target length, so that neighbours are always similar
        back_and_forth = np.where(self.tgt.lengths % 2, self.src.lengths, -self.src.lengths)
        order = np.lexsort((tie, back_and_forth, self.tgt.lengths))
        batches: list[NDArray[np.int64]] = []
        first = longest_src = 0
        for place, row in enumerate(order):
            longest_src = max(longest_src, int(self.src.lengths[row]))
            longest_tgt = int(self.tgt.lengths[row]) + 1  # sorted, so the newest is the longest
            if (place - first + 1) * (longest_src + longest_tgt) > batch_tokens and place > first:
                batches.append(order[first:place])
                first = place
                longest_src = int(self.src.lengths[row])
        if first < len(order):
            batches.append(order[first:])
        if generator is not None:
            batches = [batches[place] for place in generator.permutation(len(batches))]
        return batches


class Shards(Protocol):
    """A training set in parts that each fit in memory; a list of them, or a store on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> PairedSequences: ...


def pad(lists: Sequence[Sequence[int] | NDArray[np.int32]]) -> Tensor:
    """Stack lists of pieces into [B, longest], filled up with PAD."""
    longest = max(map(len, lists))
    stacked = np.full((len(lists), longest), PAD, dtype=np.int64)
    for row, one in enumerate(lists):
        stacked[row, : len(one)] = one
    return torch.from_numpy(stacked)


def training_batches(
    shards: Shards, batch_tokens: int, seed: int, epoch: int, skip: int = 0
) -> Iterator[tuple[PairedSequences, NDArray[np.int64]]]:
    """Yield the batches of one epoch, each as its shard and the rows in it, shard after shard in random order.

    The same seed and epoch give the same batches, independent of what came before.

    Args:
        shards: the training set.
        batch_tokens: tokens of a batch at most.
        seed: of the training.
        epoch: counted from 0.
        skip: batches of this epoch that an interrupted training has seen.
    """
    for number in np.random.default_rng([seed, epoch]).permutation(len(shards)):
        pairs = shards[int(number)]
        plan = pairs.plan(batch_tokens, np.random.default_rng([seed, epoch, int(number)]))
        for rows in plan[skip:]:
            yield pairs, rows
        skip = max(skip - len(plan), 0)
