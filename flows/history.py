"""What the ledger of a registered model says, in words and tables: its versions, the decisions, who was champion when.

All times are UTC.
"""

from datetime import UTC, datetime

from flows.tables import text_table
from registry.ledger import BY_HAND, CHALLENGER, CHAMPION, FOUND, Entry, Reign, reigns
from registry.versions import GATE_BLEU, RegisteredModel
from seq2seq.core.errors import UserError

NOBODY = "none"
NOTICED = (BY_HAND, FOUND)  # what a command saw, and didn't do


def version_rows(model: RegisteredModel) -> list[dict[str, str]]:
    """One row per version, the oldest first."""
    rows = []
    last = {reign.version: reign for reign in reigns(model.entries)}
    for number in sorted(model.versions):
        reign = last.get(number)
        decided = model.decided(number)
        rows.append(
            {
                "version": str(number),
                "alias": ", ".join(sorted(alias for alias, holder in model.aliases.items() if holder == number)),
                "gate BLEU": model.tag(number, GATE_BLEU),
                "champion since (UTC)": _time(reign.since.when) if reign else "",
                "until (UTC)": _time(reign.until.when) if reign and reign.until else "",
                "last decision": decided.what if decided else "",
                "reason": decided.reason if decided else "",
            }
        )
    return rows


def decision_rows(model: RegisteredModel) -> list[dict[str, str]]:
    """One row per entry of the ledger, the oldest first."""
    return [
        {
            "when (UTC)": _time(entry.when),
            "decision": entry.what,
            "version": str(entry.version),
            CHAMPION: _move(entry, CHAMPION),
            CHALLENGER: _move(entry, CHALLENGER),
            "who": _who(entry),
            "reason": entry.reason,
        }
        for entry in model.entries
    ]


def describe_history(model: RegisteredModel) -> str:
    """Both tables."""
    decisions = text_table(decision_rows(model)) or "the ledger is empty"
    return f"{text_table(version_rows(model))}\n\n{decisions}"


def read_time(text: str) -> datetime:
    """A time in ISO 8601; one without a zone is UTC.

    Raises:
        UserError: it is none, or it has yet to come.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"'{text}' is no time in ISO 8601, such as 2026-11-28T14:30:00Z") from None
    if time.tzinfo is None:
        print(f"notice: {text} has no zone, so it is taken as UTC")
        time = time.replace(tzinfo=UTC)
    if time > datetime.now(UTC):
        raise UserError(f"--at {text} has yet to come; now it is {_time(datetime.now(UTC))} UTC")
    return time.astimezone(UTC)


def describe_champion(model: RegisteredModel, time: datetime) -> str:
    """Who was champion at a time, since when, and why."""
    at = f"at {_time(time)} UTC"
    earlier = [entry for entry in model.entries if entry.when <= time]
    if not earlier:
        begins = f"begins at {_time(model.entries[0].when)} UTC" if model.entries else "is empty"
        return f"who was champion of {model.name} {at} isn't known: its ledger {begins}"
    found = [reign for reign in reigns(model.entries) if _covers(reign, time)]
    lines = [_reign(model.name, at, found[0]) if found else f"{model.name} had no champion {at}"]
    later = [entry for entry in model.entries[len(earlier) :] if CHAMPION in entry.moves][:1]
    if later and later[0].what == BY_HAND:
        before = model.entries[model.entries.index(later[0]) - 1]
        lines.append(
            f"perhaps not any more: between {_time(before.when)} and {_time(later[0].when)} UTC, when it was noticed, "
            f"{later[0].reason}"
        )
    return "\n".join(lines)


def _covers(reign: Reign, time: datetime) -> bool:
    return reign.since.when <= time and (reign.until is None or time < reign.until.when)


def _reign(name: str, at: str, reign: Reign) -> str:
    since = "at the latest since" if reign.since.what in NOTICED else "since"
    until = f"until {_time(reign.until.when)} UTC" if reign.until else "and still is"
    return (
        f"version {reign.version} of {name} was champion {at}, {since} {_time(reign.since.when)} UTC, {until}\n"
        f"{reign.since.what}, {_who(reign.since)}: {reign.since.reason}"
    )


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _move(entry: Entry, alias: str) -> str:
    if alias not in entry.moves:
        return ""
    before, after = (NOBODY if version is None else str(version) for version in entry.moves[alias])
    return f"{before} -> {after}"


def _who(entry: Entry) -> str:
    run = f", flow run {entry.who['flow_run']}" if "flow_run" in entry.who else ""
    trigger = f" ({entry.who['started_by']})" if "started_by" in entry.who else ""
    noticed = "noticed " if entry.what in NOTICED else ""
    return f"{noticed}by {entry.who['user']} on {entry.who['host']}{run}{trigger}"
