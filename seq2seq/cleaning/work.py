"""What is done to one partition, in this process or another: filters, and what leaks from held-out sets."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from seq2seq.cleaning.duplicates import Hashes, comparable, hash_texts, loosened
from seq2seq.cleaning.filters import Filter, mono_filters, normalise_frame, pair_filters, repair_frame
from seq2seq.cleaning.near_duplicates import hash_near
from seq2seq.cleaning.params import CleaningParams
from seq2seq.cleaning.splitting import HeldOut
from seq2seq.cleaning.tally import Tally
from seq2seq.text.corpus import COLUMNS, read_partition
from seq2seq.text.languages import LanguagesParams


class Worked(NamedTuple):
    """What is left of a partition, with the hashes of its lines, by which duplicates of all partitions are found."""

    frame: pd.DataFrame
    hashes: Hashes
    near_hashes: Hashes  # (N, B) of the lines without case, punctuation and digits; B is 0 where nobody asks
    tally: Tally


class FilterPairs:
    """Filters a partition of raw training pairs."""

    def __init__(self, params: CleaningParams, languages: LanguagesParams) -> None:
        self._params = params
        self._languages = languages

    def __call__(self, path: Path) -> Worked:
        """The pairs that pass, hashed by both sides."""
        tally = Tally()
        frame = _filter(path, self._params, pair_filters(self._params, self._languages), tally)
        return Worked(frame, _hash_pairs(frame), _hash_near(frame, self._params.near_duplicate_similarity), tally)


class LeaveHeldOut:
    """Drops from a partition of filtered pairs what was moved to held-out sets or leaks from them."""

    def __init__(self, held_out: HeldOut, corpus: str) -> None:
        self._held_out = held_out
        self._corpus = corpus

    def __call__(self, path: Path) -> Worked:
        """The pairs that stay in training, hashed by their targets."""
        tally = Tally()
        frame = read_partition(path)
        taken = self._held_out.took(self._corpus, frame)
        tally.held_out = int(taken.sum())
        frame = _drop_leaks(frame[~taken], self._held_out, tally)
        return Worked(frame, hash_texts(frame["target"].tolist()), _hash_near(frame, 0), tally)


class FilterMono:
    """Filters a partition of raw monolingual lines, and drops what leaks from held-out sets."""

    def __init__(self, params: CleaningParams, languages: LanguagesParams, held_out: HeldOut) -> None:
        self._params = params
        self._languages = languages
        self._held_out = held_out

    def __call__(self, path: Path) -> Worked:
        """The lines that pass, hashed."""
        tally = Tally()
        frame = _filter(path, self._params, mono_filters(self._params, self._languages), tally)
        frame = _drop_leaks(frame, self._held_out, tally)
        near = _hash_near(frame, self._params.near_duplicate_similarity)
        return Worked(frame, hash_texts(frame["target"].tolist()), near, tally)


def _filter(path: Path, params: CleaningParams, filters: Mapping[str, Filter], tally: Tally) -> pd.DataFrame:
    frame = read_partition(path)
    tally.lines_in = len(frame)
    frame = normalise_frame(repair_frame(frame) if params.repair else frame)
    for name, keeps in filters.items():
        frame = tally.drop(name, frame, keeps(frame))
    return frame[COLUMNS]


def _drop_leaks(frame: pd.DataFrame, held_out: HeldOut, tally: Tally) -> pd.DataFrame:
    frame = tally.drop("held_out", frame, ~held_out.leak(frame))
    if not held_out.looks_for_near:
        return frame
    near, matches = held_out.nearly_leak(frame)
    tally.add_matches(matches)
    return tally.drop("nearly_held_out", frame, ~near)


def _hash_pairs(frame: pd.DataFrame) -> Hashes:
    return hash_texts((frame["source"] + "\t" + frame["target"]).tolist())


def _hash_near(frame: pd.DataFrame, similarity: float) -> Hashes:
    if not similarity:
        return np.empty((len(frame), 0), dtype=np.uint64)
    sides = (loosened(comparable(frame[side])) for side in ("source", "target"))
    return hash_near([f"{source}\t{target}" for source, target in zip(*sides, strict=True)], similarity)
