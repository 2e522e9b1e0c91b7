"""What a version may become: what the registry knows of it, put before the release gate.

The first version of a name becomes champion. A later one becomes challenger, and champion only if the gate finds it no
worse than the champion and than the best version ever released. Whatever it stands against, a version stays challenger
that learned nothing, is over a limit, or is no better than copying the source or giving the translation of the nearest
training sentence.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from registry.deleted import DeletedError, has_model
from registry.gate_outputs import FLOAT32, recorded_outputs, translate_again
from registry.ledger import CHALLENGER, CHAMPION
from registry.versions import GATE_DIGEST, LANGUAGE, LEARNED_NOTHING, NON_COMMERCIAL, UNKNOWN_START, RegisteredModel
from seq2seq.evaluation.held_out import NEAREST
from seq2seq.metrics.external import ScorerParams
from seq2seq.metrics.string_metrics import LABELS
from seq2seq.release.params import ReleaseParams

if TYPE_CHECKING:
    import pandas as pd

    from seq2seq.metrics.metric import FloatArray, Metric
    from seq2seq.release.gate import Comparison

THE_CHAMPION, THE_BEST = "the champion", "the best ever released"


@dataclass(frozen=True)
class Decision:
    """What becomes of a version, and why."""

    version: int
    alias: str  # champion or challenger; empty where another version took the alias over since
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)  # the same in numbers, as JSON has them


def judge(model: RegisteredModel, number: int, params: ReleaseParams, scorers: Sequence[ScorerParams] = ()) -> Decision:
    """Decide what a version may become, changing nothing.

    Args:
        model: of the registry.
        number: the version.
        params: what its release depends on.
        scorers: other programs, one of which may be the gate's metric.

    Raises:
        UserError: there is no such metric, or a scorer fails.
    """
    if reason := unfit(model, number, params):
        return Decision(number, CHALLENGER, reason)
    try:
        return _Court(model, number, params, scorers).decide()
    except DeletedError as error:
        return Decision(number, CHALLENGER, str(error))


def unfit(model: RegisteredModel, number: int, params: ReleaseParams) -> str:
    """Why a version can't become champion whatever its outputs are, in words; empty where it can."""
    if nothing := model.tag(number, LEARNED_NOTHING):
        return f"its training learned nothing: {nothing}"
    if params.require_commercial and (corpora := model.tag(number, NON_COMMERCIAL)):
        return f"it learned from {corpora}, whose licence forbids commercial use (release.require_commercial)"
    if params.require_commercial and (bundle := model.tag(number, UNKNOWN_START)):
        return (
            f"it goes on from bundle {bundle[:8]}, which isn't registered here: which licences bind that, nobody can "
            "tell (release.require_commercial)"
        )
    return "; ".join(_over_limits(model, number, params))


def _over_limits(model: RegisteredModel, number: int, params: ReleaseParams) -> list[str]:
    """The limits that a version exceeds, each in words."""
    limits = {name: limit for name, limit in params.limits.model_dump().items() if limit}
    if not limits:
        return []
    measured = _recorded_metrics(model, number)
    over = []
    for name, limit in limits.items():
        value = measured.get(f"speed/int8/{name}")
        if value is None:
            over.append(f"its {name} was not measured, and release.limits.{name} is {limit:g}")
        elif value > limit:
            over.append(f"its {name} is {value:g}, over release.limits.{name} of {limit:g}")
    return over


