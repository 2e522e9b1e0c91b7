"""The runs of a checkout: what each lays over params.yaml, how it is named, where it works, and their list.

``python -m flows.runs`` from the repository's root folder lists them.
"""

import difflib
import fcntl
import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.tables import Rows, text_table
from registry.commits import RUN, read_commit
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json, write_json
from seq2seq.core.params import PARAMS, overlay, parse_assignment, read_yaml
from seq2seq.metrics.scores import UNDEFINED

PRESETS = Path("presets")
RUNS = Path("runs")
LOCK = Path(".work", "flow.lock")  # held while a flow works there
NAME = re.compile(r"\w[\w.-]*")  # of a preset, and of a run; names that are made here may also have a +
LONGEST_NAME = 100  # bytes; file systems know names of up to 255
QUALITY = Path("reports", "quality.json")
REGISTRATION = Path("reports", "registration.json")


def resolve(root: Path, presets: Sequence[str], overrides: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Lay presets and ``--set`` assignments over params.yaml, in this order; also say in words what was laid.

    Raises:
        UserError: a preset is unknown, or a preset or an assignment names an unknown key.
    """
    tree = read_yaml(root / PARAMS)
    known = sorted(path.stem for path in (root / PRESETS).glob("*.yaml"))
    for name in presets:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"there is {', '.join(known) or 'none yet'}"
            raise UserError(f"there is no preset '{name}' in {PRESETS}/; {hint}")
        path = PRESETS / f"{name}.yaml"
        tree = overlay(tree, read_yaml(root / path), str(path))
    for assignment in overrides:
        tree = overlay(tree, parse_assignment(assignment), f"--set {assignment}")
    flags = [f"--preset {name}" for name in presets] + [f"--set {assignment}" for assignment in overrides]
    return tree, " ".join([str(PARAMS), "with", *flags] if flags else [str(PARAMS)])


def run_folder(root: Path, presets: Sequence[str], overrides: Sequence[str], name: str = "") -> Path:
    """Where a run works: the checkout itself or, with presets, assignments or a name, a folder of its own.

    Raises:
        UserError: the name can't be that of a folder, or is a preset's.
    """
    if not (presets or overrides or name):
        return root
    if name and (root / PRESETS / f"{name}.yaml").exists():
        raise UserError(f"--name {name} is the name of runs with that preset; choose another")
    return root / RUNS / run_name(presets, overrides, name)


def run_name(presets: Sequence[str], overrides: Sequence[str], name: str = "") -> str:
    """Name the copy of a run: as the user says, else by its presets and a digest of what they don't tell.

    Raises:
        UserError: the name can't be that of a folder.
    """
    for word, flag in [(name, "--name"), *((preset, "--preset") for preset in presets)]:
        if word and not (NAME.fullmatch(word) and len(os.fsencode(word)) <= LONGEST_NAME):
            raise UserError(
                f"{flag} {word}: it names a folder in {RUNS}/; write letters, digits and . _ - only, a letter or a "
                f"digit first, at most {LONGEST_NAME} bytes"
            )
    if name:
        return name
    joined = "+".join(presets) or PARAMS.stem
    if not overrides and len(os.fsencode(joined)) <= LONGEST_NAME:
        return joined
    digest = hashlib.sha256(json.dumps([list(presets), list(overrides)]).encode()).hexdigest()[:8]
    return f"{os.fsencode(joined)[:LONGEST_NAME].decode(errors='ignore')}+{digest}"


def record_run(
    root: Path, folder: Path, presets: Sequence[str], overrides: Sequence[str], say: Callable[[str], None]
) -> None:
    """Write into a working copy what is laid over its params.yaml, and which commit it was made of.

    If something else was laid over it before, say so.
    """
    laid = {"presets": list(presets), "assignments": list(overrides)}
    before = read_json(folder / RUN) if (folder / RUN).exists() else laid
    if (was := _flags(before)) != (now := _flags(laid)):
        say(f"{folder} held the run {was}; now it becomes {now}")
    write_json(folder / RUN, laid | {"code": read_commit(root)})


def _flags(laid: Mapping[str, Sequence[str]]) -> str:
    """What a run lays over params.yaml, as it is typed."""
    words = [["--preset", name] for name in laid["presets"]] + [["--set", one] for one in laid["assignments"]]
    return shlex.join(word for pair in words for word in pair) or f"with {PARAMS} as it is"


def list_runs(root: Path) -> Rows:
    """One row for each working copy, the one that was started last first."""
    records = sorted((root / RUNS).glob(f"*/{RUN}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [_row(path.parent, path.stat().st_mtime) for path in records]


def has_finished(folder: Path) -> bool:
    """Whether the run that was started last in a working copy went through to its registration."""
    registration = folder / REGISTRATION  # the last file that a run writes
    return registration.exists() and registration.stat().st_mtime >= (folder / RUN).stat().st_mtime


def _row(folder: Path, started: float) -> dict[str, str]:
    row = {
        "name": folder.name,
        "started": f"{datetime.fromtimestamp(started):%Y-%m-%d %H:%M}",
        "state": "running" if is_locked(folder / LOCK) else "finished" if has_finished(folder) else "stopped",
        "version": "",
        "int8 BLEU": "",
        "laid over params.yaml": _flags(read_json(folder / RUN)),
    }
    if row["state"] == "finished":  # if it stopped, what it has there is from an earlier run
        made = read_json(folder / REGISTRATION)
        tests = read_json(folder / QUALITY)["int8"]
        row["version"] = f"{made['name']} {made['version']}"
        row["int8 BLEU"] = ", ".join(f"{_bleu(scores)} ({test})" for test, scores in tests.items())
    return row


def _bleu(scores: Mapping[str, Any]) -> str:
    return "undefined" if UNDEFINED in scores else f"{scores['bleu']:.1f}"


def is_locked(path: Path) -> bool:
    """Whether a process holds a lock file."""
    if not path.exists():
        return False
    with path.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def main() -> None:
    """Print the list."""
    ArgumentParser(prog="python -m flows.runs", description=__doc__).parse_args()
    print(text_table(list_runs(Path())) or f"there is no run in {RUNS}/; one with --preset, --set or --name goes there")


if __name__ == "__main__":
    run(main)
