"""``python -m serving``: load what is to be served, and answer."""

import contextlib
import functools
import math
import resource
import socket
import sys
from collections.abc import Iterator

import uvicorn

from seq2seq.core.command_line import run
from seq2seq.core.errors import UserError
from serving.app import make_app
from serving.connections import Connection
from serving.logs import start_logging
from serving.models import Loaded, plain_bundle
from serving.registered import Registered, default_model
from serving.settings import Settings, read_settings


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio turns Nagle's algorithm off where it knows that this is TCP; else answers would wait 40 ms for an ACK
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with _telling(settings):
        listener.bind((settings.host, settings.port))
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _telling(settings: Settings) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"can't listen at {settings.host}, port {settings.port} ({error}); choose another one"
        ) from None


def _allow_connections() -> None:
    """Raise the limit of open files, which many shells set at 1,024, as far as it may be: each client takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Serve until a signal ends it; what was accepted is answered first."""
    settings = read_settings(sys.argv[1:])
    start_logging()
    _allow_connections()
    listener = _listen(settings)
    named = settings.model or ([] if settings.bundle else [default_model()])
    registered = [Registered(one, settings.store) for one in named]
    loaded = [one.start(settings.threads) for one in registered]
    loaded += [Loaded(plain_bundle(folder), settings.threads) for folder in settings.bundle]
    app = make_app(settings, loaded, registered)
    config = uvicorn.Config(
        app,
        http=functools.partial(Connection, seconds=settings.wait_seconds),  # type: ignore[arg-type]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(settings.wait_seconds),
    )
    pairs = ", ".join(f"{one.name} ({one.languages.source} to {one.languages.target})" for one in loaded)
    with _telling(settings):  # another service may have been as quick
        listener.listen()  # whoever reads the next line may connect
    print(f"{pairs} at {_address(listener)}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    run(main)
