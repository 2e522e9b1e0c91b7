import math
import random

import numpy as np
import pytest

from seq2seq.metrics import resampling
from seq2seq.metrics.resampling import interval, paired_difference, resampled_scores
from seq2seq.metrics.string_metrics import metric_of

NAMES = ["bleu", "chrf", "ter", "exact_match"]
TEXT = "Der kleine Hund läuft schnell über die grüne Wiese und bellt laut , weil er Angst vor Katzen hat"
WORDS = TEXT.split()
LINES = 40


def damage(lines: list[str], share: float, seed: int) -> list[str]:
    """Drop some of the words, as a system of that quality might."""
    rng = random.Random(seed)
    return [" ".join(word for word in line.split() if rng.random() > share) for line in lines]


def references() -> list[list[str]]:
    rng = random.Random(1)
    first = [" ".join(rng.choices(WORDS, k=rng.randint(4, 15))) for _ in range(LINES)]
    return [list(texts) for texts in zip(first, damage(first, 0.3, seed=2), strict=True)]


REFERENCES = references()
BEST = [texts[0] for texts in REFERENCES]
GOOD, BAD = damage(BEST, 0.05, seed=3), damage(BEST, 0.3, seed=4)


def plain_loop(name: str, system: list[str], samples: int, seed: int) -> list[float]:
    """Scores of resampled lines, each time counted anew from the texts."""
    rng = np.random.default_rng(seed)
    metric = metric_of(name, "de")
    scores = []
    for _ in range(samples):
        rows = rng.integers(LINES, size=LINES)
        counts = metric.statistics([system[row] for row in rows], [REFERENCES[row] for row in rows])
        scores.append(float(metric.score(counts.sum(axis=0))))
    return scores


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at_once", [1, 3 * LINES, 10**6])
def test_resampled_scores_are_those_of_a_plain_loop_however_many_are_drawn_at_once(name, at_once, monkeypatch):
    monkeypatch.setattr(resampling, "WEIGHTS_AT_ONCE", at_once)
    metric = metric_of(name, "de")
    counts = [metric.statistics(system, REFERENCES) for system in (GOOD, BAD)]
    found = resampled_scores(metric, counts, samples=25, seed=7)
    expected = [plain_loop(name, system, 25, seed=7) for system in (GOOD, BAD)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_difference_is_that_of_the_same_resampled_lines_and_above_0_where_ours_is_better(name):
    metric = metric_of(name, "de")
    good, bad = (metric.statistics(system, REFERENCES) for system in (GOOD, BAD))
    found = paired_difference(metric, good, bad, samples=50, seed=6)
    loop = np.array(plain_loop(name, GOOD, 50, seed=6)) - plain_loop(name, BAD, 50, seed=6)
    sign = -1 if name == "ter" else 1
    assert (found.low, found.high) == pytest.approx(interval(sign * loop))
    assert 0 < found.low < found.delta < found.high
    back = paired_difference(metric, bad, good, samples=50, seed=6)
    assert back[:3] == pytest.approx((-found.delta, -found.high, -found.low))
    assert paired_difference(metric, good, good, samples=50, seed=6)[:3] == (0, 0, 0)


@pytest.mark.parametrize("name", ["bleu", "chrf", "exact_match"])
def test_two_scores_of_0_are_no_difference_of_0(name):
    metric = metric_of(name, "de")
    ours, theirs = (metric.statistics([mark] * LINES, REFERENCES) for mark in "`~")
    found = paired_difference(metric, ours, theirs, samples=50, seed=1)
    assert math.isnan(found.delta)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.undefined
    good = metric.statistics(GOOD, REFERENCES)
    one = paired_difference(metric, good, theirs, samples=50, seed=1)
    assert not one.undefined
    assert one.low > 0


def test_two_perfect_systems_are_equal_where_lower_is_better():
    metric = metric_of("ter", "de")
    best = metric.statistics(BEST, REFERENCES)
    assert paired_difference(metric, best, best, samples=50, seed=1) == (0, 0, 0, "")


def test_systems_of_different_length_are_refused():
    metric = metric_of("bleu", "de")
    counts = metric.statistics(GOOD, REFERENCES)
    with pytest.raises(ValueError, match="of 40 and of 39 lines"):
        paired_difference(metric, counts, counts[1:], samples=50, seed=1)
