"""From raw to clean corpora: filter, hold out, and drop what would leak, one partition in memory at a time."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from seq2seq.cleaning.duplicates import Mask, Seen, hash_texts
from seq2seq.cleaning.filters import (
    CleaningParams,
    Filter,
    mono_filters,
    normalise_frame,
    pair_filters,
)
from seq2seq.cleaning.splitting import HeldOut, hold_out
from seq2seq.core.errors import UserError
from seq2seq.core.progress import Progress
from seq2seq.text.corpus import MONO, TRAIN, count_lines, folders, read_partitions, write_corpus

EXAMPLES = 3  # of what each filter dropped, for the report
EXAMPLE_CHARACTERS = 200


@dataclass
class Tally:
    """What became of the lines of one corpus."""

    lines_in: int = 0
    filters: dict[str, dict[str, Any]] = field(default_factory=dict)
    held_out: int = 0
    kept: int = 0

    def drop(self, name: str, frame: pd.DataFrame, keep: Mask) -> pd.DataFrame:
        """Return the rows to keep; count the others for the filter ``name``, with a few examples."""
        entry = self.filters.setdefault(name, {"dropped": 0, "examples": []})
        dropped = frame[~keep]
        entry["dropped"] += len(dropped)
        for row in dropped[["source", "target"]].head(EXAMPLES - len(entry["examples"])).itertuples(index=False):
            entry["examples"].append([text[:EXAMPLE_CHARACTERS] for text in row])
        return frame[keep]

    def report(self) -> dict[str, Any]:
        """The tally as JSON; the lines in are those dropped, held out and kept."""
        return {"lines_in": self.lines_in, "filters": self.filters, "held_out": self.held_out, "kept": self.kept}


def prepare(raw: Path, out: Path, params: CleaningParams) -> dict[str, Any]:
    """Clean every corpus in the folder ``raw`` into the folder ``out``; return the report.

    Published held-out sets are normalised and pass whole; a corpus without any has them taken from its filtered pairs
    (:mod:`seq2seq.cleaning.splitting`). Then every training and monolingual line that stands in a held-out set is
    dropped, and every monolingual line that stands in the training set.

    Raises:
        UserError: there are no pairs, the filters leave none, or a held-out set would have no lines.
    """
    train = {folder: Tally() for folder in folders(raw / TRAIN)}
    mono = {folder: Tally() for folder in folders(raw / MONO)}
    if not any(map(count_lines, train)):
        raise UserError(f"{raw / TRAIN} has no pairs; check corpora and languages in params.yaml")
    filtered = out / ".filtered"  # what leaks is only known once all held-out sets are
    with Progress("clean", total=sum(map(count_lines, [*train, *mono])), unit="lines") as progress:
        filters = pair_filters(params)
        seen = Seen()
        for folder, tally in train.items():
            write_corpus(filtered / folder.name, _filter_pairs(folder, filters, seen, tally, progress))
        _refuse_nothing(folders(filtered), train)
        held_out = hold_out(raw, filtered, params)
        for path, frames in held_out.sets.items():
            write_corpus(out / path, frames)

        trained = Seen()
        pairs = (_without_held_out(filtered / folder.name, held_out, trained, train[folder]) for folder in train)
        write_corpus(out / TRAIN, chain.from_iterable(pairs))
        _refuse_nothing([out / TRAIN], train)
        shutil.rmtree(filtered)

        filters = mono_filters(params)
        seen = Seen()
        lines = (_filter_mono(folder, filters, held_out, trained, seen, mono[folder], progress) for folder in mono)
        write_corpus(out / MONO, chain.from_iterable(lines))
    return _report(train, mono, held_out)


def _refuse_nothing(corpora: list[Path], tallies: Mapping[Path, Tally]) -> None:
    """Say which filter is to blame if no pair is left.

    Raises:
        UserError: the corpora have no lines.
    """
    if any(map(count_lines, corpora)):
        return
    dropped: Counter[str] = Counter()
    for tally in tallies.values():
        dropped.update({name: entry["dropped"] for name, entry in tally.filters.items()})
    total = sum(tally.lines_in for tally in tallies.values())
    name, most = dropped.most_common(1)[0]
    raise UserError(
        f"cleaning leaves none of {total:,} training pairs; the filter {name} drops most, {most:,}: "
        "look at the corpus (are source and target what params.yaml says?) or loosen section cleaning of params.yaml"
    )


def _report(train: Mapping[Path, Tally], mono: Mapping[Path, Tally], held_out: HeldOut) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for side, tallies in {TRAIN: train, MONO: mono}.items():
        for folder, tally in tallies.items():
            report.setdefault(folder.name, {})[side] = tally.report()
    return report | {"held_out": held_out.report()}


def _read(folder: Path, tally: Tally, progress: Progress) -> Iterator[pd.DataFrame]:
    for frame in read_partitions(folder):
        tally.lines_in += len(frame)
        yield normalise_frame(frame)
        progress.add(len(frame))


def _filter_pairs(
    folder: Path, filters: Mapping[str, Filter], seen: Seen, tally: Tally, progress: Progress
) -> Iterator[pd.DataFrame]:
    for frame in _read(folder, tally, progress):
        for name, keeps in filters.items():
            frame = tally.drop(name, frame, keeps(frame))
        yield tally.drop("duplicate", frame, seen.add(hash_texts((frame["source"] + "\t" + frame["target"]).tolist())))


def _without_held_out(folder: Path, held_out: HeldOut, trained: Seen, tally: Tally) -> Iterator[pd.DataFrame]:
    """Drop what was moved to held-out sets or leaks from them; remember the targets that stay."""
    for frame in read_partitions(folder):
        taken = held_out.took(folder.name, frame)
        tally.held_out += int(taken.sum())
        frame = frame[~taken]
        frame = tally.drop("held_out", frame, ~held_out.leak(frame))
        tally.kept += len(frame)
        trained.add(hash_texts(frame["target"].tolist()))
        yield frame


def _filter_mono(
    folder: Path,
    filters: Mapping[str, Filter],
    held_out: HeldOut,
    trained: Seen,
    seen: Seen,
    tally: Tally,
    progress: Progress,
) -> Iterator[pd.DataFrame]:
    for frame in _read(folder, tally, progress):
        for name, keeps in filters.items():
            frame = tally.drop(name, frame, keeps(frame))
        frame = tally.drop("held_out", frame, ~held_out.leak(frame))
        frame = tally.drop("in_training", frame, ~trained.contains(hash_texts(frame["target"].tolist())))
        frame = tally.drop("duplicate", frame, seen.add(hash_texts(frame["target"].tolist())))
        tally.kept += len(frame)
        yield frame
