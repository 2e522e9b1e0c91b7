"""What every stage shares: its exit status, its unfinished work, and an end when its DVC dies."""

import argparse
import errno
import hashlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

from seq2seq.errors import TransientError, UserError
from seq2seq.files import hold_lock, replacing, sha256_file, sha256_tree
from seq2seq.params import Section

PARAMS = Path("params.yaml")
LOCK = Path("requirements.lock")
WORK = Path(".work")  # unfinished work and locks; DVC does not know it
USER_ERROR = 2  # exit status: the user can mend it, trying again can't
TRY_AGAIN = os.EX_TEMPFAIL  # exit status 75: trying again may help


def run(main: Callable[[], None]) -> NoReturn:
    """Run a command line; end a user's mistake with one line and status 2, a network fault with 75."""
    stage = os.environ.get("DVC_STAGE")  # set by DVC
    if stage:
        end_with_parent()
    # GNU OpenMP's waiting threads spin 300,000 times, which starves whoever shares the cores: two trainings side
    # by side took ten times as long. This costs 2 % when alone. Read when `main` imports PyTorch.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS may add up in another order in each run
    try:
        with _only_writer(stage, WORK / f"{stage}.lock") if stage and is_first_process() else nullcontext():
            main()
    except UserError as error:
        _fail(str(error), USER_ERROR)
    except TransientError as error:
        _fail(str(error), TRY_AGAIN)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        _fail(f"the disk is full{where}; free some space and run the same command again", USER_ERROR)
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on where this one stopped", 130)
    sys.exit(0)


def is_first_process() -> bool:
    """Whether this process writes for all that torchrun started together; alone it does."""
    return not _torchrun_started() or os.environ["RANK"] == "0"


def _torchrun_started() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def _fail(message: str, status: int) -> NoReturn:
    sys.stdout.flush()
    print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    sys.exit(status)


def end_with_parent() -> None:
    """Watch for the death of the process that started us: its orphan must not work beside its successor's child."""
    parents = _parents()

    def watch() -> None:
        while _parents() == parents:
            time.sleep(0.5)
        os._exit(TRY_AGAIN)

    threading.Thread(target=watch, daemon=True).start()


def _parents() -> list[int]:
    """Who started us; and if that is torchrun, which watches nobody, who started it."""
    parent = os.getppid()
    if not _torchrun_started():
        return [parent]
    try:
        status = Path(f"/proc/{parent}/stat").read_text()
    except FileNotFoundError:  # it ended this moment
        return []
    return [parent, int(status.rpartition(")")[2].split()[1])]  # proc(5): behind the name come the state and the parent


def leave_nothing(stage: str, folder: Path, reason: str) -> None:
    """Say that a stage has nothing to do, and leave that line in its folder: DVC warns of empty ones."""
    line = f"{stage}: nothing to do, as {reason}"
    print(line)
    with replacing(folder) as partial:
        partial.mkdir()
        (partial / "nothing.txt").write_text(f"{line}\n", encoding="utf-8")


def path_arguments(description: str | None, *names: str) -> argparse.Namespace:
    """Parse one required path flag per name; dvc.yaml is the only home of the paths."""
    parser = argparse.ArgumentParser(description=description)
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True)
    return parser.parse_args()


def origin_of(sections: Mapping[str, Section], inputs: Mapping[str, Path], **others: object) -> dict[str, str]:
    """SHA-256 of all that a result comes from: its data, its params, and the library code in use."""
    code = {
        name: sha256_file(Path(module.__file__))
        for name, module in sorted(sys.modules.items())
        if name.startswith("seq2seq.") and module.__file__
    }
    parts = {
        "data": {name: sha256_tree(path) for name, path in inputs.items()},
        "params": {name: section.model_dump(mode="json") for name, section in sections.items()} | others,
        "code": code,
    }
    return {name: _digest(part) for name, part in parts.items()}


def digest_of_inputs(origin: Mapping[str, str]) -> str:
    """Name in one SHA-256 what unfinished work depends on: its origin, and the versions of all packages."""
    return _digest({**origin, "packages": sha256_file(LOCK)})


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@contextmanager
def work_directory(stage: str, digest: str, root: Path = WORK) -> Iterator[Path]:
    """Hold the one writer's lock of a stage and yield the folder of its unfinished work for these inputs.

    The folder survives a kill, so that the same stage with the same inputs goes on in it. Of folders of other inputs
    the newest is kept: it may hold days of training, to which a change that is taken back leads again. A second
    process of the stage waits for the first to end, unless torchrun started both together.
    """
    folder = root / stage
    if not is_first_process():
        yield folder / digest
        return
    with _only_writer(stage, folder / "lock"):
        others = [path for path in folder.iterdir() if path.is_dir() and path.name != digest]
        for other in sorted(others, key=lambda path: path.stat().st_mtime_ns)[:-1]:
            shutil.rmtree(other)
        work = folder / digest
        work.mkdir(exist_ok=True)
        yield work


def _only_writer(stage: str, path: Path) -> AbstractContextManager[object]:
    """Hold a lock file of a stage; where another process holds it, wait for its end."""
    return hold_lock(path, f"{stage}: another process works on this stage; waiting for it to end")
