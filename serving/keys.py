"""Who may ask: keys, kept as hashes, each with its own limit. ``python -m serving.keys make|list|withdraw``."""

import argparse
import hashlib
import hmac
import math
import secrets
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.core.files import hold_lock, read_json, write_json

LIMIT = 60_000  # characters a minute


def digest(key: str) -> str:
    """What is kept of a key: it is random and long, so a plain hash can't be guessed back."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


class Keys:
    """The keys of a file, read again when it changes."""

    def __init__(self, path: Path, required: bool) -> None:
        self.path, self.required = path, required
        self._read_at: int | None = None
        self._keys: dict[str, dict[str, Any]] = {}
        self._left: dict[str, tuple[float, float]] = {}  # of each key: characters left, and when

    def admit(self, key: str, characters: int) -> int | None:
        """0 where a key may ask for so many characters, the seconds that it has to wait, or None where it is none.

        A bucket of a minute's characters fills all the time; a text that is larger is taken when the bucket is full.
        """
        self._refresh()
        given = digest(key)
        # all are compared, so that the time tells nothing
        found = [one for known, one in self._keys.items() if hmac.compare_digest(known, given)]
        if not found:
            return None
        rate = int(found[0]["characters_per_minute"])
        now = time.monotonic()
        left, since = self._left.get(given, (float(rate), now))
        left = min(float(rate), left + (now - since) * rate / 60)
        wanted = min(characters, rate)
        if left < wanted:
            self._left[given] = (left, now)
            return max(1, math.ceil((wanted - left) * 60 / rate))
        self._left[given] = (left - wanted, now)
        return 0

    def _refresh(self) -> None:
        changed = self.path.stat().st_mtime_ns if self.path.exists() else None
        if changed != self._read_at:
            self._keys = read_json(self.path) if changed is not None else {}
            self._read_at = changed


def _lock(path: Path) -> AbstractContextManager[Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return hold_lock(path.with_name(f"{path.name}.lock"))


def _make(arguments: argparse.Namespace) -> str:
    key = secrets.token_urlsafe(32)
    lock = _lock(arguments.keys)
    with lock:
        keys = read_json(arguments.keys) if arguments.keys.exists() else {}
        if any(one["name"] == arguments.name for one in keys.values()):
            raise UserError(f"there is a key of '{arguments.name}' already; withdraw it first, or choose another name")
        keys[digest(key)] = {
            "name": arguments.name,
            "made": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "characters_per_minute": arguments.characters_per_minute,
        }
        write_json(arguments.keys, keys)
        arguments.keys.chmod(0o600)
    return f"{key}\nThis is the key of {arguments.name}. It is shown only now; {arguments.keys} keeps its hash."


def _list(arguments: argparse.Namespace) -> str:
    keys = read_json(arguments.keys) if arguments.keys.exists() else {}
    lines = [
        f"{one['name']}: made {one['made']}, {one['characters_per_minute']:,} characters a minute"
        for one in keys.values()
    ]
    return "\n".join(sorted(lines)) or "there is no key; make one with python -m serving.keys make NAME"


def _withdraw(arguments: argparse.Namespace) -> str:
    lock = _lock(arguments.keys)
    with lock:
        keys = read_json(arguments.keys) if arguments.keys.exists() else {}
        kept = {known: one for known, one in keys.items() if one["name"] != arguments.name}
        if len(kept) == len(keys):
            raise UserError(f"there is no key of '{arguments.name}'; `python -m serving.keys list` shows them")
        write_json(arguments.keys, kept)
    return f"the key of {arguments.name} is withdrawn; a running service refuses it from now on"


def main() -> None:
    """Make, list or withdraw keys."""
    parser = ArgumentParser(prog="python -m serving.keys", description=__doc__)
    parser.add_argument("--keys", type=Path, default=Path(".serving/keys.json"), help="the file of the keys")
    commands = parser.add_subparsers(required=True, metavar="make|list|withdraw")
    for verb, action in {"make": _make, "list": _list, "withdraw": _withdraw}.items():
        command = commands.add_parser(verb)
        command.set_defaults(action=action)
        if verb != "list":
            command.add_argument("name", help="of whoever uses the key")
        if verb == "make":
            command.add_argument(
                "--characters-per-minute", type=int, default=LIMIT, help=f"that it may ask for; by default {LIMIT:,}"
            )
    arguments = parser.parse_args()
    print(arguments.action(arguments))


if __name__ == "__main__":
    run(main)
