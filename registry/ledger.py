"""The ledger of a registered model: every decision about its versions, in the order in which they were taken.

MLflow tells which version bears an alias now, and nothing of before. So each decision is kept as a tag of the
registered model, ``ledger.TIME.RANDOM``, which is written once and never changed. Its value is JSON that people can
read. A value of more than a tag holds goes on in further tags, ``....part1`` and so on, which are written first: the
decision is taken when the first tag is there.
"""

import getpass
import json
import re
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

CHAMPION, CHALLENGER = "champion", "challenger"
RELEASED = "released"  # the gate let it pass
FORCED = "forced"  # released by hand against the gate
KEPT = "kept as challenger"
ROLLED_BACK = "rolled back"
BY_HAND = "moved by hand"  # in MLflow's pages or through its API, as a later command noticed
FOUND = "found"  # what stood in a registry in which no ledger had been kept
# evidence of FOUND: the versions that were judged before, those of them that were released, the oldest first, and those
# that were rolled back since
WERE_JUDGED, WERE_RELEASED, WERE_ROLLED_BACK = "judged", "released", "rolled_back"

PREFIX = "ledger."
TIME = "%Y%m%dT%H%M%S.%fZ"  # sorts as it tells the time
KEY = re.compile(rf"{re.escape(PREFIX)}(\d{{8}}T\d{{6}}\.\d{{6}}Z\.[0-9a-f]{{8}})(?:\.part(\d+))?")
LONGEST_VALUE = 5000  # bytes that every database behind MLflow keeps of a tag; MLflow itself checks for more


@dataclass(frozen=True)
class Change:
    """A decision: what becomes of a version, and why."""

    what: str
    version: int
    aliases: Mapping[str, int | None]  # which version bears them from now on; None: no version does
    reason: str  # in words
    evidence: Mapping[str, Any] = field(default_factory=dict)  # the same in numbers, as JSON has them
    forced: bool = False  # against the gate


@dataclass(frozen=True)
class Entry:
    """A decision as it stands in the ledger."""

    when: datetime  # UTC; of a move by hand, when it was noticed
    what: str
    version: int
    moves: Mapping[str, tuple[int | None, int | None]]  # alias: the version that bore it, the one that bears it now
    who: Mapping[str, str]
    reason: str
    evidence: Mapping[str, Any]
    forced: bool
    turn: str  # in which it was entered, see registry.turns

    def to_json(self) -> str:
        """The value of the entry's tag."""
        fields = vars(self) | {"when": f"{self.when:%Y-%m-%dT%H:%M:%S.%f}Z"}
        return json.dumps(fields, ensure_ascii=False, default=dict)

    @classmethod
    def from_json(cls, text: str) -> "Entry":
        """Read what :meth:`to_json` wrote."""
        fields = json.loads(text)
        moves = {alias: (before, after) for alias, (before, after) in fields["moves"].items()}
        return cls(**fields | {"when": datetime.fromisoformat(fields["when"]), "moves": moves})


@dataclass(frozen=True)
class Reign:
    """A time during which one version was champion."""

    version: int
    since: Entry
    until: Entry | None  # None: it is champion now


def who_acts() -> dict[str, str]:
    """The user and the machine of this process."""
    return {"user": getpass.getuser(), "host": socket.gethostname()}


def time_after(last: datetime | None) -> datetime:
    """Now, but behind ``last``, which another machine may have written whose clock is ahead of ours."""
    now = datetime.now(UTC)
    return now if last is None else max(now, last + timedelta(microseconds=1))


def new_key(when: datetime) -> str:
    """A key that is nobody else's, and sorts by time."""
    return f"{when.strftime(TIME)}.{secrets.token_hex(4)}"


def read_entries(tags: Mapping[str, str]) -> list[Entry]:
    """The entries among the tags of a registered model, the oldest first."""
    values: dict[str, dict[int, str]] = {}
    for tag, value in tags.items():
        if match := KEY.fullmatch(tag):
            values.setdefault(match[1], {})[int(match[2] or 0)] = value
    whole = ("".join(part for _, part in sorted(parts.items())) for _, parts in sorted(values.items()) if 0 in parts)
    return [Entry.from_json(text) for text in whole]


def parts_without_entry(tags: Mapping[str, str]) -> list[str]:
    """The tags that a process left which died while it wrote an entry."""
    return [tag for tag in tags if (match := KEY.fullmatch(tag)) and match[2] and PREFIX + match[1] not in tags]


def write_entry(client: Any, name: str, entry: Entry) -> None:
    """Add an entry to the ledger of a registered model. It counts from the last write on."""
    tag = PREFIX + new_key(entry.when)
    first, *rest = _cut(entry.to_json())
    for number, part in reversed(list(enumerate(rest, 1))):
        client.set_registered_model_tag(name, f"{tag}.part{number}", part)
    client.set_registered_model_tag(name, tag, first)


def _cut(text: str) -> Iterable[str]:
    """Pieces of at most LONGEST_VALUE bytes."""
    left = text.encode(errors="replace")
    while left:
        piece = left[:LONGEST_VALUE].decode(errors="ignore")  # a letter that was cut through begins the next one
        yield piece
        left = left[len(piece.encode()) :]


def holders(entries: Iterable[Entry]) -> dict[str, int]:
    """Which version bears which alias, as the ledger tells."""
    after = {alias: move[1] for entry in entries for alias, move in entry.moves.items()}
    return {alias: version for alias, version in after.items() if version is not None}


def reigns(entries: Iterable[Entry]) -> list[Reign]:
    """Who was champion when, the earliest first."""
    found: list[Reign] = []
    for entry in entries:
        if CHAMPION not in entry.moves:
            continue
        if found and found[-1].until is None:
            found[-1] = Reign(found[-1].version, found[-1].since, entry)
        if (version := entry.moves[CHAMPION][1]) is not None:
            found.append(Reign(version, entry, None))
    return found


def line_of_champions(entries: Iterable[Entry]) -> list[int]:
    """The champion and, before it, those that a rollback would go back to, the next one last.

    A version that was rolled back is none of them until it is promoted again.
    """
    line: list[int] = []
    for entry in entries:
        if entry.what == FOUND:
            gone = entry.evidence[WERE_ROLLED_BACK]
            line = [version for version in entry.evidence[WERE_RELEASED] if version not in gone]
        before, after = entry.moves.get(CHAMPION, (None, None))
        left = {after} | ({before} if entry.what == ROLLED_BACK else set())
        line = [version for version in line if version not in left]
        if after is not None:
            line.append(after)
    return line
