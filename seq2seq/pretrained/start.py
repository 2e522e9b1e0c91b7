"""A bundle of ours to train further: what ``train.start`` may say, and which bundles can be gone on from.

It names a folder, or a version of the registry as MLflow does (https://mlflow.org/docs/latest/ml/model-registry/).
What it names may become another bundle some day, so its pinned form has the SHA-256 of the bundle behind it: DVC sees
no more of a bundle than the text that names it.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from seq2seq.bundles.manifest import MANIFEST, Manifest, bundle_digest, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.text.languages import LanguagesParams

REGISTERED = "models:/"
BUNDLES = "bundles"  # in a store of fetched files: a folder for each bundle, named by its digest
FORMS = "a bundle's folder, models:/NAME@champion or models:/NAME/VERSION"
_PINNED = "#sha256="
_DIGEST = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(REGISTERED + r"([^/@#]+)(?:@([\w-]+)|/([1-9][0-9]*))")


class Start(NamedTuple):
    """What ``train.start`` says, taken apart."""

    place: str  # without the digest
    digest: str  # of the bundle; empty where it isn't pinned
    name: str  # of the registered model; empty where the place is a folder
    alias: str  # of its version; empty where that has a number
    version: int  # its number; 0 where it has an alias

    @property
    def moves(self) -> bool:
        """Whether it may name another bundle tomorrow."""
        return not self.digest and not self.version

    def pinned(self, digest: str) -> str:
        """The same place with the digest of what was found there."""
        return f"{self.place}{_PINNED}{digest}"


def parse_start(text: str) -> Start:
    """Take apart what ``train.start`` says.

    Raises:
        UserError: it names no version as MLflow does, or what stands behind #sha256= is no SHA-256.
    """
    place, pinned, digest = text.partition(_PINNED)
    if pinned and not _DIGEST.fullmatch(digest):
        raise UserError(f"'{digest}' is no SHA-256 of 64 hexadecimal digits; leave out {_PINNED}{digest}")
    if not place.startswith("models:"):
        return Start(place, digest, "", "", 0)
    if not (found := _VERSION.fullmatch(place)):
        raise UserError(f"'{place}' names no version of a registered model; set it to {FORMS}")
    name, alias, version = found.groups()
    return Start(place, digest, name, alias or "", int(version or 0))


def check_start(
    folder: Path,
    place: str,
    architecture: str,
    languages: LanguagesParams,
    registered_with: Callable[[str], str] = lambda _digest: "",
) -> Manifest:
    """Check that a training can go on from the bundle in a folder.

    Args:
        folder: where the bundle is.
        place: what the user calls it.
        architecture: that params.yaml asks for.
        languages: likewise.
        registered_with: what version was registered with a float32 bundle of this digest; empty where none was.

    Raises:
        UserError: there is no bundle, it is damaged, its weights can't be trained, or it is of another architecture or
            for other languages.
    """
    called = f"train.start: {place}"
    if not (folder / MANIFEST).exists():
        raise UserError(f"{called} is no bundle, as it has no {MANIFEST}; set it to {FORMS}")
    manifest = read_manifest(folder)
    if (manifest.engine, manifest.quantization) != ("pytorch", "float32"):
        raise UserError(
            f"{called} is a {manifest.engine} bundle in {manifest.quantization}, which can't be trained; "
            f"{_trainable(folder, manifest, registered_with)}"
        )
    if manifest.architecture != architecture:
        raise UserError(
            f"{called} holds a {manifest.architecture} model, but model.architecture is {architecture}; "
            f"set model.architecture={manifest.architecture}"
        )
    if manifest.languages != languages:
        raise UserError(
            f"{called} translates {_direction(manifest.languages)}, but languages of params.yaml say "
            f"{_direction(languages)}; set one of them to what the other is"
        )
    return manifest


def check_pinned(start: Start, digest: str) -> None:
    """Check that the bundle of a digest is the one that was meant, and that DVC will see when it changes.

    Raises:
        UserError: it is another one, or nothing says which it is.
    """
    if start.moves:
        raise UserError(
            f"train.start: of {start.place} DVC sees the name alone, and wouldn't notice a change; give it to "
            f"python -m flows.pipeline with --set, or set it to {start.pinned(digest)}"
        )
    if start.digest and digest != start.digest:
        raise UserError(f"train.start: {start.place} is another bundle today; correct it to {start.pinned(digest)}")


def _direction(languages: LanguagesParams) -> str:
    return f"from {languages.source} to {languages.target}"


def _trainable(folder: Path, manifest: Manifest, registered_with: Callable[[str], str]) -> str:
    """Which bundle can be trained in the place of one that was made from it."""
    wanted = manifest.origin.get("bundle", "")
    for other in sorted(folder.absolute().parent.glob(f"*/{MANIFEST}")):
        if bundle_digest(other.parent) == wanted:
            return f"set it to {folder.parent / other.parent.name}, the float32 bundle that it was made from"
    if version := registered_with(wanted):
        return f"set it to {version}, which was registered with the float32 bundle that it was made from"
    return f"set it to the float32 bundle that it was made from, models/forward of its run (SHA-256 {wanted})"
