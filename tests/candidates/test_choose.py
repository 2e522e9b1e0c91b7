"""Which candidate is released, from numbers alone."""

import pytest

from seq2seq.candidates.choose import choose, engine_speeds
from seq2seq.candidates.params import ChoiceParams
from seq2seq.core.errors import UserError

CHOICE = {"candidate": "auto", "metric": "bleu", "max_loss": 1.0, "speed": "sentences_per_second", "as_fast": 1.1}


def params(**changes):
    return ChoiceParams(**CHOICE | changes)


def candidate(rate, size, low=0.0, value=0.0, spread=0.02, latency=10.0, undefined=""):
    difference = {"value": value, "low": low, "high": 0.5}
    if undefined:
        difference = {"value": None, "low": None, "high": None, "undefined": undefined}
    speed = {"sentences_per_second": rate, "slowest": rate * (1 - spread), "fastest": rate * (1 + spread)}
    speed |= {"latency_ms": latency, "latency_slowest_ms": latency * 1.02, "latency_fastest_ms": latency * 0.98}
    return {"difference": {"bleu": difference}, "speed": speed | {"size_mb": size}}


FLOAT32 = candidate(100, 4)


@pytest.mark.parametrize(
    ("candidates", "changes", "chosen"),
    [
        ({"int8": candidate(200, 1), "float32": FLOAT32}, {}, "int8"),
        # the fastest loses too much, or nothing can be said of its loss
        ({"bad": candidate(900, 1, low=-1.2, value=-0.5), "int8": candidate(200, 1), "float32": FLOAT32}, {}, "int8"),
        ({"bad": candidate(900, 1, undefined="why"), "int8": candidate(200, 1), "float32": FLOAT32}, {}, "int8"),
        ({"bad": candidate(900, 1, low=-1.2), "float32": FLOAT32}, {"max_loss": 1.3}, "bad"),
        # a smaller one is as fast, whichever was the faster in this run
        ({"large": candidate(110, 3), "int8": candidate(102, 1), "float32": FLOAT32}, {}, "int8"),
        ({"large": candidate(102, 3), "int8": candidate(110, 1), "float32": FLOAT32}, {}, "int8"),
        ({"large": candidate(150, 3), "int8": candidate(102, 1), "float32": FLOAT32}, {}, "large"),
        # a restless machine tells less
        ({"large": candidate(150, 3, spread=0.3), "int8": candidate(102, 1), "float32": FLOAT32}, {}, "int8"),
        # equal in size too: the first of the list
        ({"int8": candidate(101, 1), "int8_float32": candidate(104, 1), "float32": FLOAT32}, {}, "int8"),
        ({"int8_float32": candidate(104, 1), "int8": candidate(101, 1), "float32": FLOAT32}, {}, "int8_float32"),
        # single sentences tell another story
        (
            {"int8": candidate(200, 1, latency=9), "other": candidate(100, 2, latency=3), "float32": FLOAT32},
            {"speed": "latency_ms"},
            "other",
        ),
        # a candidate with the outputs of float32 is good enough where nothing may be lost
        ({"int8": candidate(200, 1), "float32": FLOAT32}, {"max_loss": 0}, "int8"),
        ({"int8": candidate(200, 1), "float32": FLOAT32}, {"candidate": "float32"}, "float32"),
    ],
)
def test_the_fastest_that_is_good_enough_is_released(candidates, changes, chosen):
    choice = choose(candidates, params(**changes))
    assert choice.name == chosen
    assert set(choice.rejected) == set(candidates) - {chosen}
    assert choice.reason
    assert not choice.warning


@pytest.mark.parametrize(("size", "words"), [(1, "smaller"), (4, "no larger, and named first")])
def test_of_equally_fast_ones_the_reason_says_what_counted(size, words):
    choice = choose({"int8": candidate(101, size), "float32": FLOAT32}, params())
    assert choice.reason == f"it is as fast as float32, and {words}"
    assert choice.rejected == {"float32": f"it is good enough, but int8 is as fast as float32, and {words}"}


def test_float32_is_released_with_a_warning_where_none_is_good_enough():
    choice = choose({"int8": candidate(200, 1, low=-1.2, value=-0.7), "float32": FLOAT32}, params())
    assert choice.name == "float32"
    assert "no candidate is good enough" in choice.warning
    assert choice.rejected["int8"].startswith("it may lose 1.20 BLEU (-0.70")


def test_a_candidate_that_was_not_made_cannot_be_named():
    with pytest.raises(UserError, match=r"choice\.candidate is 'int4'; known are auto and 'int8', 'float32'"):
        choose({"int8": candidate(200, 1), "float32": FLOAT32}, params(candidate="int4"))


def test_the_engines_of_the_report_are_told_apart():
    fast = {"candidates": {"int8": candidate(200, 1), "float32": FLOAT32}, "pytorch": {"sentences_per_second": 9.0}}
    assert list(engine_speeds(fast, "int8")) == ["float32", "ct2_float32", "int8"]
    alone = fast | {"pytorch": FLOAT32["speed"]}
    assert list(engine_speeds(alone, "int8")) == ["float32", "int8"]
