"""Parts of the gate set on which a model must not get worse unnoticed: a mean can hide what a user would not forgive.

Each slice is a metric and a system's counts: lines of a kind (short, long, of one corpus, written in capitals, with a
slip), scored by a metric of the whole set; and what a text must keep (numbers, placeholders, names), scored by the
share that was kept. The model card shows them, and the release gate compares two systems'. Shapes: N lines, K counts.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seq2seq.metrics.metric import FloatArray, Metric, References, check_aligned
from seq2seq.metrics.scores import EvaluationParams, summarize
from seq2seq.metrics.string_metrics import metric_of
from seq2seq.text.languages import count_words
from seq2seq.text.perturbations import PERTURBATIONS
from seq2seq.text.placeholders import find_numbers, find_placeholders

QUARTERS = (0.25, 0.75)  # of the sources by their length: what is below is short, what is above is long
Lines = npt.NDArray[np.bool_]

_NAME = re.compile(r"(?<!^)(?<![.!?:] )\b[^\W\d_a-z]\w+")  # in capitals, but not at the beginning of a sentence


def _find_names(text: str) -> Counter[str]:
    return Counter(word for word in _NAME.findall(text) if word[0].isupper())


KEPT: dict[str, Callable[[str], Counter[str]]] = {
    "numbers": find_numbers,
    "placeholders": find_placeholders,
    "names": _find_names,
}


class Kept(Metric):
    """How much of what a text must keep an output has, 0 to 100: what the source and each of its references have."""

    def __init__(self, what: str, sources: Sequence[str]) -> None:
        """Look for ``what``, a key of KEPT, in outputs of ``sources``."""
        self.name = f"kept_{what}"
        self.label = f"{what} kept"
        self.find = KEPT[what]
        self.sources = sources

    def statistics(self, hypotheses: Sequence[str], references: References) -> FloatArray:
        """What was kept and what should have been, (N, 2)."""
        check_aligned(hypotheses, references)
        counts = []
        for output, wanted in zip(hypotheses, self._wanted(references), strict=True):
            counts.append([(wanted & self.find(output)).total(), wanted.total()])
        return np.array(counts, dtype=np.float64)

    def score(self, sums: FloatArray) -> FloatArray:
        """The share that was kept; not a number where there was nothing to keep."""
        with np.errstate(invalid="ignore"):
            return 100 * sums[..., 0] / sums[..., 1]

    def tells(self, references: References) -> Lines:
        """Lines that have something to keep."""
        return np.array([bool(wanted) for wanted in self._wanted(references)])

    def why_undefined(self, sums: FloatArray) -> str:
        """Where there is nothing to keep."""
        return "" if sums[1] else f"no line has {self.label.split()[0]} to keep"

    def signature(self, _references: References) -> str:
        """Its name."""
        return self.label

    def _wanted(self, references: References) -> Iterator[Counter[str]]:
        for source, texts in zip(self.sources, references, strict=True):
            wanted = self.find(source)
            for text in texts:
                wanted &= self.find(text)
            yield wanted


@dataclass(frozen=True)
class Slice:
    """A system's counts on some lines."""

    metric: Metric
    counts: FloatArray  # (N, K)


def cut_slices(frame: pd.DataFrame, references: References, metric: Metric, counts: FloatArray) -> dict[str, Slice]:
    """Cut the gate set into slices, by name; those without a line are left out.

    Args:
        frame: columns source, prediction, origin (the corpus) and those of PERTURBATIONS: what the system made of the
            perturbed source; a column that it lacks makes no slice.
        references: of each line.
        metric: scores lines of a kind.
        counts: its counts of the predictions, (N, K).
    """
    slices = {name: Slice(metric, counts[lines]) for name, lines in _kinds_of_line(frame).items()}
    sources = frame["source"].tolist()
    for what in KEPT:
        kept = Kept(what, sources)
        lines = kept.tells(references)
        slices[kept.label] = Slice(kept, kept.statistics(frame["prediction"].tolist(), references)[lines])
    folded = [[text.casefold() for text in texts] for texts in references]
    for kind, perturb in PERTURBATIONS.items():
        if kind in frame:
            lines = np.array([perturb(source) != source for source in sources])
            outputs = [text.casefold() for text in frame[kind].tolist()]
            slices[f"sources with {kind}"] = Slice(metric, metric.statistics(outputs, folded)[lines])
    return {name: one for name, one in slices.items() if len(one.counts)}


def score_slices(frame: pd.DataFrame, language: str, params: EvaluationParams) -> dict[str, dict[str, Any]]:
    """The score of each slice of the gate set, for people to read; lines of a kind by chrF, which short lines have too.

    Args:
        frame: as :func:`cut_slices` takes it, with the column references.
        language: of the predictions.
        params: how the intervals are made.

    Returns:
        For each slice ``metric`` (its label), ``lines``, ``score``, ``low`` and ``high`` (the 95 % interval); the three
        are None where the score says nothing.
    """
    metric, references = metric_of("chrf", language), frame["references"].tolist()
    counts = metric.statistics(frame["prediction"].tolist(), references)
    scores = {}
    for name, one in cut_slices(frame, references, metric, counts).items():
        found = summarize(one.metric, one.counts, params.bootstrap_samples, params.seed)
        numbers = {
            key: found[one.metric.name + end] for key, end in (("score", ""), ("low", "_low"), ("high", "_high"))
        }
        scores[name] = {"metric": one.metric.label, "lines": len(one.counts)} | numbers
    return scores


def _kinds_of_line(frame: pd.DataFrame) -> dict[str, Lines]:
    lengths = np.array([count_words(source) for source in frame["source"]])
    short, long = np.quantile(lengths, QUARTERS) if len(lengths) else (0, 0)
    kinds = {"short sources": lengths < short, "long sources": lengths > long}
    if "origin" in frame and frame["origin"].nunique() > 1:
        for origin in sorted(frame["origin"].unique()):
            kinds[f"corpus {origin}"] = (frame["origin"] == origin).to_numpy()
    return kinds
