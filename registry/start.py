"""The float32 bundle of a registered version, to train further.

``python -m registry.start START STORE`` fetches it in a process of its own and prints its digest: what is trained
depends on no version of MLflow.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from registry.deleted import DeletedError, fetch_artifact
from registry.store import open_store
from registry.versions import FLOAT32, FLOAT32_BUNDLE, RegisteredModel
from seq2seq.bundles.manifest import MANIFEST, bundle_digest
from seq2seq.core.command_line import run
from seq2seq.core.errors import UserError
from seq2seq.core.files import replacing
from seq2seq.pretrained.start import BUNDLES, REGISTERED, Start, parse_start


def fetch_start(start: Start, store: Path) -> Path:
    """The folder of the bundle that ``train.start`` names, fetched where needed.

    A digest that is pinned counts, whatever the alias in front of it stands for today.

    Args:
        start: names a registered version.
        store: folder of fetched files.

    Raises:
        UserError: there is no such version, it isn't what is pinned, or its bundle is gone.
    """
    if start.digest and ((fetched := store / BUNDLES / start.digest) / MANIFEST).exists():
        return fetched
    with open_store(reading=True) as opened:
        try:
            return _fetch(RegisteredModel(opened.client, start.name), start, store)
        except UserError as error:
            raise UserError(f"train.start: {error}") from None


def registered_with(digest: str) -> str:
    """The newest version, of any name, that was registered with a float32 bundle; empty where there is none."""
    with open_store(reading=True) as opened:
        found = opened.client.search_model_versions(f"tags.{FLOAT32_BUNDLE} = '{digest}'")
        newest = max(found, key=lambda one: int(one.creation_timestamp), default=None)
        return f"{REGISTERED}{newest.name}/{newest.version}" if newest else ""


def _fetch(model: RegisteredModel, start: Start, store: Path) -> Path:
    number = _number(model, start)
    called = f"version {number} of '{start.name}'"
    if not (digest := model.tag(number, FLOAT32_BUNDLE)):
        raise UserError(f"{called} has no tag {FLOAT32_BUNDLE}, as it was registered by something else; name another")
    fetched = store / BUNDLES / digest
    if (fetched / MANIFEST).exists():
        return fetched
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store) as temporary:
        try:
            found = fetch_artifact(model.client, model.version(number), FLOAT32, temporary)
        except DeletedError as error:
            raise UserError(f"{called} can't be gone on from: {error}; name another") from None
        if not (found / MANIFEST).exists() or bundle_digest(found) != digest:
            raise UserError(f"{called} has not the bundle that was registered; name another")
        with replacing(fetched) as partial:
            shutil.copytree(found, partial)
    return fetched


def _number(model: RegisteredModel, start: Start) -> int:
    """Which version is meant."""
    if start.digest:
        alike = [number for number in sorted(model.versions) if model.tag(number, FLOAT32_BUNDLE) == start.digest]
        if not alike:
            raise UserError(f"no version of '{start.name}' has the float32 bundle {start.digest}")
        return alike[-1]
    if start.version:
        model.version(start.version)  # tells which there are, where this is none of them
        return start.version
    if start.alias not in model.aliases:
        given = ", ".join(sorted(model.aliases)) or "none"
        raise UserError(f"'{start.name}' has no version called '{start.alias}'; its aliases: {given}")
    return model.aliases[start.alias]


def main() -> None:
    """Fetch, and print the digest."""
    start, store = sys.argv[1:]
    print(fetch_start(parse_start(start), Path(store)).name)


if __name__ == "__main__":
    run(main)
