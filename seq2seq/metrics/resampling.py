"""How sure a score is: bootstrap intervals of scores (Koehn 2004), and of differences on the same resampled lines.

Koehn, "Statistical Significance Tests for Machine Translation Evaluation", https://aclanthology.org/W04-3250,
sections 3 and 4. Shapes: N lines, K counts, M resamples.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq.metrics.metric import FloatArray, Metric

PERCENTILES = (2.5, 97.5)  # they enclose 95 %
WEIGHTS_AT_ONCE = 2**21  # held in memory, 8 bytes each


class Difference(NamedTuple):
    """How much better one system is than another on the same lines, and the 95 % bootstrap interval of that.

    Above 0 the first is better, whether the metric's higher or lower scores are. Where the difference is undefined,
    all three numbers are not a number, and so neither above nor below anything.
    """

    delta: float
    low: float
    high: float
    undefined: str = ""  # why, in words


def resampled_scores(metric: Metric, statistics: Sequence[FloatArray], samples: int, seed: int) -> FloatArray:
    """Score systems on resampled lines, each time all on the same: (systems, M).

    Args:
        metric: what the statistics are counts of.
        statistics: of each system, (N, K).
        samples: M, how many sets of N lines are drawn with replacement.
        seed: of the draws.
    """
    side_by_side = np.concatenate(statistics, axis=1)  # (N, systems * K)
    sums = [weights @ side_by_side for weights in _weights(len(side_by_side), samples, seed)]
    by_system = np.concatenate(sums).reshape(samples, len(statistics), -1)  # (M, systems, K)
    return metric.score(by_system).T


def interval(scores: FloatArray) -> tuple[float, float]:
    """The ends of the interval that holds 95 % of resampled scores or differences, (M,)."""
    low, high = np.percentile(scores, PERCENTILES)
    return float(low), float(high)


def paired_difference(metric: Metric, ours: FloatArray, theirs: FloatArray, samples: int, seed: int) -> Difference:
    """How much better ``ours`` is than ``theirs``, the statistics (N, K) of two systems on the same lines.

    Undefined where both scores say nothing, or both are 0, the worst: that doesn't make them equal.

    Raises:
        ValueError: the systems have different numbers of lines.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"systems of {len(ours)} and of {len(theirs)} lines can't be compared")
    if reason := why_incomparable(metric, ours.sum(axis=0), theirs.sum(axis=0)):
        return Difference(math.nan, math.nan, math.nan, reason)
    sign = 1 if metric.higher_is_better else -1
    delta = sign * (metric.score(ours.sum(axis=0)) - metric.score(theirs.sum(axis=0)))
    first, second = resampled_scores(metric, [ours, theirs], samples, seed)
    return Difference(float(delta), *interval(sign * (first - second)))


def why_incomparable(metric: Metric, ours: FloatArray, theirs: FloatArray) -> str:
    """Why two systems' sums (K,) can't be compared, in words; empty where they can."""
    reasons = [metric.why_undefined(sums) for sums in (ours, theirs)]
    if all(reasons):
        return reasons[0]
    both_worst = metric.higher_is_better and not any(map(metric.score, (ours, theirs)))
    return "both score 0" if both_worst else ""


def _weights(lines: int, samples: int, seed: int) -> Iterator[FloatArray]:
    """How often each line is drawn, (at most M, N) at a time; the draws don't depend on how many at a time."""
    rng = np.random.default_rng(seed)
    at_once = max(1, WEIGHTS_AT_ONCE // lines)
    for start in range(0, samples, at_once):
        rows = min(at_once, samples - start)
        drawn = rng.integers(lines, size=(rows, lines)) + lines * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * lines).reshape(rows, lines).astype(np.float64)
