"""Stage `pretrained`: the model to train further, as a bundle.

Where train.start names a bundle, it is that one; else a Hugging Face model, if model.architecture is pretrained; else
the folder holds no bundle.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from seq2seq.core.command_line import STATUSES, UNAVAILABLE
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import replacing
from seq2seq.core.params import PARAMS, load_section, read_yaml
from seq2seq.text.languages import LanguagesParams
from tasks.stage import FETCHED, leave_nothing, origin_of, path_arguments, run


def main() -> None:
    """Fetch the model, and check that its parts belong together."""
    paths = path_arguments(__doc__, "out", "code")
    # read unchecked: the classes that check it need PyTorch, and most runs have nothing to do here
    params = read_yaml(PARAMS)
    architecture = params["model"]["architecture"]
    if start := params["train"]["start"]:
        _copy_start(start, architecture, paths.out)
    elif architecture == "pretrained":
        _adopt(paths.out, paths.code)
    else:
        leave_nothing("pretrained", paths.out, f"model.architecture is {architecture}")


def _copy_start(text: str, architecture: str, out: Path) -> None:
    """Take the bundle that train.start names, as it is."""
    from seq2seq.bundles.manifest import bundle_digest
    from seq2seq.pretrained.start import BUNDLES, check_pinned, check_start, parse_start

    start = parse_start(text)
    # the bundle is there already if the flow has checked it
    folder = FETCHED / BUNDLES / _find(text) if start.name else Path(start.place)
    check_start(folder, start.place, architecture, load_section(PARAMS, "languages", LanguagesParams))
    check_pinned(start, digest := bundle_digest(folder))
    with replacing(out) as partial:
        shutil.copytree(folder, partial)
    print(f"pretrained: {start.place}, the bundle {digest}")


def _find(text: str) -> str:
    """The digest of a registered bundle, which is fetched where needed.

    Another process does it, since the bundle's bytes depend on no version of MLflow, and so this stage shouldn't.
    """
    command = [sys.executable, "-m", "registry.start", text, str(FETCHED)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if not done.returncode:
        return done.stdout.split()[-1]
    reason = (done.stderr.strip().splitlines() or [f"registry.start ended with status {done.returncode}"])[-1]
    kind = TransientError if done.returncode == STATUSES[UNAVAILABLE] else UserError
    raise kind(reason.removeprefix("error: "))


def _adopt(out: Path, code: Path) -> None:
    """Take a model of Hugging Face."""
    from seq2seq.models.huggingface import FineTuningParams
    from seq2seq.pretrained.hub import find_model

    params = load_section(PARAMS, "pretrained", FineTuningParams)
    languages = load_section(PARAMS, "languages", LanguagesParams)
    folder = find_model(params.model, params.revision)
    from seq2seq.pretrained.adopt import adopt_model

    origin = origin_of({"languages": languages}, {"model": folder}, code, seed=params.seed)
    model = adopt_model(folder, params.seed, languages, origin, out)
    size = sum(weight.numel() for weight in model.parameters())
    print(f"pretrained: {size:,} weights, {len(model.theirs):,} pieces")


if __name__ == "__main__":
    run(main)
