"""``python -m serving``: load what is to be served, and answer."""

import logging
import math
import socket
import sys

import uvicorn

from seq2seq.core.command_line import run
from seq2seq.core.errors import UserError
from serving.app import make_app
from serving.logs import start_logging
from serving.models import Loaded, Version, plain_bundle
from serving.registered import AWAY, Registered, default_model
from serving.settings import Settings, read_settings

log = logging.getLogger("serving")


def _find(registered: Registered) -> Version:
    """The registry's version, or, where it can't be had, the one that was served here last."""
    try:
        return registered.ask()
    except AWAY as error:
        last = registered.last_served()
        if last is None:
            raise
        facts = {"model": registered.name, "version": last.version, "reason": " ".join(str(error).split())}
        log.warning("the registry does not answer; the version that was served last answers", extra={"facts": facts})
        return last


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except (OSError, OverflowError) as error:
        raise UserError(
            f"can't listen at {settings.host}, port {settings.port} ({error}); choose another one"
        ) from None
    return listener


def main() -> None:
    """Serve until a signal ends it; what was accepted is answered first."""
    settings = read_settings(sys.argv[1:])
    start_logging()
    listener = _listen(settings)
    named = settings.model or ([] if settings.bundle else [default_model()])
    registered = [Registered(one, settings.store) for one in named]
    versions = [_find(one) for one in registered] + [plain_bundle(folder) for folder in settings.bundle]
    loaded = [Loaded(version, settings.threads) for version in versions]
    for one, version in zip(registered, versions, strict=False):
        one.keep(version)
    app = make_app(settings, loaded, registered)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(settings.wait_seconds),
    )
    host, port = listener.getsockname()[:2]
    pairs = ", ".join(f"{one.name} ({one.languages.source} to {one.languages.target})" for one in loaded)
    listener.listen()  # whoever reads the next line may connect
    print(f"{pairs} at http://{host}:{port}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    run(main)
