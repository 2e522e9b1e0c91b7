"""What every command line shares: how it fails, and an end when the process that started it dies."""

import argparse
import errno
import getpass
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.redaction import redact

USER_ERROR = 2  # exit status: the user can mend it, trying again can't
TRY_AGAIN = os.EX_TEMPFAIL  # exit status 75: trying again may help
INTERRUPTED = 130
MISTAKE, UNAVAILABLE, INTERRUPTION, BUG = "mistake", "unavailable", "interruption", "bug"
STATUSES = {MISTAKE: USER_ERROR, UNAVAILABLE: TRY_AGAIN, INTERRUPTION: INTERRUPTED}  # a bug ends as Python ends it


@dataclass(frozen=True)
class Failure:
    """How a command failed."""

    kind: str  # MISTAKE, UNAVAILABLE, INTERRUPTION or BUG
    message: str  # one line, without passwords

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Tell what a user can mend, and what may be gone in a minute, from a bug."""
        if isinstance(error, UserError):
            kind, message = MISTAKE, str(error)
        elif isinstance(error, TransientError):
            kind, message = UNAVAILABLE, str(error)
        elif isinstance(error, KeyboardInterrupt):
            kind, message = INTERRUPTION, "interrupted; the same command goes on where this one stopped"
        elif isinstance(error, OSError) and (reason := explain(error)):
            kind, message = MISTAKE, reason
        else:
            kind, message = BUG, traceback.format_exception_only(error)[-1]
        return cls(kind, redact(" ".join(message.split())))


class ArgumentParser(argparse.ArgumentParser):
    """A parser to which a wrong argument is a user's mistake like any other."""

    def error(self, message: str) -> NoReturn:
        """Raise a UserError in place of printing how the command is used."""
        raise UserError(f"{message}; --help tells what {self.prog} takes")


def run(main: Callable[[], None], tell: Callable[[Failure], None] = lambda _failure: None) -> NoReturn:
    """Run a command line; end a user's mistake with one line and status 2, a network fault with 75.

    ``tell`` learns of a failure before the process ends.
    """
    # GNU OpenMP's waiting threads spin 300,000 times, which starves whoever shares the cores; docs/benchmarks.md has
    # what fewer spins gain side by side, and what they cost alone. Read when `main` imports PyTorch.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS may add up in another order in each run
    _have_user_name()
    try:
        main()
    except (Exception, KeyboardInterrupt) as error:
        failure = Failure.of(error)
        tell(failure)
        if failure.kind == BUG:
            sys.excepthook = _print_traceback
            raise
        sys.stdout.flush()
        print(f"error: {failure.message}", file=sys.stderr, flush=True)
        sys.exit(STATUSES[failure.kind])
    sys.exit(0)


def _print_traceback(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """Print a traceback as Python does, without the passwords that its errors quote."""
    sys.stderr.write(redact("".join(traceback.format_exception(error))))


def explain(error: OSError) -> str:
    """Say in one line what the user can mend; empty where the user can't."""
    path = error.filename2 or error.filename  # of a file that was being copied, its new place
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" while writing {path}" if path else ""
        return f"the disk is full{where}; free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EROFS) and path:
        return f"{path}: {error.strerror}; see to its permissions, or work in another folder"
    return ""


def _have_user_name() -> None:
    """Name a user id that has no entry in passwd, as in a container: DVC and MLflow fail without a name."""
    try:
        getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        os.environ["USER"] = f"uid-{os.getuid()}"


def is_first_process() -> bool:
    """Whether this process writes for all that torchrun started together; alone it does."""
    return not torchrun_started() or os.environ["RANK"] == "0"


def torchrun_started() -> bool:
    """Whether torchrun started this process, alone or with others."""
    return "TORCHELASTIC_RUN_ID" in os.environ


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
    if not torchrun_started():
        return [parent]
    try:
        status = Path(f"/proc/{parent}/stat").read_text()
    except FileNotFoundError:  # it ended this moment
        return []
    return [parent, int(status.rpartition(")")[2].split()[1])]  # proc(5): behind the name come the state and the parent
