"""The versions of a registered model: which one is champion, and which was before.

:mod:`registry.judging` says what a version may become; here it becomes it. The aliases are what everything reads; the
ledger explains them.
"""

import textwrap
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from registry.ledger import (
    BY_HAND,
    CHALLENGER,
    CHAMPION,
    FORCED,
    FOUND,
    KEPT,
    RELEASED,
    ROLLED_BACK,
    WERE_JUDGED,
    WERE_RELEASED,
    WERE_ROLLED_BACK,
    Change,
    Entry,
    holders,
    line_of_champions,
    parts_without_entry,
    read_entries,
    reigns,
    time_after,
    who_acts,
    write_entry,
)
from registry.turns import Turn, remove_sign, signs_of, take_turn
from seq2seq.core.errors import UserError
from seq2seq.core.redaction import redact

GATE_DIGEST, GATE_BLEU, LANGUAGE = "set_sha256.gate", "gate_bleu", "target_language"  # written by registry.record
NON_COMMERCIAL = "non_commercial"  # likewise: the corpora whose licence forbids commercial use; absent without any
UNKNOWN_START = "unknown_start"  # likewise: the bundle that it goes on from, where that wasn't registered here
LEARNED_NOTHING = "learned_nothing"  # likewise: both losses in words; absent where the training beats guessing
FLOAT32_BUNDLE = "float32_bundle_sha256"  # likewise: the digest of what lies among the run's artifacts as FLOAT32
FLOAT32 = "float32"
UNDEFINED = "undefined"  # what GATE_BLEU says of such a score
# tags of versions from before there was a ledger: when one became champion, when that was rolled back, what was decided
RELEASED_TAG, ROLLED_BACK_TAG, DECISION_TAG = "released", "rolled_back", "decision"


Planned = TypeVar("Planned", bound=Change | None)


