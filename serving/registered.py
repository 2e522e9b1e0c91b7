"""Versions of registered models: the one that an alias stands for today, or the last one that was served here."""

import contextlib
import io
import logging
import re
import shutil
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.bundles.manifest import MANIFEST
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import hold_lock, read_json, write_json
from seq2seq.core.params import PARAMS, check_section
from seq2seq.core.redaction import redact
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from serving.models import Loaded, Version

if TYPE_CHECKING:
    from registry.champion import Champion

CHAMPION = "champion"
AWAY = (UserError, TransientError, OSError)  # what asking a registry may end in; OSError where the disk is full
_ASKING = threading.Lock()  # MLflow reads the environment, and standard output is the process's
KEPT = 2  # bundles of a name: the one that is served, and the one before

log = logging.getLogger("serving")


def in_one_line(error: BaseException) -> str:
    """What an error says, without the passwords of addresses."""
    return redact(" ".join(str(error).split()))


def default_model() -> str:
    """The registered model of params.yaml."""
    from seq2seq.release.params import registered_name  # noqa: PLC0415 - only where nothing else is named

    if not PARAMS.exists():
        raise UserError(f"there is no {PARAMS} here; say what to serve with --model NAME or --bundle DIR")
    return registered_name(PARAMS)


class Registered:
    """One registered model, served by an alias."""

    def __init__(self, named: str, store: Path) -> None:
        """Take NAME or NAME@ALIAS, and the folder for copies."""
        self.name, _, alias = named.partition("@")
        self.alias = alias or CHAMPION
        self.folder = store / re.sub(r"[^\w.-]", "_", self.name)
        self.problem = ""  # why the registry's version isn't served, at the start
        self.kept: dict[str, Any] = {}  # what the next start serves if the registry is away

    def start(self, threads: int) -> Loaded:
        """What the registry says, loaded; where it can't be had or doesn't load, the version that was served here last.

        Raises:
            UserError, TransientError, OSError: there is none, or it doesn't load either.
        """
        try:
            loaded = self.load(self.ask(), threads)
        except Exception as error:  # whatever a registry does, what was served last answers
            last = self.last_served()
            if last is None:
                raise
            self.problem = in_one_line(error)
            facts = {"model": self.name, "version": last.version, "reason": self.problem}
            log.warning("the registry can't say what to serve; what it said last answers", extra={"facts": facts})
            loaded = Loaded(last, threads)
            loaded.unconfirmed = True
            return loaded
        try:
            self.keep(loaded.version)
        except OSError as error:
            facts = {"model": self.name, "reason": in_one_line(error)}
            log.warning("what is served can't be remembered for the next start", extra={"facts": facts})
        return loaded

    def ask(self) -> Version:
        """What the registry says, its bundle copied here.

        Raises:
            UserError: the registry doesn't answer or refuses, or there is no such model, alias or bundle.
            TransientError: the registry stopped answering.
            OSError: the disk is full.
        """
        from registry.champion import copy_bundle, find_champion  # noqa: PLC0415 - MLflow takes seconds and memory
        from registry.store import open_store  # noqa: PLC0415

        with _ASKING, contextlib.redirect_stdout(io.StringIO()), open_store(reading=True) as store, self._lock():
            champion = find_champion(store.client, self.name, self.alias)
            for left in self.folder.glob("tmp*"):  # by a process that was killed while it copied
                shutil.rmtree(left)
            copy_bundle(store.client, champion, self._bundle(champion.bundle_sha256))
        return self._version(champion._asdict())

    def load(self, version: Version, threads: int) -> Loaded:
        """Load a version; where the copy of its bundle is damaged, copy it once more.

        Raises:
            UserError: it doesn't load.
        """
        try:
            return Loaded(version, threads)
        except UserError:
            with self._lock():
                shutil.rmtree(version.folder, ignore_errors=True)
            return Loaded(self.ask(), threads)

    def last_served(self) -> Version | None:
        """The version that was served here last, where there is a copy."""
        facts = _read_record(self._record)
        if facts is None or not (self._bundle(facts["bundle_sha256"]) / MANIFEST).exists():
            return None
        return self._version(facts)

    def keep(self, version: Version) -> None:
        """Remember what is served, and forget bundles of long ago that no alias needs."""
        with self._lock():
            write_json(self._record, version.facts)
            records = [found for path in self.folder.glob("*.json") if (found := _read_record(path))]
            needed = {self._bundle(record["bundle_sha256"]) for record in records}
            others = [path for path in self.folder.glob("bundle-*") if path not in needed]
            others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
            for path in others[KEPT - 1 :]:
                shutil.rmtree(path)
        self.kept = version.facts

    def _lock(self) -> AbstractContextManager[Any]:
        """Services of several aliases may share the folder."""
        return hold_lock(self.folder / "lock")

    @property
    def _record(self) -> Path:
        return self.folder / f"{self.alias}.json"

    def _bundle(self, digest: str) -> Path:
        return self.folder / f"bundle-{digest[:16]}"

    def _version(self, facts: "dict[str, Any] | Champion") -> Version:
        told: Any = facts
        where = f"version {told['version']} of '{self.name}'"
        return Version(
            self.name,
            str(told["version"]),
            self._bundle(told["bundle_sha256"]),
            check_section(told["decoding"], "decoding", DecodingParams, where),
            check_section(told["runtime"], "runtime", RuntimeParams, where),
            told,
        )


def _read_record(path: Path) -> dict[str, Any] | None:
    """What was served; None where there is no record, or it is none of ours."""
    try:
        found = read_json(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        log.warning(
            "a record of what was served can't be read", extra={"facts": {"path": str(path), "reason": str(error)}}
        )
        return None
    whole = isinstance(found, dict) and {"version", "bundle_sha256", "decoding", "runtime"} <= found.keys()
    return found if whole else None
