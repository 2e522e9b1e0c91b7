"""Learning rate schedules: a linear warm-up to the peak, then one of several ways down."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """An update, and what its rate may depend on."""

    update: int  # counted from 1
    warmup: int  # updates
    total: int  # updates
    losses: Sequence[float]  # of the validations since the warm-up


def inverse_sqrt(step: Step) -> float:
    """Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 5.3."""
    return math.sqrt(step.warmup / step.update)


def cosine(step: Step) -> float:
    """Half a cosine, to 0 at the last update (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983)."""
    done = (step.update - step.warmup) / max(step.total - step.warmup, 1)
    return (1 + math.cos(math.pi * min(done, 1.0))) / 2


def plateau(step: Step) -> float:
    """Halved by every validation whose loss is not the lowest so far (as in Luong et al. 2015)."""
    lowest = math.inf
    halvings = 0
    for loss in step.losses:
        halvings += loss >= lowest
        lowest = min(lowest, loss)
    return float(0.5**halvings)


def constant(_step: Step) -> float:
    """The peak."""
    return 1.0


SCHEDULES: dict[str, Callable[[Step], float]] = {
    "inverse_sqrt": inverse_sqrt,
    "cosine": cosine,
    "plateau": plateau,
    "constant": constant,
}


def learning_rate(schedule: str, peak: float, step: Step) -> float:
    """The rate of an update."""
    if step.update <= step.warmup:
        return peak * step.update / step.warmup
    return peak * SCHEDULES[schedule](step)
