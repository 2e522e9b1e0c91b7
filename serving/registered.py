"""Versions of registered models: the one that an alias stands for today, or the last one that was served here."""

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.bundles.manifest import MANIFEST, bundle_digest
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import read_json, write_json
from seq2seq.core.params import PARAMS
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from serving.models import Version

if TYPE_CHECKING:
    from registry.champion import Champion

CHAMPION = "champion"
KEPT = 2  # bundles of a name: the one that is served, and the one before


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

    def ask(self) -> Version:
        """What the registry says, its bundle copied here.

        Raises:
            UserError: the registry doesn't answer or refuses, or there is no such model, alias or bundle.
            TransientError: the registry stopped answering.
        """
        from registry.champion import copy_bundle, find_champion  # noqa: PLC0415 - MLflow takes seconds and memory
        from registry.store import open_store  # noqa: PLC0415

        with contextlib.redirect_stdout(io.StringIO()), open_store(reading=True) as store:
            champion = find_champion(store.client, self.name, self.alias)
            copy_bundle(store.client, champion, self._bundle(champion.bundle_sha256))
        return self._version(champion._asdict())

    def last_served(self) -> Version | None:
        """The version that was served here last, where its copy is whole."""
        if not self._record.exists():
            return None
        facts = read_json(self._record)
        folder = self._bundle(facts["bundle_sha256"])
        if not (folder / MANIFEST).exists() or bundle_digest(folder) != facts["bundle_sha256"]:
            return None
        return self._version(facts)

    def keep(self, version: Version) -> None:
        """Remember what is served, and forget bundles of long ago."""
        write_json(self._record, version.facts)
        bundles = sorted(self.folder.glob("bundle-*"), key=lambda path: path.stat().st_mtime, reverse=True)
        others = [path for path in bundles if path != version.folder]
        for path in others[KEPT - 1 :]:
            shutil.rmtree(path)

    @property
    def _record(self) -> Path:
        return self.folder / f"{self.alias}.json"

    def _bundle(self, digest: str) -> Path:
        return self.folder / f"bundle-{digest[:16]}"

    def _version(self, facts: "dict[str, Any] | Champion") -> Version:
        told: Any = facts
        return Version(
            self.name,
            str(told["version"]),
            self._bundle(told["bundle_sha256"]),
            DecodingParams(**told["decoding"]),
            RuntimeParams(**told["runtime"]),
            told,
        )


AWAY = (UserError, TransientError)  # what asking a registry may end in