class RegisteredModel:
    """The versions of one name in the registry, as it was read last; every change goes to the registry at once."""

    def __init__(self, client: Any, name: str, flow: Mapping[str, str] | None = None) -> None:
        """Read the versions, their aliases and the ledger.

        Args:
            client: of MLflow.
            name: of the registered model.
            flow: what the ledger says of the flow run that decides, where one does.

        Raises:
            UserError: no version was registered under this name.
        """
        self.client, self.name = client, name
        self.who = who_acts() | dict(flow or {})
        self.read()

    def read(self) -> None:
        """Read the registry again."""
        from mlflow.exceptions import MlflowException

        self.versions: dict[int, Any] = {}
        try:
            model = self.client.get_registered_model(self.name)
            found = self.client.search_model_versions(f"name = '{self.name}'")
            self.versions = {int(one.version): one for one in found}
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
        if not self.versions:
            known = ", ".join(model.name for model in self.client.search_registered_models())
            raise UserError(
                f"no version of '{self.name}' is registered; "
                + (f"known models: {known} (choose one with --name or --model)" if known else "run the pipeline first")
            )
        self._take(model)

    def version(self, number: int) -> Any:
        """One version; a UserError where there is none of that number."""
        if number not in self.versions:
            raise UserError(
                f"'{self.name}' has no version {number}; it has {', '.join(map(str, sorted(self.versions)))}"
            )
        return self.versions[number]

    def tag(self, number: int, key: str) -> str:
        """What registration recorded of a version under ``key``; empty where nothing."""
        return str(self.versions[number].tags.get(key, ""))

    def released(self) -> list[int]:
        """Every version that ever was champion and still exists, in the order of their last releases."""
        found = [number for entry in self.entries if entry.what == FOUND for number in entry.evidence[WERE_RELEASED]]
        since = [reign.version for reign in reigns(self.entries)]
        place = {number: place for place, number in enumerate(found + since)}
        return [number for number in sorted(place, key=lambda number: place[number]) if number in self.versions]

    def decided(self, number: int) -> Entry | None:
        """The last decision about a version; none where it was never judged."""
        about = [
            entry
            for entry in self.entries
            if entry.version == number or (entry.what == FOUND and number in entry.evidence[WERE_JUDGED])
        ]
        return about[-1] if about else None

    def release(self, number: int, reason: str, evidence: Mapping[str, Any], *, forced: bool = False) -> Change:
        """The change that makes a version champion."""
        aliases: dict[str, int | None] = {CHAMPION: number}
        if self.aliases.get(CHALLENGER) == number:
            aliases[CHALLENGER] = None
        return Change(FORCED if forced else RELEASED, number, aliases, reason, evidence, forced)

    def keep(self, number: int, reason: str, evidence: Mapping[str, Any]) -> Change:
        """The change that makes a version challenger."""
        return Change(KEPT, number, {CHALLENGER: number}, reason, evidence)

    def roll_back(self) -> Change:
        """The change that makes the champion's predecessor champion again.

        Raises:
            UserError: there is no champion, or it has no predecessor.
        """
        champion = self.aliases.get(CHAMPION)
        if champion is None:
            raise UserError(f"'{self.name}' has no champion; promote a version first")
        earlier = [number for number in line_of_champions(self.entries)[:-1] if number in self.versions]
        if not earlier:
            raise UserError(f"version {champion} of '{self.name}' has no predecessor to go back to")
        return Change(ROLLED_BACK, champion, {CHAMPION: earlier[-1]}, f"back to version {earlier[-1]}")

    def change(self, plan: Callable[[], Planned]) -> Planned:
        """Decide, enter the decision into the ledger, and move the aliases; return what ``plan`` returned.

        Args:
            plan: decides by what was read; None changes nothing. It may take long, so it has no turn, and is asked
                again where somebody changed the registry meanwhile.
        """
        while True:
            self.mend()
            seen = self._state()
            change = plan()
            if change is None:
                return change
            with take_turn(self.client, self.name) as turn:
                self._take(turn.model)
                if not turn.left and self._state() == seen:
                    self._move(turn, self._enter(turn, change))
                    return change
            self.read()

    def mend(self) -> None:
        """Finish what a dead process left half done, and enter what was moved by hand since the last command."""
        if not (signs_of(self.tags) or parts_without_entry(self.tags) or self.missing()):
            return
        with take_turn(self.client, self.name) as turn:
            self._take(turn.model)
            for tag in parts_without_entry(self.tags):
                self.client.delete_registered_model_tag(self.name, tag)
            if self.entries and self.entries[-1].turn in turn.left:
                self._move(turn, self.entries[-1])
            for key in turn.left:
                remove_sign(self.client, self.name, key)
            for change in self.missing():
                self._enter(turn, change)
        self.read()  # without the signs, and with the versions that came since

    def mend_if_allowed(self) -> list[str]:
        """The same, for who only wants to read; return in words what could not be entered, and why."""
        from mlflow.exceptions import MlflowException

        try:
            self.mend()
        except (MlflowException, UserError) as error:
            why = textwrap.shorten(redact(str(error)), 200)
            if signs_of(self.tags):
                lacking = "a change that another process left half done, or is about to make"
            else:
                lacking = "; ".join(f"{change.what}: {change.reason}" for change in self.missing())
            return [f"not entered into the ledger: {lacking} ({why})"]
        return []

    def missing(self) -> list[Change]:
        """What the ledger lacks: all, in a registry without one; else what was moved by hand, as far as one can see."""
        if not self.entries:
            return self._found()
        told = holders(self.entries)
        moved = {alias: (told.get(alias), self.aliases.get(alias)) for alias in (CHAMPION, CHALLENGER)}
        return [
            Change(BY_HAND, after or before or 0, {alias: after}, _describe_move(alias, before, after))
            for alias, (before, after) in moved.items()
            if before != after
        ]

    def _found(self) -> list[Change]:
        """What the aliases say, and the tags of versions that were judged before there was a ledger."""
        aliases = {alias: self.aliases.get(alias) for alias in (CHAMPION, CHALLENGER)}
        tagged = {
            tag: {number: self.tag(number, tag) for number in sorted(self.versions) if self.tag(number, tag)}
            for tag in (DECISION_TAG, RELEASED_TAG, ROLLED_BACK_TAG)
        }
        judged = sorted({number for number in aliases.values() if number} | tagged[DECISION_TAG].keys())
        if not judged:
            return []
        when = tagged[RELEASED_TAG]
        evidence = {
            WERE_JUDGED: judged,
            WERE_RELEASED: sorted(when, key=lambda number: when[number]),
            WERE_ROLLED_BACK: list(tagged[ROLLED_BACK_TAG]),
        }
        reason = "no ledger was kept before; how it came so can't be told"
        return [Change(FOUND, aliases[CHAMPION] or judged[-1], aliases, reason, evidence)]

    def _take(self, model: Any) -> None:
        self.aliases = {alias: int(number) for alias, number in model.aliases.items()}
        self.tags = dict(model.tags)
        self.entries = read_entries(self.tags)

    def _state(self) -> tuple[Any, ...]:
        """What a decision depends on and others may change."""
        return self.entries, self.aliases.get(CHAMPION), self.aliases.get(CHALLENGER)

    def _enter(self, turn: Turn, change: Change) -> Entry:
        """Add a change to the ledger: from then on it holds, whatever becomes of this process."""
        turn.check()
        before = holders(self.entries)
        entry = Entry(
            when=time_after(self.entries[-1].when if self.entries else None),
            what=change.what,
            version=change.version,
            moves={
                alias: (before.get(alias), after)
                for alias, after in change.aliases.items()
                if before.get(alias) != after
            },
            who=self.who,
            reason=change.reason,
            evidence=change.evidence,
            forced=change.forced,
            turn=turn.key,
        )
        turn.entered = True
        write_entry(self.client, self.name, entry)
        self.entries.append(entry)
        return entry

    def _move(self, turn: Turn, entry: Entry) -> None:
        """Move the aliases as an entry says: first those that are given, so that there is always a champion."""
        for alias, (before, after) in sorted(entry.moves.items(), key=lambda move: move[1][1] is None):
            if self.aliases.get(alias) != before or (after is not None and after not in self.versions):
                continue  # it is done, or somebody went on by hand, which is entered as such
            turn.check()
            if after is None:
                self.client.delete_registered_model_alias(self.name, alias)
                del self.aliases[alias]
            else:
                self.client.set_registered_model_alias(self.name, alias, str(after))
                self.aliases[alias] = after


def _describe_move(alias: str, before: int | None, after: int | None) -> str:
    what = f"taken from version {before}" if after is None else f"given to version {after}"
    return f"{alias} was {what}, not by a command of ours; MLflow doesn't keep when, or by whom"
