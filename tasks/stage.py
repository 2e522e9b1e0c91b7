"""What every stage shares: one writer at a time, its unfinished work, and where its results come from."""

import argparse
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from seq2seq.core import command_line
from seq2seq.core.command_line import (
    ArgumentParser,
    Failure,
    end_with_parent,
    is_first_process,
    torchrun_started,
)
from seq2seq.core.files import hold_lock, read_json, replacing, sha256_file, sha256_tree
from seq2seq.core.params import Section

WORK = Path(".work")  # unfinished work and locks; DVC does not know it
FETCHED = WORK / "fetched"  # files by digest, kept from run to run
FINISHED = "finished"  # in a folder of unfinished work: a stage went through with it
FAILURES = WORK / "failures"  # STAGE.json: how a stage failed


def run(main: Callable[[], None]) -> NoReturn:
    """Run a stage's command line.

    If DVC started it, it works alone on its stage, ends when DVC dies, and writes to a file how it failed.
    """
    stage = os.environ.get("DVC_STAGE")  # set by DVC
    if not stage:
        command_line.run(main)
    end_with_parent()
    if not torchrun_started():  # of several processes one may fail before another starts
        forget_failure(stage)

    def alone() -> None:
        if not is_first_process():
            main()
            return
        with _only_writer(stage, WORK / f"{stage}.lock"):
            main()

    command_line.run(alone, lambda failure: _keep_failure(stage, failure))


def read_failure(stage: str, root: Path) -> Failure | None:
    """How a stage failed in the project at ``root``, or nothing where it was killed or wasn't started."""
    try:
        return Failure(**read_json(root / FAILURES / f"{stage}.json"))
    except (FileNotFoundError, ValueError):  # a full disk keeps an empty file
        return None


def forget_failure(stage: str, root: Path = Path()) -> None:
    """Remove what an earlier failure of a stage left."""
    (root / FAILURES / f"{stage}.json").unlink(missing_ok=True)


def _keep_failure(stage: str, failure: Failure) -> None:
    """Write it where the flow reads it; if several processes fail, the first one is to blame."""
    with suppress(OSError):  # it exists, or the disk is full; the log tells of the failure too
        FAILURES.mkdir(parents=True, exist_ok=True)
        with (FAILURES / f"{stage}.json").open("x", encoding="utf-8") as file:
            json.dump(asdict(failure), file)


def leave_nothing(stage: str, folder: Path, reason: str) -> None:
    """Say that a stage has nothing to do, and leave that line in its folder: DVC warns of empty ones."""
    line = f"{stage}: nothing to do, as {reason}"
    print(line)
    with replacing(folder) as partial:
        partial.mkdir()
        (partial / "nothing.txt").write_text(f"{line}\n", encoding="utf-8")


def path_arguments(description: str | None, *names: str) -> argparse.Namespace:
    """Parse one required path flag per name; dvc.yaml is the only home of the paths."""
    parser = ArgumentParser(description=description)
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True)
    return parser.parse_args()


def origin_of(
    sections: Mapping[str, Section], inputs: Mapping[str, Path], code: Path, **others: object
) -> dict[str, str]:
    """SHA-256 of all that a result comes from: its data, its params, and its code with the packages that this needs.

    Args:
        sections: of params.yaml, by name.
        inputs: files and folders, by name.
        code: the fingerprint of the stage's code.
        others: single params.
    """
    data = {name: sha256_tree(path) for name, path in inputs.items()}
    params = {name: section.model_dump(mode="json") for name, section in sections.items()} | others
    return {"data": _digest(data), "params": _digest(params), "code": sha256_file(code)}


def digest_of_inputs(origin: Mapping[str, str]) -> str:
    """One SHA-256 for all that unfinished work depends on."""
    return _digest(origin)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@contextmanager
def work_directory(stage: str, digest: str, root: Path = WORK) -> Iterator[Path]:
    """Hold the one writer's lock of a stage and yield the folder of its unfinished work for these inputs.

    The folder survives a kill, so that the same stage with the same inputs goes on in it. The newest folder of other
    inputs is kept too: it may hold days of training, which are needed again if a change is taken back. A second
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
        (work / FINISHED).unlink(missing_ok=True)
        yield work
        (work / FINISHED).touch()


def _only_writer(stage: str, path: Path) -> AbstractContextManager[object]:
    """Hold a lock file of a stage; where another process holds it, wait for its end."""
    return hold_lock(path, f"{stage}: another process works on this stage; waiting for it to end")
