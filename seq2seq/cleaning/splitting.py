"""Held-out sets: published ones whole, others taken from a corpus by hash, and what leaks from them.

Both have the one form of training text, so that outputs and references are prepared alike. A published set keeps all
its lines, those with an empty side too: its scores stay comparable with what others report on it.
All pairs of one source (regardless of case) share a hash and so stay together: no held-out source is
ever trained on.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from seq2seq.cleaning.containment import Containment
from seq2seq.cleaning.duplicates import Hashes, Mask, comparable, hash_texts, loosened
from seq2seq.cleaning.filters import normalise_frame
from seq2seq.cleaning.params import CleaningParams
from seq2seq.core.errors import UserError
from seq2seq.text.corpus import GATE, HELD_OUT, TEST, VALIDATION, count_lines, folders, read_corpus, read_partitions

STAYS = -1  # in training; a line that is taken goes to a set by its index in HELD_OUT

Sets = dict[str, list[pd.DataFrame]]  # by their path below the clean folder: validation, gate, test/NAME


class HeldOut:
    """All held-out sets, and which lines must stay out of training because of them."""

    def __init__(self, sets: Sets, chosen: Mapping[str, list[Hashes]], params: CleaningParams) -> None:
        self.sets = sets
        self._chosen = chosen
        self._params = params
        frames = [frame for parts in sets.values() for frame in parts]
        self._sources = {text for frame in frames for text in self._compared(frame["source"])} - {""}
        self._targets = {text for frame in frames for text in self._compared(frame["target"])} - {""}
        self._near: dict[str, Containment] = {}
        if share := params.held_out_containment:
            self._near = {"source": Containment(self._sources, share), "target": Containment(self._targets, share)}

    def _compared(self, texts: pd.Series) -> list[str]:
        return loosened(comparable(texts)) if self._params.held_out_loosely else comparable(texts)

    def report(self) -> dict[str, dict[str, int]]:
        """For each set its ``lines``, how many of them were ``normalised``, and how many have an ``empty`` side."""
        return {path: _count(frames) for path, frames in self.sets.items()}

    def took(self, corpus: str, frame: pd.DataFrame) -> Mask:
        """Which of a corpus's filtered rows were moved into held-out sets."""
        if corpus not in self._chosen:
            return np.zeros(len(frame), dtype=bool)
        moved: Mask = deal(hash_sources(frame["source"]), self._chosen[corpus]) != STAYS
        return moved

    def leak(self, frame: pd.DataFrame) -> Mask:
        """Which rows have a source or, where targets are compared, a target that stands in a held-out set.

        Case is ignored. A monolingual line has nothing but its target, which is always compared.
        """
        if not self._params.drop_held_out:
            return np.zeros(len(frame), dtype=bool)
        compare = self._params.drop_held_out_targets
        leaks = [
            source in self._sources or (target in self._targets and (compare or not source))
            for source, target in self._sides(frame)
        ]
        return np.array(leaks, dtype=bool)

    @property
    def looks_for_near(self) -> bool:
        """Whether lines that hold most of a held-out one are looked for."""
        return bool(self._near) and self._params.drop_held_out

    def nearly_leak(self, frame: pd.DataFrame) -> tuple[Mask, list[tuple[str, str]]]:
        """Which rows hold most of a held-out line, and for each such row its text and that line, as compared."""
        near = np.zeros(len(frame), dtype=bool)
        matches = []
        if self.looks_for_near:
            compare = self._params.drop_held_out_targets
            for row, (source, target) in enumerate(self._sides(frame)):
                found = self._near["source"].find(source)
                text = source
                if found is None and (compare or not source):
                    found = self._near["target"].find(target)
                    text = target
                if found is not None:
                    near[row] = True
                    matches.append((text, found))
        return near, matches

    def _sides(self, frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
        return zip(self._compared(frame["source"]), self._compared(frame["target"]), strict=True)


def hold_out(raw: Path, filtered: Path, params: CleaningParams) -> HeldOut:
    """Find the held-out sets of all corpora in ``raw``, whose filtered pairs are in ``filtered``.

    Raises:
        UserError: a set would have no lines.
    """
    sets = _published_sets(raw)
    published = sum(map(len, [*sets[VALIDATION], *sets[GATE]]))
    chosen = {}
    for folder in folders(filtered):
        if any(count_lines(raw / split / folder.name) for split in (VALIDATION, GATE)):
            continue
        hashes = [hash_sources(frame["source"]) for frame in read_partitions(folder)]
        chosen[folder.name] = choose_held_out(np.concatenate(hashes), params)
        for path, frame in _taken_sets(folder, chosen[folder.name]).items():
            sets.setdefault(path, []).append(frame)
    _check(sets, published, pairs=sum(map(count_lines, folders(filtered))))
    return HeldOut(sets, chosen, params)


def _published_sets(raw: Path) -> Sets:
    """The sets that corpora bring; a validation or gate set that comes alone gives half to the other."""
    sets: Sets = {VALIDATION: [], GATE: []}
    names = {folder.name for split in (VALIDATION, GATE) for folder in folders(raw / split)}
    for name in sorted(names):
        validation, gate = (_read_published(raw / split / name) for split in (VALIDATION, GATE))
        if validation.empty or gate.empty:
            validation, gate = _halve(pd.concat([validation, gate], ignore_index=True))
        sets[VALIDATION].append(validation)
        sets[GATE].append(gate)
    return sets | {f"{TEST}/{folder.name}": [_read_published(folder)] for folder in folders(raw / TEST)}


def _read_published(folder: Path) -> pd.DataFrame:
    """A published set, normalised; the column ``normalised`` tells which lines that changed."""
    raw = read_corpus(folder)
    frame = normalise_frame(raw)
    return frame.assign(normalised=(frame["source"] != raw["source"]) | (frame["target"] != raw["target"]))


def _count(frames: list[pd.DataFrame]) -> dict[str, int]:
    return {
        "lines": sum(map(len, frames)),
        "normalised": sum(int(frame["normalised"].sum()) for frame in frames),
        "empty": sum(int(((frame["source"] == "") | (frame["target"] == "")).sum()) for frame in frames),
    }


def _halve(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two halves by the hashes of the sources; where that leaves one empty, it gets the source of the largest hash."""
    hashes = hash_sources(frame["source"])
    first = hashes % 2 == 0
    if len(np.unique(hashes)) > 1 and len(np.unique(first)) == 1:
        first = hashes != hashes.max()
    return frame[first], frame[~first]


def _taken_sets(folder: Path, chosen: list[Hashes]) -> dict[str, pd.DataFrame]:
    """Take the sets from one corpus that has no published ones."""
    taken = []
    for frame in read_partitions(folder):
        where = deal(hash_sources(frame["source"]), chosen)
        taken.append(frame.assign(where=where, normalised=False)[where != STAYS])
    lines = pd.concat(taken, ignore_index=True)
    paths = [VALIDATION, GATE, f"{TEST}/{folder.name}_test"]
    return {path: lines[lines["where"] == index] for index, path in enumerate(paths)}


def _check(sets: Sets, published: int, pairs: int) -> None:
    """Check that each set has lines; ``published`` are those that corpora bring for validation and gate together."""
    for path, frames in sets.items():
        if any(map(len, frames)):
            continue
        if published and path in (VALIDATION, GATE):
            raise UserError(
                f"the {path} set has no lines: the corpora bring {published:,} for validation and gate together, all "
                "with the same source; add a line with another source to that set"
            )
        raise UserError(
            f"the {path} set has no lines: no corpus brings any, and {pairs:,} pairs after filtering are too few "
            "to take some from; add pairs, or a corpus that brings its own sets, to corpora in params.yaml"
        )
    if not any(path.startswith(f"{TEST}/") for path in sets):
        raise UserError(
            "there is no test set: corpora that bring a validation or a gate set have to bring one too; add it in "
            "data/catalogue.yaml, or leave out the others, so that all are taken from the pairs"
        )


def hash_sources(sources: pd.Series) -> Hashes:
    """The hashes by which pairs are dealt to sets."""
    return hash_texts(comparable(sources))


def choose_held_out(hashes: Hashes, params: CleaningParams) -> list[Hashes]:
    """The hashes of each held-out set, given those of all lines.

    A line can only go to the set that its hash modulo 3 names, and the smallest hashes go first. So a
    line of a corpus that grows may change between its set and training, but never from one set to another.
    A set gets at least one source, as far as there is one, and then as many as fit in the line limit.
    """
    lines = min(int(len(hashes) * params.held_out_percent / 100), params.held_out_at_most)
    chosen = []
    for index in range(len(HELD_OUT)):
        own, counts = np.unique(hashes[hashes % len(HELD_OUT) == index], return_counts=True)
        sources = max(1, int(np.searchsorted(np.cumsum(counts), lines, side="right")))
        chosen.append(own[:sources])
    return chosen


def deal(hashes: Hashes, chosen: list[Hashes]) -> npt.NDArray[np.int64]:
    """Where each line goes, given what :func:`choose_held_out` chose."""
    where = np.full(len(hashes), STAYS, dtype=np.int64)
    for index, own in enumerate(chosen):
        where[np.isin(hashes, own)] = index
    return where
