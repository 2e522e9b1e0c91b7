"""The stages of dvc.yaml: their graph as DVC reads it, which are unchanged, and how one is run."""

import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.processes import Children
from seq2seq.core.command_line import TRY_AGAIN, USER_ERROR
from seq2seq.core.errors import TransientError, UserError

SECONDS_BETWEEN_TRIES = 2.0
RUNNING = "Running stage '"
MISTAKE = re.compile(r"^(?:[\w.]+: )?error: (.*)")  # of tasks.stage, and of argparse after the program's name
TORCHRUN = 1  # exit status of torchrun, whatever that of its processes was
EXITED = re.compile(r"^\s*exitcode\s*: (-?\d+) ")  # in torchrun's report on each process; the one to blame comes last
FAILED = re.compile(r"^ERROR: failed to reproduce .* exited with (-?\d+)$")
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
        upstream = tuple(sorted(one.name for one in graph.successors(node)))
        unchanged = node.addressing not in changed and all(stages[name].unchanged for name in upstream)
        stages[node.name] = Stage(node.name, upstream, unchanged)
    return list(stages.values())


def run_stage(name: str, children: Children, say: Callable[[str], None]) -> bool:
    """Bring one stage up to date through DVC; return whether its command ran, which it doesn't on a cache hit.

    Waits while another process of DVC works on the same files.

    Raises:
        UserError: the stage ended with its one line about a user's mistake.
        TransientError: the stage ended with a fault that may be gone when it is tried again.
        StageError: it failed otherwise.
    """
    # DVC takes its lock again when the command has ended: without --wait-for-lock, a busy
    # lock would then throw the stage's work away after three seconds.
    command = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", "repro", "--single-item", name]
    waiting = False
    while True:
        log = _Log(say)
        status = children.run(command, log.follow)
        if status == 0:
            return log.executed
        if not log.busy or children.stopping.is_set():
            raise log.failure(log.status or status)
        if not waiting:
            say(f"waiting for another process of DVC: {' '.join(log.busy)}")
        waiting = True
        children.stopping.wait(SECONDS_BETWEEN_TRIES)


def run_module(module: str, children: Children, say: Callable[[str], None]) -> bool:
    """Run ``python -m MODULE`` of the working copy without DVC; return and raise as :func:`run_stage` does."""
    log = _Log(say)
    if status := children.run([sys.executable, "-m", module], log.follow):
        raise log.failure(status)
    return True


class _Log:
    """The output of a stage, passed on without DVC's chatter, and what it means."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.executed = False
        self.busy: list[str] = []  # DVC's words about who holds a lock
        self.mistake = ""  # the stage's own line about a failure
        self.last = "there was no output"
        self.status = 0  # of the stage's command, where DVC tells one that failed
        self.killed = 0  # the signal that ended the first of several processes to fail, where torchrun tells it

    def follow(self, line: str) -> None:
        """Take one line."""
        self.executed |= line.startswith(RUNNING)
        if found := FAILED.match(line):
            self.status = int(found[1])
        elif self.busy or (line.startswith("ERROR: ") and any(words in line for words in BUSY)):
            self.busy.append(line.strip())
        elif not line.startswith(CHATTER):
            self.say(line)
            if line.strip(" =-\n"):
                self.last = line
        if found := EXITED.match(line):
            self.killed = max(0, -int(found[1]))
        if found := MISTAKE.match(line):
            self.mistake = found[1]

    def failure(self, status: int) -> Exception:
        """What to raise for a command's exit status."""
        if status == TRY_AGAIN:
            return TransientError(self.mistake or self.last)
        if status == USER_ERROR or (status == TORCHRUN and self.mistake):
            return UserError(self.mistake or self.last)
        number = self.killed or (-status if status < 0 else status - 128)  # a shell adds 128 to its child's
        if number in set(signal.Signals):
            return StageError(f"it was ended by {signal.Signals(number).name}; its last line: {self.last}")
        return StageError(f"it failed with exit status {status}; its last line: {self.last}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
