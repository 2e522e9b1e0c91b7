"""Where pretrained models come from: a folder, or huggingface.co."""

import re
import sys
import textwrap
from pathlib import Path

from seq2seq.bundles.manifest import MANIFEST
from seq2seq.core.errors import TransientError, UserError

SECONDS_TO_ANSWER = 5.0  # of huggingface.co
CONFIG, WEIGHTS = "config.json", ("model.safetensors", "model.safetensors.index.json")
VOCABULARIES = ("tokenizer.json", "vocab.*", "*.model", "*.spm")
FETCHED = ["*.json", "*.txt", "*.model", "*.spm", "*.safetensors"]  # of all that a model's page offers
WAYS_OUT = "set pretrained.model to a folder with a model, or to the name of one on huggingface.co"


def find_model(model: str, revision: str) -> Path:
    """Return the folder of a model: the one named, or a copy of what huggingface.co has, fetched where needed.

    Args:
        model: a folder, or a name such as google-t5/t5-small.
        revision: branch, tag or commit, of a name.

    Raises:
        UserError: nothing is named, there is no such model, it lacks a part, or there is no network.
        TransientError: the server is busy, or the connection broke.
    """
    folder = _folder(model)
    if folder is None:
        folder = _kept(model, revision, reason) if (reason := _ask(model, revision)) else _fetch(model, revision)
        _check_parts(folder)
    return folder


def check_model(model: str, revision: str) -> None:
    """Raise what :func:`find_model` would raise, without fetching anything."""
    if _folder(model) is None and (reason := _ask(model, revision)):
        _kept(model, revision, reason)


def _folder(model: str) -> Path | None:
    """The folder that is named; None where it is a name on huggingface.co."""
    if not model:
        raise UserError(f"params.yaml: pretrained.model is empty; {WAYS_OUT}, such as google-t5/t5-small")
    folder = Path(model)
    if folder.is_dir():
        _check_parts(folder)
        return folder
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", model):
        raise UserError(f"pretrained.model: {model} does not exist; {WAYS_OUT}")
    return None


def _check_parts(folder: Path) -> None:
    if (folder / MANIFEST).exists():
        raise UserError(f"{folder} is a bundle of ours, not a model of Hugging Face; name it in train.start")
    if not (folder / CONFIG).exists():
        raise UserError(f"{folder} holds no {CONFIG}, so it is no model of Hugging Face; {WAYS_OUT}")
    if not any(next(folder.glob(pattern), None) for pattern in VOCABULARIES):
        raise UserError(
            f"{folder} holds no tokenizer ({', '.join(VOCABULARIES)}); "
            "save the model's own there with its save_pretrained()"
        )
    if not any((folder / name).exists() for name in WEIGHTS):
        raise UserError(
            f"{folder} holds no {WEIGHTS[0]}, and pickled weights are not read; load the model with transformers and "
            "save_pretrained() it, or name a revision that has it"
        )


def _ask(name: str, revision: str) -> str:
    """Ask huggingface.co for a model; return nothing where it has it, else why it can't be reached."""
    import httpx2  # noqa: PLC0415 - few runs need these
    from huggingface_hub import HfApi, constants, errors  # noqa: PLC0415

    constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        HfApi().model_info(name, revision=revision, timeout=SECONDS_TO_ANSWER)
    except (errors.OfflineModeIsEnabled, httpx2.TransportError) as error:
        return str(error) or type(error).__name__
    except errors.RevisionNotFoundError:
        raise UserError(f"{name} on huggingface.co has no revision {revision}; correct pretrained.revision") from None
    except errors.RepositoryNotFoundError:
        raise UserError(
            f"there is no folder {name}, and no model of that name on huggingface.co that you may read; {WAYS_OUT}"
        ) from None
    except errors.HfHubHTTPError as error:
        raise TransientError(f"huggingface.co is busy ({textwrap.shorten(str(error), 200)}); try again later") from None
    return ""


def _fetch(name: str, revision: str) -> Path:
    """A copy of a model, in Hugging Face's own cache."""
    import httpx2  # noqa: PLC0415 - as above
    from huggingface_hub import errors, snapshot_download  # noqa: PLC0415
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415

    if not sys.stderr.isatty():
        disable_progress_bars()
    print(f"pretrained: fetching {name} from huggingface.co, unless its cache has it", flush=True)
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=FETCHED))
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, httpx2.TransportError) as error:
        reason = textwrap.shorten(str(error) or type(error).__name__, 200)
        raise TransientError(f"huggingface.co stopped sending {name} ({reason}); try again later") from None


def _kept(name: str, revision: str, reason: str) -> Path:
    """The copy that was fetched before."""
    from huggingface_hub import errors, snapshot_download  # noqa: PLC0415 - as above

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=FETCHED, local_files_only=True))
    except errors.LocalEntryNotFoundError:
        raise UserError(
            f"there is no folder {name}, and huggingface.co can't be reached ({textwrap.shorten(reason, 100)}); "
            "check the network, or set pretrained.model to a folder with a model"
        ) from None
