"""Encoded sentence pairs on disk: tokenized once, scattered over shards, and read through memory maps.

A shard is what is in memory at one time, whatever the size of the corpus. A pair's shard is drawn at random,
so that each is a sample of the whole corpus, in whatever order that came.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from seq2seq.core.files import read_json, replacing, write_json
from seq2seq.models.batches import PairedSequences, Sequences

PAIRS_PER_SHARD = 65_536
FACTS = "store.json"
Encoded = Sequence[Sequence[int]]
Pair = tuple[Sequence[int], Sequence[int]]


def write_token_store(folder: Path, parts: Iterable[tuple[Encoded, Encoded]], total: int, max_length: int) -> None:
    """Write encoded pairs, part by part.

    Args:
        folder: the store, which is whole or absent.
        parts: each is in memory at one time; sources that end with EOS, and targets without BOS and EOS.
        total: pairs in all parts, about; it decides the number of shards.
        max_length: pairs with a longer side are left out and counted.
    """
    shards = -(-total // PAIRS_PER_SHARD) or 1
    draw = np.random.default_rng(0)
    kept = seen = 0
    with replacing(folder) as partial:
        partial.mkdir()
        for shard in range(shards):
            _append(partial, shard, [])
        for sources, targets in parts:
            drawn: list[list[Pair]] = [[] for _ in range(shards)]
            for src, tgt, shard in zip(sources, targets, draw.integers(shards, size=len(sources)), strict=True):
                seen += 1
                if fits(src, tgt, max_length):
                    kept += 1
                    drawn[shard].append((src, tgt))
            for shard, pairs in enumerate(drawn):
                if pairs:
                    _append(partial, shard, pairs)
        write_json(partial / FACTS, {"shards": shards, "pairs": kept, "left_out": seen - kept})


def fits(src: Sequence[int], tgt: Sequence[int], max_length: int) -> bool:
    """Whether a pair is short enough for a model; its target gets one piece more, BOS or EOS."""
    return len(src) <= max_length and len(tgt) < max_length


def _append(folder: Path, shard: int, pairs: Sequence[Pair]) -> None:
    """Add pairs to a shard, whose files are closed again: a large corpus has more shards than files may be open."""
    columns: dict[str, Sequence[Sequence[int]]] = {
        "src": [src for src, _ in pairs],
        "tgt": [tgt for _, tgt in pairs],
        "lengths": [(len(src), len(tgt)) for src, tgt in pairs],
    }
    for kind, lists in columns.items():
        with (folder / _name(shard, kind)).open("ab") as file:
            file.write(np.fromiter(chain.from_iterable(lists), dtype=np.int32).tobytes())


def _name(shard: int, kind: str) -> str:
    return f"{shard:05d}.{kind}"


class TokenStore:
    """The shards of a store."""

    def __init__(self, folder: Path) -> None:
        """Open what :func:`write_token_store` wrote."""
        self.folder = folder
        facts = read_json(folder / FACTS)
        self.shards = facts["shards"]
        self.pairs = facts["pairs"]
        self.left_out = facts["left_out"]

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
