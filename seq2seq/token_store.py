"""Encoded sentence pairs on disk: tokenized once, scattered over shards, and read through memory maps.

A shard is what is in memory at one time, whatever the size of the corpus. A pair's shard is drawn at random,
so that each is a sample of the whole corpus, in whatever order that came.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from seq2seq.batches import PairedSequences, Sequences
from seq2seq.files import read_json, replacing, write_json

PAIRS_PER_SHARD = 65_536
FACTS = "store.json"
Encoded = Sequence[Sequence[int]]


def write_token_store(folder: Path, parts: Iterable[tuple[Encoded, Encoded]], total: int, max_length: int) -> None:
    """Write encoded pairs, part by part.

    Args:
        folder: the store, which is whole or absent.
        parts: sources that end with EOS, and targets without BOS and EOS.
        total: pairs in all parts, about; it decides the number of shards.
        max_length: pairs with a longer side are left out and counted.
    """
    shards = -(-total // PAIRS_PER_SHARD) or 1
    draw = np.random.default_rng(0)
    kept = seen = longest = 0
    with replacing(folder) as partial, ExitStack() as stack:
        partial.mkdir()
        files = [
            [stack.enter_context((partial / _name(shard, kind)).open("wb")) for kind in ("src", "tgt", "lengths")]
            for shard in range(shards)
        ]
        for sources, targets in parts:
            for src, tgt, shard in zip(sources, targets, draw.integers(shards, size=len(sources)), strict=True):
                seen += 1
                if not fits(src, tgt, max_length):
                    continue
                kept, longest = kept + 1, max(longest, len(src) + len(tgt) + 1)
                for file, numbers in zip(files[shard], (src, tgt, (len(src), len(tgt))), strict=True):
                    file.write(np.asarray(numbers, dtype=np.int32).tobytes())
        write_json(partial / FACTS, {"shards": shards, "pairs": kept, "left_out": seen - kept, "longest": longest})


def fits(src: Sequence[int], tgt: Sequence[int], max_length: int) -> bool:
    """Whether a pair is short enough for a model; its target gets one piece more, BOS or EOS."""
    return len(src) <= max_length and len(tgt) < max_length


def _name(shard: int, kind: str) -> str:
    return f"{shard:05d}.{kind}"


class TokenStore:
    """The shards of a store."""

    def __init__(self, folder: Path) -> None:
        """Open what :func:`write_token_store` wrote."""
        self.folder, facts = folder, read_json(folder / FACTS)
        self.shards, self.pairs, self.left_out = facts["shards"], facts["pairs"], facts["left_out"]
        self.longest = facts["longest"]  # source and target pieces of a pair, BOS or EOS included

    def __len__(self) -> int:
        return int(self.shards)

    def __getitem__(self, index: int, /) -> PairedSequences:
        if not 0 <= index < len(self):
            raise IndexError(f"shard {index} of {len(self)}")
        lengths = self._read(index, "lengths").reshape(-1, 2).astype(np.int64)
        src, tgt = self._read(index, "src"), self._read(index, "tgt")
        return PairedSequences(Sequences(src, lengths[:, 0]), Sequences(tgt, lengths[:, 1]))

    def _read(self, shard: int, kind: str) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        file = self.folder / _name(shard, kind)
        if not file.stat().st_size:  # nothing can't be mapped
            return np.empty(0, dtype=np.int32)
        return np.memmap(file, dtype=np.int32, mode="r")
