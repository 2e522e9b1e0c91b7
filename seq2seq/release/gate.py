"""The release gate: may a new model replace the one in use? Three answers, from numbers alone.

A candidate is compared with each version that it has to meet, on the same resampled lines of the gate set (paired
bootstrap, Koehn 2004). Worse by less than ``margin`` counts as good enough, so the question is one of
non-inferiority: with the probability ``confidence``, is the true difference above minus the margin?

- NO_WORSE: the lower bound of the difference is above minus the margin, and its upper bound isn't below 0.
- WORSE: its upper bound is below 0. More lines make the gate stricter: a loss that can be seen isn't accepted.
- CANNOT_TELL: neither. ``further_lines`` says how many more lines would decide.

A candidate that is worse by the whole margin passes with a probability of about 1 - ``confidence``, whatever the size
of the set. How often an equal one passes depends on the size: docs/gate.md says more.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from seq2seq.metrics.metric import FloatArray, Metric
from seq2seq.metrics.resampling import resampled_scores, why_incomparable

TWO_SIDED_95 = 1.96  # standard deviations on each side of a difference that is just visible
FEWEST_LINES = 30  # of a slice; what fewer lines say is chance


class Answer(IntEnum):
    """What the gate says, from good to bad: of several answers the largest counts."""

    NO_WORSE = 0
    CANNOT_TELL = 1
    WORSE = 2

    def __str__(self) -> str:
        return {0: "no worse", 1: "cannot tell", 2: "worse"}[self.value]


@dataclass(frozen=True)
class Comparison:
    """One system's score minus another's, in points of a metric; positive where the first one is better."""

    delta: float
    low: float  # the true difference is above it with the probability `confidence`
    high: float  # and below this one likewise
    spread: float  # standard deviation of the difference, had other lines been drawn
    p_worse: float  # share of resamples in which the first one isn't worse: small where it clearly is
    lines: int
    undefined: str = ""  # why nothing can be said, in words

    @classmethod
    def of(cls, delta: float, resampled: FloatArray, lines: int, confidence: float) -> "Comparison":
        """Summarize a difference.

        Args:
            delta: of the scores on the whole set.
            resampled: (samples,) the same on resampled sets.
            lines: of the set.
            confidence: probability of each bound by itself, such as 0.95.
        """
        if not lines:
            return cls.nothing("the set has no lines")
        if not (math.isfinite(delta) and np.isfinite(resampled).all()):
            return cls.nothing("the metric is undefined on this set", lines)
        low, high = np.quantile(resampled, [1 - confidence, confidence])
        p_worse = (1 + int((resampled >= 0).sum())) / (1 + len(resampled))
        return cls(delta, float(low), float(high), float(resampled.std()), p_worse, lines)

    @classmethod
    def nothing(cls, reason: str, lines: int = 0) -> "Comparison":
        """A comparison that says nothing, and why."""
        return cls(math.nan, math.nan, math.nan, math.nan, math.nan, lines, reason)

    def answer(self, margin: float) -> Answer:
        """What the difference says of the first system."""
        if self.undefined:
            return Answer.CANNOT_TELL
        if self.high < 0:
            return Answer.WORSE
        return Answer.NO_WORSE if self.low > -margin else Answer.CANNOT_TELL

    @property
    def visible(self) -> float:
        """The smallest difference that a set of this size can show, at 95 %, in points."""
        return TWO_SIDED_95 * self.spread

    def further_lines(self, margin: float) -> int | None:
        """How many more lines would decide, if they are like these; None where that can't be said.

        The distance of a bound from the difference shrinks with the root of the number of lines.
        """
        if self.answer(margin) is not Answer.CANNOT_TELL or self.undefined:
            return None
        needed = []
        if self.delta > -margin:  # then the lower bound will pass
            needed.append(self.lines * ((self.delta - self.low) / (self.delta + margin)) ** 2)
        if self.delta < 0:  # then the upper bound will fall below 0
            needed.append(self.lines * ((self.high - self.delta) / self.delta) ** 2)
        return max(1, math.ceil(min(needed)) - self.lines) if needed else None


def compare(
    metric: Metric, ours: FloatArray, theirs: FloatArray, *, confidence: float, samples: int, seed: int
) -> Comparison:
    """Compare two systems by their counts (lines, K) on the same lines.

    Args:
        metric: what the counts are of.
        ours: of the candidate.
        theirs: of the system that it has to meet.
        confidence: see :meth:`Comparison.of`.
        samples: resamples of the lines.
        seed: of the draws.
    """
    lines = len(ours)
    if not lines:
        return Comparison.nothing("the set has no lines")
    if reason := why_incomparable(metric, ours.sum(axis=0), theirs.sum(axis=0)):
        return Comparison.nothing(reason, lines)
    sign = 1 if metric.higher_is_better else -1
    delta = sign * float(metric.score(ours.sum(axis=0)) - metric.score(theirs.sum(axis=0)))
    first, second = resampled_scores(metric, [ours, theirs], samples, seed)
    return Comparison.of(delta, sign * (first - second), lines, confidence)


def worse_slices(slices: Mapping[str, Comparison], confidence: float) -> list[str]:
    """The slices on which the first system is clearly worse, however many slices were looked at.

    Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure": with the probability ``confidence`` no slice
    of an equal system is named. Slices of fewer than FEWEST_LINES lines, or without a defined score, are left out.
    """
    told = {name: one for name, one in slices.items() if not one.undefined and one.lines >= FEWEST_LINES}
    worse = []
    for rank, name in enumerate(sorted(told, key=lambda name: told[name].p_worse)):
        if told[name].p_worse > (1 - confidence) / (len(told) - rank):
            break
        worse.append(name)
    return worse


def overall(answers: Sequence[Answer]) -> Answer:
    """The answer of a gate with several opponents: the worst one."""
    return max(answers, default=Answer.NO_WORSE)


def describe(comparison: Comparison, label: str, against: str, margin: float, confidence: float) -> str:
    """A comparison in words: the difference, what it means, and how many more lines would decide.

    Args:
        comparison: the numbers.
        label: the metric's.
        against: whom the candidate has met.
        margin: of the gate, in points of the metric.
        confidence: of each bound.
    """
    if comparison.undefined:
        return f"{label} against {against} says nothing: {comparison.undefined}"
    answer = comparison.answer(margin)
    told = {
        Answer.NO_WORSE: "no worse",
        Answer.WORSE: "worse",
        Answer.CANNOT_TELL: f"these lines can't tell whether it is worse by {margin:g}",
    }[answer]
    further = comparison.further_lines(margin)
    more = f"; about {further:,} more such lines would" if further else ""
    return (
        f"{comparison.delta:+.2f} {label} against {against}, between {comparison.low:+.2f} and {comparison.high:+.2f} "
        f"({confidence:.0%} sure of each): {told}{more}"
    )


def describe_power(comparison: Comparison, label: str) -> str:
    """What a set of this size can tell, in words."""
    return f"differences below {comparison.visible:.2g} {label} can't be seen on {comparison.lines:,} lines"
