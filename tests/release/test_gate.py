import math
from statistics import NormalDist

import numpy as np
import pytest

from seq2seq.release.gate import FEWEST_LINES, Answer, Comparison, describe, describe_power, overall, worse_slices

CONFIDENCE = 0.95


def comparison(delta, spread, lines=1000, samples=4000):
    """A difference whose resamples are normal: their quantiles are known."""
    quantiles = (np.arange(samples) + 0.5) / samples
    resampled = delta + spread * np.array([NormalDist().inv_cdf(q) for q in quantiles])
    return Comparison.of(delta, resampled, lines, CONFIDENCE)


@pytest.mark.parametrize(
    ("delta", "spread", "answer"),
    [
        (0.0, 0.5, Answer.NO_WORSE),  # low = -0.82
        (0.0, 0.7, Answer.CANNOT_TELL),  # low = -1.15
        (-0.5, 0.25, Answer.WORSE),  # high = -0.09, though low = -0.91 is within the margin
        (-0.5, 0.4, Answer.CANNOT_TELL),  # low = -1.16, high = 0.16
        (-2.0, 0.5, Answer.WORSE),
        (2.0, 0.5, Answer.NO_WORSE),
        (0.0, 0.0, Answer.NO_WORSE),  # the same outputs
    ],
)
def test_the_answer_lies_in_the_bounds(delta, spread, answer):
    assert comparison(delta, spread).answer(margin=1.0) is answer


@pytest.mark.parametrize("nothing", [math.nan, math.inf])
def test_by_a_number_that_is_undefined_nothing_is_decided(nothing):
    for one in (
        Comparison.of(nothing, np.zeros(100), 10, CONFIDENCE),
        Comparison.of(0.0, np.array([0.0, nothing, 0.0]), 10, CONFIDENCE),
        Comparison.of(0.0, np.zeros(100), 0, CONFIDENCE),
    ):
        assert one.undefined
        assert one.answer(margin=1.0) is Answer.CANNOT_TELL
        assert one.further_lines(margin=1.0) is None
        assert worse_slices({"only": one}, CONFIDENCE) == []


def test_a_candidate_that_is_worse_by_the_margin_passes_one_time_in_twenty_and_an_equal_one_as_the_spread_allows():
    rng = np.random.default_rng(1)
    for true, spread, expected in ((-1.0, 0.5, 0.05), (-2.0, 0.5, 0.0), (0.0, 0.5, 0.64), (0.0, 0.3, 0.95)):
        passed = []
        for seen in rng.normal(true, spread, 1000):
            resampled = rng.normal(seen, spread, 1000)
            passed.append(Comparison.of(seen, resampled, 1000, CONFIDENCE).answer(margin=1.0) is Answer.NO_WORSE)
        assert np.mean(passed) == pytest.approx(expected, abs=0.045)


@pytest.mark.parametrize(("delta", "spread"), [(0.0, 0.8), (-0.4, 0.5), (-0.7, 0.6), (0.3, 1.2)])
def test_so_many_further_lines_would_decide_and_fewer_would_not(delta, spread):
    lines = 400
    further = comparison(delta, spread, lines).further_lines(margin=1.0)
    for total, decided in ((lines + further * 1.02, True), (lines + further * 0.98, False)):
        later = comparison(delta, spread * math.sqrt(lines / total), lines)
        assert (later.answer(margin=1.0) is not Answer.CANNOT_TELL) == decided
    assert comparison(0.0, 0.1).further_lines(margin=1.0) is None


def test_differences_that_are_smaller_than_what_is_visible_lie_within_their_own_interval():
    one = comparison(0.0, 0.5)
    assert one.visible == pytest.approx(0.98, abs=0.01)


def test_a_slice_is_named_only_if_it_is_clearly_worse_whatever_the_number_of_slices():
    equal = {f"slice {number}": comparison(0.0, 1.0) for number in range(9)}
    bad = comparison(-3.5, 1.0)
    doubtful = comparison(-1.8, 1.0)  # p = 0.036: enough for one slice, not for ten
    assert worse_slices(equal | {"bad": bad}, CONFIDENCE) == ["bad"]
    assert worse_slices({"doubtful": doubtful}, CONFIDENCE) == ["doubtful"]
    assert worse_slices(equal | {"doubtful": doubtful}, CONFIDENCE) == []
    assert worse_slices({"bad": bad, "doubtful": doubtful}, CONFIDENCE) == ["bad", "doubtful"]
    tiny = comparison(-9.0, 1.0, lines=FEWEST_LINES - 1)
    assert worse_slices({"tiny": tiny}, CONFIDENCE) == []


def test_equal_systems_rarely_have_a_slice_that_is_named():
    rng = np.random.default_rng(2)
    named = 0
    for _ in range(400):
        seen = rng.normal(0, 1, 8)
        slices = {
            str(number): Comparison.of(delta, rng.normal(delta, 1, 1000), 100, CONFIDENCE)
            for number, delta in enumerate(seen)
        }
        named += bool(worse_slices(slices, CONFIDENCE))
    assert 0.02 < named / 400 < 0.08


def test_of_several_opponents_the_worst_answer_counts():
    assert overall([]) is Answer.NO_WORSE
    assert overall([Answer.NO_WORSE, Answer.CANNOT_TELL]) is Answer.CANNOT_TELL
    assert overall([Answer.WORSE, Answer.NO_WORSE, Answer.CANNOT_TELL]) is Answer.WORSE


def test_a_verdict_says_how_many_lines_would_decide_and_what_these_can_tell():
    undecided = comparison(0.48, 0.93, lines=581)
    said = describe(undecided, "BLEU", "version 1, the champion", margin=1.0, confidence=CONFIDENCE)
    further = undecided.further_lines(margin=1.0)
    assert said == (
        "+0.48 BLEU against version 1, the champion, between -1.05 and +2.01 (95% sure of each): "
        f"these lines can't tell whether it is worse by 1; about {further} more such lines would"
    )
    assert describe_power(undecided, "BLEU") == "differences below 1.8 BLEU can't be seen on 581 lines"
    assert describe(comparison(0.1, 0.2), "BLEU", "it", 1.0, CONFIDENCE).endswith(": no worse")
    assert describe(comparison(-0.9, 0.2), "BLEU", "it", 1.0, CONFIDENCE).endswith(": worse")
    nothing = Comparison.nothing("the set has no lines")
    assert describe(nothing, "BLEU", "it", 1.0, CONFIDENCE) == "BLEU against it says nothing: the set has no lines"
