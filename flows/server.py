"""A Prefect server for the length of one run, where the user has none.

Prefect would start one by itself, but only after the flow's process has loaded the server's code too. We start it
first, so that it is ready when the params are checked.
"""

import atexit
import contextlib
import logging
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO
from urllib.request import getproxies, proxy_bypass

import httpx
import prefect
from packaging.version import Version
from prefect.client.base import ServerType
from prefect.client.orchestration import get_client
from prefect.context import get_settings_context
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, get_current_settings, temporary_settings

from seq2seq.core.command_line import end_with_parent
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import hold_lock
from seq2seq.core.redaction import redact

SECONDS_TO_START = 120.0  # the first start makes the database, on a busy machine
SECONDS_TO_END = 5.0
PATIENCE = httpx.Timeout(30.0, connect=5.0)  # a busy server answers late
HERE = ("127.0.0.1", "localhost")
WAITING = "another run starts its Prefect server; waiting for it"


def find_server() -> Callable[[], str]:
    """Return a function that waits until a Prefect server answers, and returns its API's address.

    It is the server that PREFECT_API_URL or the user's profile names, else a new one on a free local port with
    Prefect's usual database, which ends with this process.

    Raises:
        UserError: (by the function) the named server does not answer, is not Prefect's or wants a password, or the new
            one can't start.
        TransientError: (by the function) the server has a fault.
    """
    _reach_this_machine_directly()
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


@contextlib.contextmanager
def expect_server(url: str) -> Iterator[None]:
    """Talk to the server at an address; if it goes away, say so once.

    Raises:
        TransientError: it did.
    """
    logging.getLogger("prefect.flow_runs").addFilter(_is_not_about_the_line)  # else it logs 90 lines of traceback
    logging.raiseExceptions = False  # else its logs tell on stderr that they didn't reach the server
    try:
        with temporary_settings({PREFECT_API_URL: url}):
            yield
    except httpx.TransportError as error:
        logging.disable()  # Prefect's clients would complain until the process ends
        raise TransientError(
            f"the Prefect server at {redact(url)} went away and doesn't know how the run ended, which the "
            f"lines above tell; start it, and run the same command again ({error})"
        ) from None


def _is_not_about_the_line(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], httpx.TransportError))


def _reach_this_machine_directly() -> None:
    """Let us, and all that we start, reach this machine's own servers without a proxy."""
    for name in ("no_proxy", "NO_PROXY"):  # the first wins where both are set
        listed = os.environ.get(name) or os.environ.get("NO_PROXY")
        os.environ[name] = ",".join([*([listed] if listed else []), *HERE])


def _reach(url: str) -> str:
    """Return the address of an API that is Prefect's and lets us in."""
    where = _where_named()
    shown = redact(url)
    try:
        version = _ask_version(url)
    except httpx.InvalidURL:  # its message would quote a part of the password
        raise UserError(
            f"{shown} can't be read as an address; {_mend(where)}, in which a password has %2F for / and %40 for @"
        ) from None
    except httpx.TransportError as error:
        address = httpx.URL(url)
        proxy = "" if proxy_bypass(address.host) else getproxies().get(address.scheme, "")
        through = f" through the proxy {redact(proxy)} of {address.scheme.upper()}_PROXY" if proxy else ""
        raise UserError(
            f"no Prefect server answers at {shown}{through}; start it, or unset {where} to do without ({error})"
        ) from None
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise UserError(
                f"the Prefect server at {shown} wants a password; set PREFECT_API_AUTH_STRING to it "
                "(PREFECT_API_KEY for Prefect Cloud)"
            ) from None
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise TransientError(f"the server at {shown} answers with status {status}; its log may tell why") from None
        raise UserError(f"what answers at {shown} is not Prefect's API (status {status}); {_mend(where)}") from None
    except ValueError:  # neither JSON nor a version
        raise UserError(f"what answers at {shown} is not Prefect's API; {_mend(where)}") from None
    if version and version.major != Version(prefect.__version__).major:
        raise UserError(
            f"the server at {shown} is Prefect {version}, which Prefect {prefect.__version__} can't talk to; "
            f"start one of this version, or unset {where} to do without"
        )
    return url


def _ask_version(url: str) -> Version | None:
    """The version of the server at an address; Prefect Cloud has none, and fits every client."""
    with (
        temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(httpx_settings={"timeout": PATIENCE}, sync_client=True) as client,
    ):
        if client.server_type == ServerType.CLOUD:
            client.hello()
            return None
        return Version(str(client.api_version()))


def _where_named() -> str:
    """The variable or the profile that gives the server's address."""
    if PREFECT_API_URL.name in os.environ:
        return PREFECT_API_URL.name
    profile = get_settings_context().profile
    if PREFECT_API_URL in profile.settings:
        return f"{PREFECT_API_URL.name} in Prefect's profile '{profile.name}'"
    return f"{PREFECT_API_URL.name} (`prefect config view` shows where it is set)"


def _mend(where: str) -> str:
    return f"let {where} be the address of one, such as http://HOST:4200/api, or unset it to do without"


def _answers(url: str) -> bool:
    try:
        httpx.get(f"{url}/health", timeout=PATIENCE)
    except httpx.TransportError:
        return False
    return True


def _wait(process: subprocess.Popen[bytes], url: str, log: IO[bytes]) -> str:
    deadline = time.monotonic() + SECONDS_TO_START
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise UserError(f"Prefect's server does not start: {' '.join(last) or 'it says nothing'}")
        time.sleep(0.1)
    return _reach(url)


def main() -> None:
    """Be the ``prefect`` command until it ends, or until the flow that started it was killed."""
    end_with_parent()
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
