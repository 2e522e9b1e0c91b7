"""Where pretrained models come from: a folder, or huggingface.co."""

import re
import sys
import textwrap
from pathlib import Path

from seq2seq.errors import TransientError, UserError

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
        TransientError: the connection was lost, or the server is busy.
    """
    if not model:
        raise UserError(f"params.yaml: pretrained.model is empty; {WAYS_OUT}, such as google-t5/t5-small")
    folder = Path(model)
    if not folder.is_dir():
        if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", model):
            raise UserError(f"pretrained.model: {model} does not exist; {WAYS_OUT}")
        folder = _fetch(model, revision)
    _check_parts(folder)
    return folder


def _check_parts(folder: Path) -> None:
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


def _fetch(name: str, revision: str) -> Path:
    """A local copy of a model of huggingface.co, in Hugging Face's own cache."""
    import httpx2  # noqa: PLC0415 - as below
    from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415 - few runs need it
    from huggingface_hub import errors as faults  # noqa: PLC0415
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415

    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        commit = HfApi().model_info(name, revision=revision, timeout=SECONDS_TO_ANSWER).sha
        print(f"pretrained: {name} at commit {commit}", flush=True)
        return Path(snapshot_download(name, revision=commit, allow_patterns=FETCHED))
    except (faults.OfflineModeIsEnabled, httpx2.TransportError) as error:
        reason = str(error) or type(error).__name__
    except faults.RevisionNotFoundError:
        raise UserError(f"{name} on huggingface.co has no revision {revision}; correct pretrained.revision") from None
    except faults.RepositoryNotFoundError:
        raise UserError(
            f"there is no folder {name}, and no model of that name on huggingface.co that you may read; {WAYS_OUT}"
        ) from None
    except faults.HfHubHTTPError as error:
        raise TransientError(
            f"can't fetch {name} from huggingface.co ({textwrap.shorten(str(error), 200)}); try again"
        ) from None
    try:  # what an earlier run fetched
        return Path(snapshot_download(name, revision=revision, allow_patterns=FETCHED, local_files_only=True))
    except faults.LocalEntryNotFoundError:
        raise UserError(
            f"there is no folder {name}, and huggingface.co can't be reached ({textwrap.shorten(reason, 100)}); "
            "check the network, or set pretrained.model to a folder with a model"
        ) from None
