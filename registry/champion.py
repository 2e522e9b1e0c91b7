"""What an alias of the registry stands for today, and a copy of its bundle."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from registry.served import BUNDLE, DECODING, RUNTIME
from registry.versions import RegisteredModel
from seq2seq.bundles.manifest import MANIFEST, bundle_digest
from seq2seq.core.errors import UserError
from seq2seq.core.files import replacing


class Champion(NamedTuple):
    """A version that an alias stands for."""

    name: str
    alias: str
    version: int
    bundle_sha256: str
    decoding: dict[str, Any]
    runtime: dict[str, Any]
    card: str  # Markdown
    since: str  # when it was decided about last, ISO 8601 in UTC; empty where the ledger doesn't know
    reason: str  # of that decision


def find_champion(client: Any, name: str, alias: str) -> Champion:
    """What ``alias`` of the registered model ``name`` stands for.

    Raises:
        UserError: there is no such model or alias, or the version was registered by something else.
    """
    model = RegisteredModel(client, name)
    number = model.aliases.get(alias)
    if number is None:
        given = sorted(one for one, version in model.aliases.items() if version is not None)
        choice = f"choose one, as in --model {name}@{given[0]}, or " if given else ""
        raise UserError(
            f"'{name}' has no version called '{alias}'; its aliases: {', '.join(given) or 'none'}; {choice}release a "
            f"version: python -m flows.release promote --name {name} --version N"
        )
    found = model.version(number)
    tags = found.tags
    if BUNDLE not in tags or DECODING not in tags or RUNTIME not in tags:
        raise UserError(f"version {number} of '{name}' has no tag that says how it is served; register it again")
    entry = model.decided(number)
    return Champion(
        name,
        alias,
        number,
        tags[BUNDLE],
        json.loads(tags[DECODING]),
        json.loads(tags[RUNTIME]),
        found.description or "",
        f"{entry.when:%Y-%m-%dT%H:%M:%SZ}" if entry else "",
        entry.reason if entry else "",
    )


def copy_bundle(client: Any, champion: Champion, folder: Path) -> None:
    """Copy a version's bundle from the registry into ``folder``, unless it is there.

    Raises:
        UserError: it has none, or another one than its tag says.
    """
    from mlflow.artifacts import download_artifacts

    if (folder / MANIFEST).exists() and bundle_digest(folder) == champion.bundle_sha256:
        return
    called = f"version {champion.version} of '{champion.name}'"
    uri = client.get_model_version_download_uri(champion.name, str(champion.version))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        place = Path(download_artifacts(f"{uri}/artifacts", tracking_uri=client.tracking_uri, dst_path=temporary))
        found = sorted(place.glob(f"*/{MANIFEST}"))
        if len(found) != 1:
            raise UserError(f"{called} has no bundle among its artifacts; register it again")
        if bundle_digest(found[0].parent) != champion.bundle_sha256:
            raise UserError(f"the bundle of {called} is not the one that was registered; register it again")
        with replacing(folder) as partial:
            shutil.copytree(found[0].parent, partial)
