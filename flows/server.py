"""A Prefect server for the length of one run, where the user has none.

Prefect would start one by itself, but only after the flow's process has loaded the server's code too;
started here, first of all, it is ready when the params are checked.
"""

import atexit
import contextlib
import runpy
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import IO

import httpx
from prefect.settings import get_current_settings

from seq2seq.core.command_line import end_with_parent
from seq2seq.core.errors import UserError
from seq2seq.core.files import hold_lock

SECONDS_TO_START = 120.0  # the first start makes the database, on a busy machine
SECONDS_TO_END = 5.0
WAITING = "another run starts its Prefect server; waiting for it"


def find_server() -> Callable[[], str]:
    """Return a function that waits until a Prefect server answers, and returns its API's address.

    It is the server that PREFECT_API_URL or the user's profile names, else a new one on a free local port with
    Prefect's usual database, which ends with this process.

    Raises:
        UserError: (by the function) the named server does not answer, or the new one can't start.
    """
    if url := get_current_settings().api.url:
        return lambda: _reach(url)
    alone = contextlib.ExitStack()  # the first two servers on a machine would make the database at once, and one fail
    alone.enter_context(hold_lock(get_current_settings().home / "seq2seq-start.lock", WAITING))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the server)
    process = _start(port, log)

    def wait() -> str:
        with alone:
            return _wait(process, f"http://127.0.0.1:{port}/api", log)

    return wait


def _start(port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-scheduler", "--no-late-runs"]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, "server", "start", "--analytics-off", *options],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C must leave it alive until the flow has said how it ended
    )
    atexit.register(_stop, process)  # after Prefect's client, which registers later, has sent its last logs
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):  # while it makes its database, it ends only after that
        process.wait(SECONDS_TO_END)


def _answers(url: str) -> bool:
    try:
        httpx.get(f"{url}/health", timeout=5.0)  # a server that wants a password answers too
    except httpx.TransportError:
        return False
    return True


def _reach(url: str) -> str:
    if not _answers(url):
        raise UserError(f"no Prefect server answers at {url}; start it, or unset PREFECT_API_URL to do without")
    return url


def _wait(process: subprocess.Popen[bytes], url: str, log: IO[bytes]) -> str:
    deadline = time.monotonic() + SECONDS_TO_START
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise UserError(f"Prefect's server does not start: {' '.join(last) or 'it says nothing'}")
        time.sleep(0.1)
    return url


def main() -> None:
    """Be the ``prefect`` command until it ends, or until the flow that started it was killed."""
    end_with_parent()
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
