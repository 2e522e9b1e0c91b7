"""The stages of dvc.yaml: their graph as DVC reads it, which are unchanged, and how one is run."""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.processes import Children
from seq2seq.core.command_line import MISTAKE, UNAVAILABLE, Failure
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.redaction import redact
from tasks.stage import forget_failure, read_failure

CODE = "code"  # the stage that tells which code the others depend on, and checks the installed packages
REGISTER = "register"  # the last stage
SECONDS_BETWEEN_TRIES = 2.0
RUNNING = "Running stage '"
ERROR = "ERROR: "  # DVC's own
BUSY = ("is busy, it is being blocked by", "Unable to acquire lock")  # DVC has no exit status for it
CHATTER = (  # what DVC says after each stage, about git and remotes
    "Generating lock file",
    "Updating lock file",
    "To track the changes with git",
    "\tgit add",
    "To enable auto staging",
    "\tdvc config core.autostage",
    "Use `dvc push`",
    "Data and pipelines are up to date",
    "ERROR: failed to reproduce",  # told with the failure
)


class StageError(Exception):
    """A stage ended in a way that only its log explains: a bug, a kill, or too little memory."""


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml."""

    name: str
    upstream: tuple[str, ...]  # the stages that write what it reads
    unchanged: bool  # neither it nor any stage before it differs from dvc.lock


def read_stages(folder: Path, say: Callable[[str], None]) -> list[Stage]:
    """Read the stage graph and what DVC finds changed, each stage after those that it depends on.

    Waits while another process of DVC holds its lock.

    Raises:
        UserError: there is no DVC project in ``folder``, or its dvc.yaml can't be read.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.rwlock import RWLockFileCorruptedError
    from networkx import topological_sort

    waiting = False
    while True:
        try:
            with Repo(str(folder)) as repo:
                graph = repo.index.graph
                changed = repo.status()
            break
        except LockError as error:
            if not waiting:
                say(f"waiting for another process of DVC: {_one_line(error)}")
            waiting = True
            time.sleep(SECONDS_BETWEEN_TRIES)
        except RWLockFileCorruptedError:  # DVC was killed while it wrote this list of who works on what
            (folder / ".dvc" / "tmp" / "rwlock").unlink()
        except DvcException as error:
            raise UserError(f"{folder / 'dvc.yaml'}: {_one_line(error)}") from None
    stages: dict[str, Stage] = {}
    for node in reversed(list(topological_sort(graph))):  # DVC's edges go from a stage to those before it
        if not node.cmd:  # data that `dvc add` tracks: what reads them is found changed by itself
            continue
        upstream = tuple(sorted(one.name for one in graph.successors(node) if one.cmd))
        unchanged = node.addressing not in changed and all(stages[name].unchanged for name in upstream)
        stages[node.name] = Stage(node.name, upstream, unchanged)
    return list(stages.values())


def run_stage(name: str, children: Children, say: Callable[[str], None], *options: str) -> bool:
    """Bring one stage up to date through DVC; return whether its command ran, which it doesn't on a cache hit.

    ``options`` go to `dvc repro`. Waits while another process of DVC works on the same files.

    Raises:
        UserError: the stage failed by a user's mistake.
        TransientError: it failed by what may be gone when it is tried again.
        StageError: it failed otherwise, or was killed.
    """
    # DVC takes its lock again when the command has ended: without --wait-for-lock, a busy
    # lock would then throw the stage's work away after three seconds.
    command = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", "repro", "--single-item", *options, name]
    waiting = False
    while True:
        log = _Log(say)
        forget_failure(name, children.folder)
        status = children.run(command, log.follow)
        if status == 0:
            return log.executed
        failure = read_failure(name, children.folder)
        if failure or not log.busy or children.stopping.is_set():
            raise _explain(failure, status, log)
        if not waiting:
            say(f"waiting for another process of DVC: {' '.join(log.busy)}")
        waiting = True
        children.stopping.wait(SECONDS_BETWEEN_TRIES)


def run_module(module: str, children: Children, say: Callable[[str], None]) -> bool:
    """Run ``python -m tasks.NAME`` of the working copy without DVC; return and raise as :func:`run_stage` does."""
    log = _Log(say)
    stage = module.rpartition(".")[2]
    forget_failure(stage, children.folder)
    if status := children.run([sys.executable, "-m", module], log.follow, DVC_STAGE=stage):
        raise _explain(read_failure(stage, children.folder), status, log)
    return True


class _Log:
    """The output of a stage, passed on without DVC's chatter, and what it means."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.executed = False
        self.busy: list[str] = []  # DVC's words about who holds a lock
        self.last = "there was no output"  # line of the stage
        self.error = ""  # DVC's last line about one

    def follow(self, line: str) -> None:
        """Take one line."""
        self.executed |= line.startswith(RUNNING)
        if self.busy or (line.startswith(ERROR) and any(words in line for words in BUSY)):
            self.busy.append(line.strip())
            return
        if not line.startswith(CHATTER):
            self.say(line)
        if line.startswith(ERROR):
            self.error = line
        elif not line.startswith(CHATTER) and line.strip(" =-\n"):
            self.last = line.strip()


def _explain(failure: Failure | None, status: int, log: _Log) -> Exception:
    """What to raise where a stage left a failure, or none, and the process that ran it ended with a status."""
    if failure and failure.kind == MISTAKE:
        return UserError(failure.message)
    if failure and failure.kind == UNAVAILABLE:
        return TransientError(failure.message)
    if failure:
        how = failure.message
    elif status < 0:
        how = f"it was ended by {signal.Signals(-status).name}"
    else:
        how = log.error.removeprefix(ERROR) or f"it ended with status {status}"
    return StageError(how if how == log.last else f"{how}; the last line of its log: {log.last}")


def _one_line(error: Exception) -> str:
    return redact(" ".join(str(error).split()))
