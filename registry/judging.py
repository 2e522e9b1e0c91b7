"""What a version may become: the opponents that it has to meet on the gate set, and the comparisons with them.

The first version of a name becomes champion. A later one becomes challenger, and champion only if the gate set
can't show it to be worse than the champion, nor than the best version ever released. A version of which the gate set
says nothing (its BLEU is undefined or 0), or that learned nothing, stays challenger.
"""

import math
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from registry.ledger import CHALLENGER, CHAMPION
from registry.versions import (
    GATE_BLEU,
    GATE_DIGEST,
    LANGUAGE,
    LEARNED_NOTHING,
    UNDEFINED,
    RegisteredModel,
)
from seq2seq.release.params import ReleaseParams, is_no_worse

if TYPE_CHECKING:
    import pandas as pd

    from seq2seq.metrics.resampling import Difference

GATE_PREDICTIONS = "reports/predictions/int8/gate.parquet"


@dataclass(frozen=True)
class Comparison:
    """A candidate against one earlier version, on the gate set."""

    version: int
    role: str
    difference: "Difference"

    def __str__(self) -> str:
        if self.difference.undefined:
            return f"BLEU against version {self.version}, {self.role}, is undefined: {self.difference.undefined}"
        return (
            f"{self.difference.delta:+.2f} BLEU (95 % interval {self.difference.low:+.2f} to "
            f"{self.difference.high:+.2f}) against version {self.version}, {self.role}"
        )


@dataclass(frozen=True)
class Decision:
    """What became of a version."""

    version: int
    alias: str  # champion or challenger; empty where another version took the alias over since
    reason: str
    comparisons: list[Comparison] = field(default_factory=list)


def opponents(model: RegisteredModel, number: int) -> dict[int, str]:
    """The versions that a candidate has to meet, each with its role: the champion, and the best ever released.

    The best is searched among those that were scored on the candidate's gate set.
    """
    roles = {}
    comparable = [
        other
        for other in model.released()
        if other != number
        and model.tag(other, GATE_DIGEST) == model.tag(number, GATE_DIGEST)
        and _gate_bleu(model, other) > 0
    ]
    if comparable:
        roles[max(comparable, key=lambda other: _gate_bleu(model, other))] = "the best ever released"
    if (champion := model.aliases.get(CHAMPION)) not in (None, number):
        roles[champion] = "the champion"
    return roles


def _gate_bleu(model: RegisteredModel, number: int) -> float:
    """Not a number, and so neither above nor below any, where the score is undefined."""
    score = model.tag(number, GATE_BLEU)
    return math.nan if score in ("", UNDEFINED) else float(score)


def _unfit(model: RegisteredModel, number: int) -> str:
    """Why a version can't become champion whatever it stands against, in words; empty where it can."""
    if nothing := model.tag(number, LEARNED_NOTHING):
        return f"its training learned nothing: {nothing}"
    if _gate_bleu(model, number) > 0:
        return ""
    what = {"": "not recorded", UNDEFINED: UNDEFINED}
    score = model.tag(number, GATE_BLEU)
    return f"its BLEU on the gate set is {what.get(score, '0')}, which says nothing of how good it is"


def gate_predictions(model: RegisteredModel, number: int) -> "pd.DataFrame":
    """Columns source, references and prediction of a version on its gate set."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        path = model.client.download_artifacts(model.versions[number].run_id, GATE_PREDICTIONS, folder)
        return pd.read_parquet(path)


def judge(model: RegisteredModel, number: int, params: ReleaseParams) -> Decision:
    """Decide what a version may become, changing nothing."""
    from seq2seq.metrics.scores import paired_bootstrap

    if reason := _unfit(model, number):
        return Decision(number, CHALLENGER, reason)
    against = opponents(model, number)
    if not against:
        return Decision(number, CHAMPION, "no released version stands against it")
    for other in against:
        if model.tag(other, GATE_DIGEST) != model.tag(number, GATE_DIGEST):
            return Decision(number, CHALLENGER, f"version {other}, the champion, was scored on another gate set")
    ours = gate_predictions(model, number)
    comparisons = []
    for other, role in sorted(against.items()):
        difference = paired_bootstrap(
            ours["prediction"].tolist(),
            gate_predictions(model, other)["prediction"].tolist(),
            ours["references"].tolist(),
            model.tag(number, LANGUAGE),
            samples=params.bootstrap_samples,
            seed=params.seed,
        )
        comparisons.append(Comparison(other, role, difference))
    passed = all(is_no_worse(comparison.difference.low, params.margin) for comparison in comparisons)
    verdict = f"the lower bound {'is' if passed else 'is not'} above -{params.margin:g} everywhere"
    reason = "; ".join([*map(str, comparisons), verdict])
    return Decision(number, CHAMPION if passed else CHALLENGER, reason, comparisons)
