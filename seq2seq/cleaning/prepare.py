"""From raw to clean corpora: filter, hold out, and drop what would leak, a few partitions in memory at a time."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from seq2seq.cleaning.duplicates import Seen
from seq2seq.cleaning.near_duplicates import NearSeen
from seq2seq.cleaning.params import CleaningParams
from seq2seq.cleaning.partitions import map_partitions
from seq2seq.cleaning.scoring import drop_low_scores
from seq2seq.cleaning.splitting import HeldOut, hold_out
from seq2seq.cleaning.suspicions import check_filters, check_languages
from seq2seq.cleaning.tally import Tally
from seq2seq.cleaning.work import FilterMono, FilterPairs, LeaveHeldOut, Worked
from seq2seq.core.errors import UserError
from seq2seq.core.progress import Progress
from seq2seq.text.corpus import MONO, TRAIN, count_lines, folders, partitions, write_corpus
from seq2seq.text.languages import LanguagesParams

Tallies = Mapping[Path, Tally]  # by the folder of the raw corpus


def prepare(raw: Path, out: Path, params: CleaningParams, languages: LanguagesParams) -> dict[str, Any]:
    """Clean every corpus in the folder ``raw`` into the folder ``out``; return the report.

    Published held-out sets are normalised and pass whole; a corpus without any has them taken from its filtered pairs
    (:mod:`seq2seq.cleaning.splitting`). Then every training and monolingual line that stands in a held-out set is
    dropped, and every monolingual line that stands in the training set.

    Raises:
        UserError: there are no pairs, the filters leave none or one of them drops nearly all of a corpus, a corpus is
            in another language, a held-out set would have no lines, or a scorer is missing or fails.
    """
    train = {folder: Tally() for folder in folders(raw / TRAIN)}
    mono = {folder: Tally() for folder in folders(raw / MONO)}
    if not any(map(count_lines, train)):
        raise UserError(f"{raw / TRAIN} has no pairs; check corpora and languages in params.yaml")
    _refuse_unknown(params, [*train, *mono])
    for scorer in params.scorers_of_all():
        scorer.check()
    if params.check_languages:
        for folder in train:
            check_languages(folder, languages)
    filtered = out / ".filtered"  # what leaks is only known once all held-out sets are
    with Progress("clean", total=sum(map(count_lines, [*train, *mono])), unit="lines") as progress:
        seen = _Duplicates(params)
        for folder, tally in train.items():
            pairs = FilterPairs(params.of(folder.name), languages)
            worked = map_partitions(pairs, partitions(folder), params.workers)
            write_corpus(filtered / folder.name, _without_duplicates(worked, seen, tally, progress))
            for scorer in params.of(folder.name).scorers:
                drop_low_scores(filtered / folder.name, scorer, tally)
        _refuse_nothing(folders(filtered), train)
        check_filters(train)
        held_out = hold_out(raw, filtered, params)
        for path, frames in held_out.sets.items():
            write_corpus(out / path, frames)

        trained = Seen()
        left = (_without_held_out(filtered / folder.name, held_out, params, trained, train[folder]) for folder in train)
        write_corpus(out / TRAIN, chain.from_iterable(left))
        _refuse_nothing([out / TRAIN], train)
        shutil.rmtree(filtered)

        seen = _Duplicates(params)
        lines = (_mono(folder, params, languages, held_out, trained, seen, mono[folder], progress) for folder in mono)
        write_corpus(out / MONO, chain.from_iterable(lines))
    return _report(train, mono, held_out)


def _refuse_unknown(params: CleaningParams, corpora: list[Path]) -> None:
    known = sorted({folder.name for folder in corpora})
    for name in params.corpora:
        if name not in known:
            raise UserError(f"cleaning.corpora has {name}, which is no corpus of this run; there is {', '.join(known)}")


def _refuse_nothing(corpora: list[Path], tallies: Tallies) -> None:
    """Say which filter is to blame if no pair is left.

    Raises:
        UserError: the corpora have no lines.
    """
    if any(map(count_lines, corpora)):
        return
    dropped: Counter[str] = Counter()
    for tally in tallies.values():
        dropped.update({name: entry.count for name, entry in tally.filters.items()})
    total = sum(tally.lines_in for tally in tallies.values())
    name, most = dropped.most_common(1)[0]
    raise UserError(
        f"cleaning leaves none of {total:,} training pairs; the filter {name} drops most, {most:,}: "
        "look at the corpus (are source and target what params.yaml says?) or loosen section cleaning of params.yaml"
    )


def _report(train: Tallies, mono: Tallies, held_out: HeldOut) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for side, tallies in {TRAIN: train, MONO: mono}.items():
        for folder, tally in tallies.items():
            report.setdefault(folder.name, {})[side] = tally.report()
    return report | {"held_out": held_out.report()}


class _Duplicates:
    """Drops the lines that were met before, and those that nearly were where params say so."""

    def __init__(self, params: CleaningParams) -> None:
        self._exact = Seen()
        self._near = NearSeen() if params.near_duplicate_similarity else None

    def drop(self, worked: Worked, tally: Tally) -> pd.DataFrame:
        new = self._exact.add(worked.hashes)
        frame = tally.drop("duplicate", worked.frame, new)
        if self._near is not None:
            frame = tally.drop("near_duplicate", frame, self._near.add(worked.near_hashes[new]))
        return frame


def _without_duplicates(
    worked: Iterator[Worked], seen: _Duplicates, tally: Tally, progress: Progress
) -> Iterator[pd.DataFrame]:
    for part in worked:
        tally.add(part.tally)
        yield seen.drop(part, tally)
        progress.add(part.tally.lines_in)


def _without_held_out(
    folder: Path, held_out: HeldOut, params: CleaningParams, trained: Seen, tally: Tally
) -> Iterator[pd.DataFrame]:
    """Drop what was moved to held-out sets or leaks from them; remember the targets that stay."""
    for part in map_partitions(LeaveHeldOut(held_out, folder.name), partitions(folder), params.workers):
        tally.add(part.tally)
        tally.kept += len(part.frame)
        trained.add(part.hashes)
        yield part.frame


def _mono(
    folder: Path,
    params: CleaningParams,
    languages: LanguagesParams,
    held_out: HeldOut,
    trained: Seen,
    seen: _Duplicates,
    tally: Tally,
    progress: Progress,
) -> Iterator[pd.DataFrame]:
    work = FilterMono(params.of(folder.name), languages, held_out)
    for part in map_partitions(work, partitions(folder), params.workers):
        tally.add(part.tally)
        fresh = ~trained.contains(part.hashes)
        frame = tally.drop("in_training", part.frame, fresh)
        part = part._replace(frame=frame, hashes=part.hashes[fresh], near_hashes=part.near_hashes[fresh])
        frame = seen.drop(part, tally)
        tally.kept += len(frame)
        yield frame
        progress.add(part.tally.lines_in)
