"""The versions of a registered model: which one is champion, which may become it, and which was before.

The first version of a name becomes champion. A later one becomes challenger, and champion only if the gate set
can't show it to be worse than the champion, nor than the best version ever released. A version of which the gate set
says nothing (its BLEU is undefined or 0), or that learned nothing, stays challenger.
"""

import math
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from seq2seq.core.errors import UserError
from seq2seq.release.params import ReleaseParams, is_no_worse

if TYPE_CHECKING:
    import pandas as pd

    from seq2seq.metrics.scores import Difference

CHAMPION, CHALLENGER = "champion", "challenger"
GATE_DIGEST, GATE_BLEU, LANGUAGE = "set_sha256.gate", "gate_bleu", "target_language"  # written by registry.record
LEARNED_NOTHING = "learned_nothing"  # likewise: both losses in words; absent where the training beats guessing
UNDEFINED = "undefined"  # what GATE_BLEU says of such a score
GATE_PREDICTIONS = "reports/predictions/int8/gate.parquet"
# our tags: when a version last became champion, when a rollback ended that, what was decided, and why
RELEASED, ROLLED_BACK, DECISION, REASON = "released", "rolled_back", "decision", "reason"


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


class RegisteredModel:
    """The versions of one name in the registry, read once; every change goes to the registry at once."""

    def __init__(self, client: Any, name: str) -> None:
        """Read the versions and their aliases.

        Raises:
            UserError: no version was registered under this name.
        """
        from mlflow.exceptions import MlflowException

        self.client, self.name = client, name
        try:
            self.aliases = {alias: int(number) for alias, number in client.get_registered_model(name).aliases.items()}
            self.versions = {int(one.version): one for one in client.search_model_versions(f"name = '{name}'")}
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            self.versions = {}
        if not self.versions:
            known = ", ".join(model.name for model in client.search_registered_models()) or "none"
            raise UserError(f"no version of '{name}' is registered; known models: {known} (choose one with --name)")

    def version(self, number: int) -> Any:
        """One version; a UserError where there is none of that number."""
        if number not in self.versions:
            raise UserError(
                f"'{self.name}' has no version {number}; it has {', '.join(map(str, sorted(self.versions)))}"
            )
        return self.versions[number]

    def released(self) -> list[int]:
        """Every version that ever was champion, in the order of their releases."""
        when = {number: one.tags[RELEASED] for number, one in self.versions.items() if RELEASED in one.tags}
        return sorted(when, key=lambda number: when[number])

    def opponents(self, number: int) -> dict[int, str]:
        """The versions that a candidate has to meet, each with its role: the champion, and the best ever released.

        The best is searched among those that were scored on the candidate's gate set.
        """
        roles = {}
        comparable = [
            other
            for other in self.released()
            if other != number
            and self._tag(other, GATE_DIGEST) == self._tag(number, GATE_DIGEST)
            and self._gate_bleu(other) > 0
        ]
        if comparable:
            roles[max(comparable, key=self._gate_bleu)] = "the best ever released"
        if (champion := self.aliases.get(CHAMPION)) not in (None, number):
            roles[champion] = "the champion"
        return roles

    def _tag(self, number: int, key: str) -> str:
        return str(self.versions[number].tags.get(key, ""))

    def _gate_bleu(self, number: int) -> float:
        """Not a number, and so neither above nor below any, where the score is undefined."""
        score = self._tag(number, GATE_BLEU)
        return math.nan if score in ("", UNDEFINED) else float(score)

    def _unfit(self, number: int) -> str:
        """Why a version can't become champion whatever it stands against, in words; empty where it can."""
        if nothing := self._tag(number, LEARNED_NOTHING):
            return f"its training learned nothing: {nothing}"
        if self._gate_bleu(number) > 0:
            return ""
        what = {"": "not recorded", UNDEFINED: f"{UNDEFINED} (no reference has four words)"}
        score = self._tag(number, GATE_BLEU)
        return f"its BLEU on the gate set is {what.get(score, '0')}, which says nothing of how good it is"

    def _set_tag(self, number: int, key: str, value: str) -> None:
        self.client.set_model_version_tag(self.name, str(number), key, value)

    def gate_predictions(self, number: int) -> "pd.DataFrame":
        """Columns source, target and prediction of a version on its gate set."""
        import pandas as pd

        with tempfile.TemporaryDirectory() as folder:
            path = self.client.download_artifacts(self.versions[number].run_id, GATE_PREDICTIONS, folder)
            return pd.read_parquet(path)

    def judge(self, number: int, params: ReleaseParams) -> Decision:
        """Decide what a version may become, changing nothing."""
        from seq2seq.metrics.scores import paired_bootstrap

        if reason := self._unfit(number):
            return Decision(number, CHALLENGER, reason)
        opponents = self.opponents(number)
        if not opponents:
            return Decision(number, CHAMPION, "no released version stands against it")
        for other in opponents:
            if self._tag(other, GATE_DIGEST) != self._tag(number, GATE_DIGEST):
                return Decision(number, CHALLENGER, f"version {other}, the champion, was scored on another gate set")
        ours = self.gate_predictions(number)
        comparisons = []
        for other, role in sorted(opponents.items()):
            difference = paired_bootstrap(
                ours["prediction"].tolist(),
                self.gate_predictions(other)["prediction"].tolist(),
                ours["target"].tolist(),
                self._tag(number, LANGUAGE),
                samples=params.bootstrap_samples,
                seed=params.seed,
            )
            comparisons.append(Comparison(other, role, difference))
        passed = all(is_no_worse(comparison.difference.low, params.margin) for comparison in comparisons)
        verdict = f"the lower bound {'is' if passed else 'is not'} above -{params.margin:g} everywhere"
        reason = "; ".join([*map(str, comparisons), verdict])
        return Decision(number, CHAMPION if passed else CHALLENGER, reason, comparisons)

    def apply(self, decision: Decision) -> None:
        """Give a version the alias that was decided. After a kill half-way, deciding and applying again mends it."""
        number = decision.version
        if decision.alias == CHAMPION:
            self._set_tag(number, RELEASED, datetime.now(UTC).isoformat(timespec="microseconds"))
            if ROLLED_BACK in self.versions[number].tags:
                self.client.delete_model_version_tag(self.name, str(number), ROLLED_BACK)
            if self.aliases.get(CHALLENGER) == number:
                self.client.delete_registered_model_alias(self.name, CHALLENGER)
        self.client.set_registered_model_alias(self.name, decision.alias, str(number))
        self._set_tag(number, REASON, decision.reason)
        self._set_tag(number, DECISION, decision.alias)

    def settle(self, number: int, params: ReleaseParams) -> Decision:
        """Judge a version once. One that was judged or rolled back before stays what it is."""
        tags = self.version(number).tags
        if DECISION in tags:
            alias = next((alias for alias in (CHAMPION, CHALLENGER) if self.aliases.get(alias) == number), "")
            return Decision(number, alias, f"decided before: {tags[REASON]}")
        decision = self.judge(number, params)
        self.apply(decision)
        return decision

    def roll_back(self) -> tuple[int, int]:
        """Make the champion's predecessor champion again; return the numbers of both.

        Raises:
            UserError: there is no champion, or it has no predecessor.
        """
        champion = self.aliases.get(CHAMPION)
        if champion is None:
            raise UserError(f"'{self.name}' has no champion; promote a version first")
        earlier = [n for n in self.released() if n != champion and ROLLED_BACK not in self.versions[n].tags]
        if not earlier:
            raise UserError(f"version {champion} of '{self.name}' has no predecessor to go back to")
        self._set_tag(champion, ROLLED_BACK, datetime.now(UTC).isoformat(timespec="microseconds"))
        self.client.set_registered_model_alias(self.name, CHAMPION, str(earlier[-1]))
        return champion, earlier[-1]

    def history(self) -> list[dict[str, str]]:
        """One row per version, oldest first."""
        return [
            {
                "version": str(number),
                "alias": ", ".join(sorted(alias for alias, holder in self.aliases.items() if holder == number)),
                "gate BLEU": self._tag(number, GATE_BLEU),
                "released": self._tag(number, RELEASED)[:16],
                "rolled back": self._tag(number, ROLLED_BACK)[:16],
                "decision": self._tag(number, DECISION),
                "reason": self._tag(number, REASON),
            }
            for number in sorted(self.versions)
        ]