class _Court:
    """The outputs of one candidate, and those that it has to meet on the same lines."""

    def __init__(
        self, model: RegisteredModel, number: int, params: ReleaseParams, scorers: Sequence[ScorerParams]
    ) -> None:
        from seq2seq.metrics.scores import find_metric

        self.model, self.number, self.params = model, number, params
        self.ours = recorded_outputs(model, number)
        self.references = self.ours["references"].tolist()
        sources = self.ours["source"].tolist()
        self.metric: Metric = find_metric(params.metric, model.tag(number, LANGUAGE), scorers, sources)
        self.counts = self._count(self.ours["prediction"].tolist())
        self.left_out: list[str] = []  # in words, what there was nothing to compare with
        self.evidence: dict[str, Any] = {
            "metric": self.metric.label,
            "score": self._score(self.counts),
            "lines": len(self.ours),
            "gate_set_sha256": model.tag(number, GATE_DIGEST),
        }

    def decide(self) -> Decision:
        """Hear all sides."""
        if reason := self._says_nothing() or self._below_floor():
            return self._decision(CHALLENGER, [reason])
        if met := self._meet():
            return self._weigh(met)
        return self._decision(CHAMPION, ["no released version stands against it"])

    def _decision(self, alias: str, reasons: list[str]) -> Decision:
        return Decision(self.number, alias, "; ".join([*reasons, *self.left_out]), self.evidence)

    def _count(self, outputs: list[str]) -> "FloatArray":
        return self.metric.statistics(outputs, self.references)

    def _score(self, counts: "FloatArray") -> float:
        return round(float(self.metric.score(counts.sum(axis=0))), 2)

    def _says_nothing(self) -> str:
        what = f"its {self.metric.label} on the gate set"
        if reason := self.metric.why_undefined(self.counts.sum(axis=0)):
            return f"{what} is undefined: {reason}"
        starts_at_0 = self.params.metric in LABELS and self.metric.higher_is_better
        if starts_at_0 and not self.evidence["score"] > 0:
            return f"{what} is 0, which says nothing of how good it is"
        return ""

    def _below_floor(self) -> str:
        """Why nobody needs this model: something that learned nothing does as well."""
        floors = {"copying the source": self.ours["source"].tolist()}
        nearest = "giving the translation of the nearest training sentence"
        try:
            beside = recorded_outputs(self.model, self.number, FLOAT32)
            floors[nearest] = beside[NEAREST].tolist()
        except (DeletedError, KeyError):
            self.left_out.append(f"how well {nearest} would do was not recorded")
        sign = 1 if self.metric.higher_is_better else -1
        for what, outputs in floors.items():
            floor = self._score(self._count(outputs))
            self.evidence.setdefault("floors", {})[what] = floor
            if not sign * (self.evidence["score"] - floor) > 0:
                return (
                    f"it is no better than {what}: {self.metric.label} {self.evidence['score']:.1f} on the gate set, "
                    f"against {floor:.1f}"
                )
        return ""

    def _meet(self) -> "dict[int, Opponent]":
        """The opponents by version; those who left nothing to compare with are left out.

        Raises:
            DeletedError: the champion can't be heard, and yet its model is there.
        """
        met = {}
        for other, role in opponents(self.model, self.number, self.metric).items():
            try:
                met[other] = Opponent(role, self._outputs_of(other))
            except DeletedError as error:
                told = f"version {other}, {role}, can't be compared: {error}"
                if role == THE_CHAMPION and has_model(self.model.client, self.model.version(other)):
                    raise DeletedError(f"{told}; it stays champion unless you promote with --force") from None
                self.left_out.insert(0, told)  # it weighs more than an unknown floor
        return met

    def _outputs_of(self, other: int) -> "pd.DataFrame":
        """Of another version, on the candidate's gate set: as recorded, or else translated again."""
        model = self.model
        if model.tag(other, GATE_DIGEST) == model.tag(self.number, GATE_DIGEST):
            try:
                return recorded_outputs(model, other)
            except DeletedError:
                if not has_model(model.client, model.version(other)):
                    raise
        return translate_again(model, other, self.ours)

    def _weigh(self, met: "dict[int, Opponent]") -> Decision:
        from seq2seq.release.gate import Answer, describe, describe_power, overall, worse_slices

        params = self.params
        label = self.metric.label
        theirs = {other: self._count(opponent.outputs["prediction"].tolist()) for other, opponent in met.items()}
        found = {other: self._compare(self.metric, self.counts, counts) for other, counts in theirs.items()}
        said = [
            describe(one, label, f"version {other}, {met[other].role}", params.margin, params.confidence)
            for other, one in sorted(found.items())
        ]
        against = {str(other): {"role": met[other].role} | _numbers(one) for other, one in found.items()}
        answers = [one.answer(params.margin) for one in found.values()]
        first = max(found, key=lambda other: met[other].role == THE_CHAMPION)
        slices = self._slices(met[first].outputs, theirs[first])
        self.evidence |= {"against": against, "slices": {name: _numbers(one) for name, one in slices.items()}}
        for name in worse_slices(slices, params.confidence):
            worse = f"{slices[name].delta:+.2f} on {slices[name].lines:,} lines"
            said.append(f"clearly worse than version {first} on the slice '{name}': {worse}")
            answers.append(Answer.WORSE)
        if not found[first].undefined:
            said.append(describe_power(found[first], label))
        answer = overall(answers)
        self.evidence["answer"] = str(answer)
        if answer is Answer.CANNOT_TELL:
            return self._decision(params.undecided, [*said, f"release.undecided makes it {params.undecided}"])
        return self._decision(CHAMPION if answer is Answer.NO_WORSE else CHALLENGER, said)

    def _slices(self, theirs: "pd.DataFrame", counts: "FloatArray") -> "dict[str, Comparison]":
        from seq2seq.evaluation.slices import cut_slices

        ours = cut_slices(self.ours, self.references, self.metric, self.counts)
        lines = self.ours.filter(["source", "origin"])  # so that both are cut alike
        others = cut_slices(theirs.assign(**lines), self.references, self.metric, counts)
        return {
            name: self._compare(one.metric, one.counts, others[name].counts)
            for name, one in ours.items()
            if name in others
        }

    def _compare(self, metric: "Metric", ours: "FloatArray", theirs: "FloatArray") -> "Comparison":
        from seq2seq.release.gate import compare

        params = self.params
        return compare(
            metric, ours, theirs, confidence=params.confidence, samples=params.bootstrap_samples, seed=params.seed
        )


