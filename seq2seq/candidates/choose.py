"""Choose the candidate to release: the fastest of those that lose too little to matter.

A candidate is good enough if the 95 % interval of its difference from float32 on the validation set lies above minus
``max_loss``: a loss of that much is ruled out, as the release gate asks of a new version. Test sets never choose, and
the gate set judges promotion.

Speed is a timing, the one thing here that isn't the same when it is done again, so as little as can be hangs on it:

- It can't release what isn't good enough: quality, which is reproducible, comes first.
- Candidates count as equally fast where the best round of one, times ``as_fast``, reaches the worst round of the
  other: the less quiet the machine, the more are equal. The smallest of them is released, and of equals in size the
  first in the list; neither depends on time.
- The timings are taken once. DVC keeps them as an output, and this choice is a function of that file: who has the
  file, or takes it from a remote, gets the same choice. Timed anew on another machine, another candidate may win, if
  it is about ``as_fast`` times as fast as the next one or if that machine's engine differs; ``choice.candidate`` names
  one, and then no timing decides anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from seq2seq.candidates.measure import FLOAT32, PYTORCH
from seq2seq.candidates.params import AUTO, ChoiceParams
from seq2seq.core.errors import UserError
from seq2seq.metrics.string_metrics import LABELS


@dataclass(frozen=True)
class Choice:
    """The name of the candidate that is released, and why."""

    name: str
    reason: str
    rejected: Mapping[str, str]  # why another one isn't released, by its name
    warning: str = ""


def choose(candidates: Mapping[str, Mapping[str, Any]], params: ChoiceParams) -> Choice:
    """Choose by what :func:`~seq2seq.candidates.measure.measure` found.

    Raises:
        UserError: ``params.candidate`` names none.
    """
    if params.candidate != AUTO:
        if params.candidate not in candidates:
            names = ", ".join(f"'{name}'" for name in candidates)
            raise UserError(f"params.yaml: choice.candidate is '{params.candidate}'; known are {AUTO} and {names}")
        pinned = "choice.candidate names another one"
        others = {name: pinned for name in candidates if name != params.candidate}
        return Choice(params.candidate, "choice.candidate names it", others)
    rejected = {}
    for name, measured in candidates.items():
        if name != FLOAT32 and (reason := why_not_good_enough(measured["difference"][params.metric], params)):
            rejected[name] = reason
    good = {name: measured for name, measured in candidates.items() if name not in rejected}
    name, rank = _fastest(good, params)
    reason = f"it is {rank}"
    for other in good:
        if other != name:
            rejected[other] = f"it is good enough, but {name} is {rank}"
    warning = ""
    if len(good) == 1 and len(candidates) > 1:
        warning = f"no candidate is good enough (choice.max_loss is {params.max_loss:g}), so float32 is released"
        reason = "no other candidate is good enough"
    return Choice(name, reason, rejected, warning)


def why_not_good_enough(difference: Mapping[str, Any], params: ChoiceParams) -> str:
    """Why a candidate with this difference from float32 isn't good enough, in words; empty where it is."""
    label = LABELS[params.metric]
    if reason := difference.get("undefined"):
        return f"its loss in {label} is undefined: {reason}"
    if difference["low"] > -params.max_loss or difference["value"] == difference["low"] == 0:
        return ""
    return (
        f"it may lose {-difference['low']:.2f} {label} ({difference['value']:+.2f}, 95 %: {difference['low']:+.2f} to "
        f"{difference['high']:+.2f}), and choice.max_loss is {params.max_loss:g}"
    )


def _fastest(good: Mapping[str, Mapping[str, Any]], params: ChoiceParams) -> tuple[str, str]:
    """The fastest, or the smallest of those that are as fast, and what it is, in words."""
    speeds = {name: Rate.of(measured["speed"], params.speed) for name, measured in good.items()}
    leader = max(speeds, key=lambda name: speeds[name].median)
    equals = [name for name, rate in speeds.items() if rate.fastest * params.as_fast >= speeds[leader].slowest]
    name = min(equals, key=lambda name: good[name]["speed"]["size_mb"])  # the first of those of one size
    if len(good) == 1:
        return name, "the only candidate that is good enough"
    if len(equals) == 1:
        return name, "the fastest that is good enough"
    sizes = {other: good[other]["speed"]["size_mb"] for other in equals if other != name}
    smaller = min(sizes.values()) > good[name]["speed"]["size_mb"]
    return name, f"as fast as {', '.join(sizes)}, and {'smaller' if smaller else 'no larger, and named first'}"


class Rate(NamedTuple):
    """Sentences a second, of the rounds of one candidate."""

    slowest: float
    median: float
    fastest: float

    @classmethod
    def of(cls, speed: Mapping[str, float], key: str) -> "Rate":
        """Read what was timed: in batches (``sentences_per_second``) or one by one (``latency_ms``)."""
        if key == "latency_ms":
            return cls(*(1000 / speed[name] for name in ("latency_slowest_ms", "latency_ms", "latency_fastest_ms")))
        return cls(speed["slowest"], speed["sentences_per_second"], speed["fastest"])


def engine_speeds(measured: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The content of ``reports/speed.json``: PyTorch, float32 in the fast engine if that knows it, and the released."""
    candidates = measured["candidates"]
    speeds = {FLOAT32: measured[PYTORCH]}
    if candidates[FLOAT32]["speed"] != measured[PYTORCH]:
        speeds["ct2_float32"] = candidates[FLOAT32]["speed"]
    return speeds | {"int8": candidates[name]["speed"]}
