"""The versions of a registered model: which one is champion, and which was before.

:mod:`registry.judging` says what a version may become; here it becomes it.
"""

from datetime import UTC, datetime
from typing import Any

from seq2seq.core.errors import UserError

CHAMPION, CHALLENGER = "champion", "challenger"
GATE_DIGEST, GATE_BLEU, LANGUAGE = "set_sha256.gate", "gate_bleu", "target_language"  # written by registry.record
LEARNED_NOTHING = "learned_nothing"  # likewise: both losses in words; absent where the training beats guessing
UNDEFINED = "undefined"  # what GATE_BLEU says of such a score
# our tags: when a version last became champion, when a rollback ended that, what was decided, and why
RELEASED, ROLLED_BACK, DECISION, REASON = "released", "rolled_back", "decision", "reason"


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

    def tag(self, number: int, key: str) -> str:
        """What registration recorded of a version under ``key``; empty where nothing."""
        return str(self.versions[number].tags.get(key, ""))

    def _set_tag(self, number: int, key: str, value: str) -> None:
        self.client.set_model_version_tag(self.name, str(number), key, value)

    def apply(self, number: int, alias: str, reason: str) -> None:
        """Give a version the alias that was decided. After a kill half-way, deciding and applying again mends it."""
        if alias == CHAMPION:
            self._set_tag(number, RELEASED, datetime.now(UTC).isoformat(timespec="microseconds"))
            if ROLLED_BACK in self.versions[number].tags:
                self.client.delete_model_version_tag(self.name, str(number), ROLLED_BACK)
            if self.aliases.get(CHALLENGER) == number:
                self.client.delete_registered_model_alias(self.name, CHALLENGER)
        self.client.set_registered_model_alias(self.name, alias, str(number))
        self._set_tag(number, REASON, reason)
        self._set_tag(number, DECISION, alias)

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
                "gate BLEU": self.tag(number, GATE_BLEU),
                "released": self.tag(number, RELEASED)[:16],
                "rolled back": self.tag(number, ROLLED_BACK)[:16],
                "decision": self.tag(number, DECISION),
                "reason": self.tag(number, REASON),
            }
            for number in sorted(self.versions)
        ]
