"""Turns at changing a registered model: one process at a time, of all on all machines.

MLflow has no locks and can't compare and swap. So whoever wants to change something puts up a sign, a tag of the
registered model, and then reads all signs. Of two who do so at once, at least one sees the other's. Who sees an earlier
sign takes its own down and tries again later; who sees only later ones waits until they are gone, since one of them
may have seen none when it looked. It needs a registry in which a write is seen by whoever reads after it: an MLflow
server that reads from a replica is none.

A process that dies leaves its sign. On the same machine that is seen at once; elsewhere the sign counts as left when
somebody has seen it for LEASE. No clock is compared with another machine's.
"""

import json
import os
import random
import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from registry.ledger import new_key, who_acts
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.redaction import redact

SIGN = "ledger.turn."
LEASE = 60.0  # seconds until the sign of a process that can't be asked counts as left
LONGEST_TURN = 30.0  # seconds until a process stops by itself, so that it isn't overtaken
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two looks at the signs
READ_ONLY = re.compile("readonly database|read-only transaction|permission denied", re.IGNORECASE)  # SQLite, PostgreSQL
_alive: set[str] = set()  # this process's own signs, of all its threads


@dataclass
class Turn:
    """A turn at changing a registered model."""

    key: str
    until: float  # on the monotonic clock
    left: frozenset[str]  # keys of signs whose processes died
    model: Any  # of MLflow, as it is now; it reads the tags, and so the signs, before the aliases
    entered: bool = field(default=False)  # whether a decision was taken in it

    def check(self) -> None:
        """Raise a TransientError where the turn took so long that others may think us dead."""
        if time.monotonic() > self.until:
            raise TransientError(
                f"the registry took more than {LONGEST_TURN:g} seconds for a few writes; run the same command again"
            )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def take_turn(client: Any, name: str, say: Callable[[str], object] = _say) -> Iterator[Turn]:
    """Wait until nobody else changes the registered model ``name``, and keep others from it meanwhile.

    Where the block raises after a decision was entered, the sign stays, for the next turn to finish the work.
    """
    turn = _wait(client, name, say)
    try:
        yield turn
    except BaseException:
        if not turn.entered:
            _take_down(client, name, turn.key)
        raise
    else:
        _take_down(client, name, turn.key)
    finally:
        _alive.discard(turn.key)


def remove_sign(client: Any, name: str, key: str) -> None:
    """Remove a sign that a dead process left."""
    client.delete_registered_model_tag(name, SIGN + key)


def signs_of(tags: Mapping[str, str]) -> dict[str, str]:
    """The signs among the tags of a registered model: whose they are, by key."""
    return {tag.removeprefix(SIGN): value for tag, value in tags.items() if tag.startswith(SIGN)}


def _wait(client: Any, name: str, say: Callable[[str], object]) -> Turn:
    """Return a turn whose sign is up."""
    first_seen: dict[str, float] = {}
    longest_pause = SHORTEST_PAUSE
    while True:
        key = _put_up(client, name)
        try:
            turn, earlier = _look(client, name, key, first_seen)
        except BaseException:
            _alive.discard(key)  # it is left, for whoever comes next
            raise
        if turn:
            return turn
        _take_down(client, name, key)
        if earlier and longest_pause == SHORTEST_PAUSE:
            say(f"{earlier['user']} on {earlier['host']} is changing {name}; waiting, at most {LEASE:g} seconds")
        time.sleep(random.uniform(0, longest_pause))
        longest_pause = min(2 * longest_pause, LONGEST_PAUSE)


def _look(
    client: Any, name: str, key: str, first_seen: dict[str, float]
) -> tuple[Turn | None, Mapping[str, Any] | None]:
    """Look at the signs until it is the turn of ``key``; or return who was earlier, if it was that."""
    started = time.monotonic()
    while time.monotonic() < started + LONGEST_TURN / 2:  # then with a new sign, lest others think this one left
        model = client.get_registered_model(name)
        signs = signs_of(model.tags)
        now = time.monotonic()
        others = {other: json.loads(owner) for other, owner in signs.items() if other != key}
        left = {
            other
            for other, owner in others.items()
            if now > first_seen.setdefault(other, now) + LEASE or _is_dead(other, owner)
        }
        alive = others.keys() - left
        if key not in signs:  # somebody thought it left
            break
        if not alive:
            return Turn(key, started + LONGEST_TURN, frozenset(left), model), None
        if min(alive) < key:
            return None, others[min(alive)]
        time.sleep(SHORTEST_PAUSE)
    return None, None


def _put_up(client: Any, name: str) -> str:
    """Write the first thing that any change writes; a UserError where that is refused."""
    from mlflow.exceptions import MlflowException

    key = new_key(datetime.now(UTC))
    _alive.add(key)
    owner = who_acts() | {"pid": os.getpid(), "place": _place()}
    try:
        client.set_registered_model_tag(name, SIGN + key, json.dumps(owner, ensure_ascii=False))
    except MlflowException as error:
        if error.error_code == "PERMISSION_DENIED" or READ_ONLY.search(str(error)):
            why = textwrap.shorten(redact(str(error)), 200)
            raise UserError(f"{name} may only be read by this user, and nothing was changed ({why})") from None
        raise
    return key


def _take_down(client: Any, name: str, key: str) -> None:
    client.delete_registered_model_tag(name, SIGN + key)
    _alive.discard(key)


def _is_dead(key: str, owner: Mapping[str, Any]) -> bool:
    """Whether a sign was left by a process that would be one of ours to see, and is gone."""
    if not owner["place"] or owner["place"] != _place():
        return False
    if owner["pid"] == os.getpid():
        return key not in _alive
    try:
        os.kill(owner["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's
        return False
    return False


def _place() -> str:
    """Names where a process id means the same process: this start of this kernel, and the container. Empty: unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return ""