class Opponent(NamedTuple):
    """An earlier version that a candidate has to meet, and its outputs on the candidate's gate set."""

    role: str
    outputs: "pd.DataFrame"


def opponents(model: RegisteredModel, number: int, metric: "Metric") -> dict[int, str]:
    """The versions that a candidate has to meet, each with its role: the champion, and the best ever released.

    The best is searched among those that were scored on the candidate's gate set.
    """
    roles = {}
    comparable = {
        other: score
        for other in model.released()
        if other != number
        and model.tag(other, GATE_DIGEST) == model.tag(number, GATE_DIGEST)
        and math.isfinite(score := _recorded_score(model, other, metric))
    }
    if comparable:
        roles[max(comparable, key=lambda other: comparable[other])] = THE_BEST
    if (champion := model.aliases.get(CHAMPION)) not in (None, number):
        roles[champion] = THE_CHAMPION
    return roles


def _recorded_score(model: RegisteredModel, number: int, metric: "Metric") -> float:
    """Of a version on its gate set; not a number where it is unknown, and negative where less is better."""
    score = _recorded_metrics(model, number).get(f"int8/gate/{metric.name}", math.nan)
    return score if metric.higher_is_better else -score


def _recorded_metrics(model: RegisteredModel, number: int) -> dict[str, float]:
    """Of the run that a version was made of; none where it was deleted, or there never was one."""
    from mlflow.exceptions import MlflowException

    run_id = model.version(number).run_id
    try:
        return dict(model.client.get_run(run_id).data.metrics) if run_id else {}
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}


def _numbers(comparison: "Comparison") -> dict[str, Any]:
    """A comparison as JSON has it: rounded, and without what is not a number."""
    rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(comparison).items()}
    return {key: value for key, value in rounded.items() if value != "" and value == value}  # noqa: PLR0124 -- NaN
