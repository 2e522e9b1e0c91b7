"""Filters that are other programs: each scores all pairs of a corpus at once, and the pairs with low numbers go."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from seq2seq.cleaning.tally import Tally
from seq2seq.core.files import replacing
from seq2seq.core.scorers import Scorer
from seq2seq.text.corpus import count_lines, read_partitions, write_corpus

Scores = NDArray[np.float64]  # (N,), one a pair


class PairScorer(Scorer):
    """A program that tells how good pairs are; a higher number is the better one."""

    # an entry sets one of the two, so the other has to have a default
    below: float | None = Field(default=None, description="Drops pairs with a lower number than this.")
    quantile: float | None = Field(
        default=None, gt=0, lt=1, description="Drops this share of a corpus's pairs, those with the lowest numbers."
    )

    @model_validator(mode="after")
    def _has_one_limit(self) -> "PairScorer":
        if (self.below is None) == (self.quantile is None):
            raise ValueError("set below or quantile, one of them")
        return self

    def limit(self, scores: Scores) -> float:
        """The lowest number that stays."""
        if self.below is not None:
            return self.below
        assert self.quantile is not None
        return float(np.quantile(scores, self.quantile))


def drop_low_scores(folder: Path, scorer: PairScorer, tally: Tally) -> None:
    """Drop from a corpus of pairs, in its place, those to which a scorer gives too low a number.

    Raises:
        UserError: the command can't be started, fails, or doesn't write a finite number for each pair.
    """
    if not count_lines(folder):
        return
    scores = scorer.score(_rows(folder))
    limit = scorer.limit(scores)
    lowest, median, highest = np.quantile(scores, [0, 0.5, 1]).tolist()
    tally.scores[scorer.name] = {"kept_from": limit, "lowest": lowest, "median": median, "highest": highest}
    with replacing(folder) as partial:
        write_corpus(partial, _drop(folder, scores >= limit, f"scorer_{scorer.name}", tally))


def _rows(folder: Path) -> Iterator[tuple[str, str]]:
    for frame in read_partitions(folder):
        yield from zip(frame["source"].tolist(), frame["target"].tolist(), strict=True)


def _drop(folder: Path, keep: NDArray[np.bool_], name: str, tally: Tally) -> Iterator[pd.DataFrame]:
    begin = 0
    for frame in read_partitions(folder):
        yield tally.drop(name, frame, keep[begin : begin + len(frame)])
        begin += len(frame)
