"""What every command line shares: exit statuses, and an end when the process that started it dies."""

import errno
import getpass
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from seq2seq.core.errors import TransientError, UserError

USER_ERROR = 2  # exit status: the user can mend it, trying again can't
TRY_AGAIN = os.EX_TEMPFAIL  # exit status 75: trying again may help
INTERRUPTED = 130


def run(main: Callable[[], None]) -> NoReturn:
    """Run a command line; end a user's mistake with one line and status 2, a network fault with 75."""
    # GNU OpenMP's waiting threads spin 300,000 times, which starves whoever shares the cores: two trainings side
    # by side took ten times as long. This costs 2 % when alone. Read when `main` imports PyTorch.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS may add up in another order in each run
    _have_user_name()
    try:
        main()
    except UserError as error:
        _fail(str(error), USER_ERROR)
    except TransientError as error:
        _fail(str(error), TRY_AGAIN)
    except OSError as error:
        if not (reason := explain(error)):
            raise
        _fail(reason, USER_ERROR)
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on where this one stopped", INTERRUPTED)
    sys.exit(0)


def explain(error: OSError) -> str:
    """What of the file system's the user can mend, in one line; empty where it is none of the user's mistakes."""
    path = error.filename2 or error.filename  # of a file that was being copied, its new place
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" while writing {path}" if path else ""
        return f"the disk is full{where}; free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EROFS) and path:
        return f"{path}: {error.strerror}; see to its permissions, or work in another folder"
    return ""


def _have_user_name() -> None:
    """Give a user id without an entry in passwd, as containers have them, a name: DVC and MLflow fail without."""
    try:
        getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        os.environ["USER"] = f"uid-{os.getuid()}"


def _fail(message: str, status: int) -> NoReturn:
    sys.stdout.flush()
    print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    sys.exit(status)


def is_first_process() -> bool:
    """Whether this process writes for all that torchrun started together; alone it does."""
    return not _torchrun_started() or os.environ["RANK"] == "0"


def _torchrun_started() -> bool:
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
    if not _torchrun_started():
        return [parent]
    try:
        status = Path(f"/proc/{parent}/stat").read_text()
    except FileNotFoundError:  # it ended this moment
        return []
    return [parent, int(status.rpartition(")")[2].split()[1])]  # proc(5): behind the name come the state and the parent
