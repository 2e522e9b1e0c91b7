"""Who may ask: keys, kept as hashes, each with its own limit. ``python -m serving.keys make|list|withdraw``."""

import argparse
import hashlib
import hmac
import logging
import math
import secrets
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter

from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.core.files import hold_lock, read_json, write_json

LIMIT = 60_000  # characters a minute
MOST = 10**9
log = logging.getLogger("serving")


class Key(BaseModel):
    """What is known of a key."""

    name: str
    made: str
    characters_per_minute: int = Field(ge=1, le=MOST)


_FILE = TypeAdapter(dict[str, Key])


def digest(key: str) -> str:
    """What is kept of a key: it is random and long, so a plain hash can't be guessed back."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


class Keys:
    """The keys of a file, read again when it changes."""

    def __init__(self, path: Path, required: bool) -> None:
        """Read them.

        Raises:
            UserError: the file can't be read.
        """
        self.path, self.required = path, required
        self._read_at = _changed(path)
        self._keys = _read(path)
        if required and not self._keys:
            log.warning("nobody may ask yet: make a key with python -m serving.keys make NAME")
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
        rate = found[0].characters_per_minute
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
        """Read the file again where it has changed; one that can't be read leaves the keys as they are."""
        if (changed := _changed(self.path)) == self._read_at:
            return
        self._read_at = changed
        try:
            self._keys = _read(self.path)
        except UserError as error:
            log.error("the keys stay as they were", extra={"facts": {"reason": str(error)}})


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _read(path: Path) -> dict[str, Key]:
    try:
        return _FILE.validate_python(read_json(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"the keys in {path} can't be read ({reason}); mend the file, or move it away") from None


def _write(path: Path, keys: dict[str, Key]) -> None:
    write_json(path, _FILE.dump_python(keys))
    path.chmod(0o600)


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST:,}")
    return int(text)


def _lock(path: Path) -> AbstractContextManager[Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return hold_lock(path.with_name(f"{path.name}.lock"))


def _make(arguments: argparse.Namespace) -> str:
    key = secrets.token_urlsafe(32)
    lock = _lock(arguments.keys)
    with lock:
        keys = _read(arguments.keys)
        if any(one.name == arguments.name for one in keys.values()):
            raise UserError(f"there is a key of '{arguments.name}' already; withdraw it first, or choose another name")
        made = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        limit = arguments.characters_per_minute
        keys[digest(key)] = Key(name=arguments.name, made=made, characters_per_minute=limit)
        _write(arguments.keys, keys)
    return f"{key}\nThis is the key of {arguments.name}. It is shown only now; {arguments.keys} keeps its hash."


def _list(arguments: argparse.Namespace) -> str:
    lines = [
        f"{one.name}: made {one.made}, {one.characters_per_minute:,} characters a minute"
        for one in _read(arguments.keys).values()
    ]
    return "\n".join(sorted(lines)) or "there is no key; make one with python -m serving.keys make NAME"


def _withdraw(arguments: argparse.Namespace) -> str:
    lock = _lock(arguments.keys)
    with lock:
        keys = _read(arguments.keys)
        kept = {known: one for known, one in keys.items() if one.name != arguments.name}
        if len(kept) == len(keys):
            raise UserError(f"there is no key of '{arguments.name}'; `python -m serving.keys list` shows them")
        _write(arguments.keys, kept)
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
                "--characters-per-minute", type=_limit, default=LIMIT, help=f"that it may ask for; by default {LIMIT:,}"
            )
    arguments = parser.parse_args()
    print(arguments.action(arguments))


if __name__ == "__main__":
    run(main)
