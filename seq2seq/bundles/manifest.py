"""A bundle: one directory that holds a model, its tokenizer, and where both came from.

``bundle.json`` names the SHA-256 of every other file, so the SHA-256 of ``bundle.json`` names the bundle.
Nothing in it changes with time, host or commit.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json, replacing, sha256_file, write_json
from seq2seq.core.params import Section
from seq2seq.text.languages import LanguagesParams

MANIFEST = "bundle.json"
TOKENIZER = "tokenizer"  # the folder of its files
CTRANSLATE2 = "ctranslate2"  # the folder of CTranslate2's files, in a bundle of that engine
ONNX = "onnx"  # the folder of ONNX Runtime's files, likewise


class TaskParams(Section):
    """What the model is for."""

    name: str = Field(
        pattern=r"^[a-z][a-z -]*$",
        description="The bundle, the registry and the report call the model by this word, such as translation.",
    )


class Manifest(BaseModel):
    """What ``bundle.json`` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # raised with every change that would make an older model compute something else
    format: Literal[2] = 2
    task: str
    architecture: str
    engine: str  # pytorch, ctranslate2 or onnx
    quantization: str  # float32, int8, ...
    languages: LanguagesParams
    model: dict[str, Any]  # the architecture's params
    origin: dict[str, str]  # SHA-256 of the data, params and code that it came from
    files: dict[str, str]  # SHA-256 of each part


def bundle_digest(folder: Path) -> str:
    """The SHA-256 that names a bundle: that of its ``bundle.json``."""
    return sha256_file(Path(folder) / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """Read and check a bundle's manifest, and that every part is the one that it names.

    Raises:
        UserError: there is no bundle, or a part is missing, damaged or from another bundle.
    """
    folder = Path(folder)
    if not (folder / MANIFEST).exists():
        raise UserError(f"{folder} is no bundle: it has no {MANIFEST}; run the stage that makes it")
    try:
        manifest = Manifest.model_validate(read_json(folder / MANIFEST))
    except (ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder / MANIFEST} is damaged or of another version; make it again ({reason})") from None
    for name, digest in manifest.files.items():
        if not (folder / name).exists():
            raise UserError(f"{folder} lacks its part {name}; make the bundle again")
        if sha256_file(folder / name) != digest:
            raise UserError(f"{folder / name} is damaged or belongs to another bundle; make the bundle again")
    return manifest


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a folder whose parts are complete; its ``files`` are taken from the folder."""
    files = {
        path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    write_json(folder / MANIFEST, manifest.model_copy(update={"files": files}).model_dump(mode="json"))


def derive(folder: Path, out: Path, engine: str, quantization: str, write_engine: Callable[[Path], None]) -> None:
    """Write a bundle ``out`` of the same model, in another form; ``write_engine`` adds that form's files."""
    manifest = read_manifest(folder)
    with replacing(out) as partial:
        shutil.copytree(folder / TOKENIZER, partial / TOKENIZER)
        write_engine(partial)
        origin = manifest.origin | {"bundle": bundle_digest(folder)}
        update = {"engine": engine, "quantization": quantization, "origin": origin}
        seal(partial, manifest.model_copy(update=update))
