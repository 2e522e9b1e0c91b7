"""Metrics that another program computes, such as COMET (:mod:`seq2seq.core.scorers`).

It reads ``source TAB output TAB reference``.
"""

from collections.abc import Sequence

import numpy as np
from pydantic import Field, field_validator

from seq2seq.core.scorers import Scorer
from seq2seq.metrics.metric import FloatArray, MeanOfLines, References, check_aligned, counts_of_values
from seq2seq.metrics.string_metrics import LABELS
from seq2seq.text.perturbations import PERTURBATIONS

COLUMNS = ("source", "references", "origin", "prediction", "truncated", *PERTURBATIONS)  # of predictions
KEYS = (*LABELS, "rouge1", "rouge2", "sentences", "signature")  # of scores


class ScorerParams(Scorer):
    """A metric that another program computes."""

    higher_is_better: bool = Field(description="False where a lower number is the better one.")

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in COLUMNS + KEYS:
            raise ValueError("that name is taken; choose another")
        return name


class External(MeanOfLines):
    """A scorer's numbers: the mean over the lines, of several references the best for each line."""

    def __init__(self, scorer: ScorerParams, sources: Sequence[str] = ()) -> None:
        """Take the source of each line, which the command reads besides."""
        self.name = self.label = scorer.name
        self.higher_is_better = scorer.higher_is_better
        self._scorer, self._sources = scorer, sources

    def statistics(self, hypotheses: Sequence[str], references: References) -> FloatArray:
        """Run the command: its number, and 1 for the line, (N, 2).

        Raises:
            ValueError: there are no lines, a line has no reference, or the sides differ in number.
            UserError: the command can't be started, fails, or doesn't write a finite number for each line.
        """
        return counts_of_values(run_scorer(self._scorer, self._sources, hypotheses, references))

    def signature(self, references: References) -> str:
        """Its name."""
        return f"{self.name}|external:yes|references:best"


def run_scorer(
    scorer: ScorerParams, sources: Sequence[str], hypotheses: Sequence[str], references: References
) -> FloatArray:
    """The number of each line, (N,): of several references the best.

    Raises:
        ValueError: there are no lines, a line has no reference, or the sides differ in number.
        UserError: the command can't be started, fails, or doesn't write a finite number for each line.
    """
    check_aligned(hypotheses, references)
    rows = (
        (source, output, reference)
        for source, output, texts in zip(sources, hypotheses, references, strict=True)
        for reference in texts
    )
    numbers = scorer.score(rows)
    best = np.maximum if scorer.higher_is_better else np.minimum
    firsts = np.cumsum([0, *map(len, references[:-1])])
    return np.asarray(best.reduceat(numbers, firsts), dtype=np.float64)
