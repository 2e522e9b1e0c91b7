"""Held-out sets from a corpus that brings none, by hash: the same lines in every run, whatever their order.

All pairs of one source (regardless of case) share a hash and so stay together: no held-out source is
ever trained on.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from seq2seq.cleaning import CleaningParams, Hashes, comparable, hash_texts

HELD_OUT = ("validation", "gate", "test")
TRAIN = -1  # where a row goes: an index of HELD_OUT, or TRAIN


def hash_sources(sources: Iterable[str]) -> Hashes:
    """The hashes by which pairs are dealt to sets."""
    return hash_texts(comparable(sources))


def choose_limits(hashes: Hashes, params: CleaningParams) -> list[int]:
    """For each held-out set, the hash up to which its lines are taken (-1: none).

    A line can only go to the set that its hash modulo 3 names, and the smallest hashes go first. So a
    line of a corpus that grows may change between its set and training, but never from one set to another.
    A set gets at least one source, as far as there is one, and then as many as fit in the line limit.
    """
    lines = min(int(len(hashes) * params.held_out_percent / 100), params.held_out_at_most)
    limits = []
    for index in range(len(HELD_OUT)):
        own, counts = np.unique(hashes[hashes % len(HELD_OUT) == index], return_counts=True)
        sources = max(1, int(np.searchsorted(np.cumsum(counts), lines, side="right")))
        limits.append(int(own[:sources][-1]) if len(own) else -1)
    return limits


def deal(hashes: Hashes, limits: list[int]) -> npt.NDArray[np.int64]:
    """Where each line goes, given the limits of :func:`choose_limits`."""
    sets = (hashes % len(HELD_OUT)).astype(np.int64)
    within = np.array([value <= limits[index] for value, index in zip(hashes.tolist(), sets.tolist(), strict=True)])
    return np.where(within, sets, TRAIN)


def halve(hashes: Hashes) -> npt.NDArray[np.bool_]:
    """A fixed half of the lines; for a corpus that brings validation or gate set, but not both."""
    return hashes % 2 == 0
