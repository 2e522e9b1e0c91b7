"""One line of JSON for each request, with an id that the client gets too."""

import json
import logging
import os
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics

REQUEST_ID = b"x-request-id"
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)  # a client's, such as a UUID; what else it sends may break a log's line
STDERR = 2
MOST_LINES = 10_000  # that wait for whoever reads the log
SECONDS_TO_END = 2.0  # for the lines that still wait when the service ends
QUIET = {"/live", "/ready", "/metrics", "/health", "/ping"}
log = logging.getLogger("serving")


class JsonLines(logging.Formatter):
    """What happened, as an object."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        when = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, Any] = {"time": f"{when:%Y-%m-%dT%H:%M:%S.%f}Z", "level": record.levelname.lower()}
        told["what"] = record.getMessage()
        told |= getattr(record, "facts", {})
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


class Lines(logging.Handler):
    """Writes lines from a thread of its own: a log that nobody reads, or a full disk, must not stop the service.

    Lines that could not be written are counted, and the next line that can be says how many they were.
    """

    def __init__(self, file: int) -> None:
        """Take the descriptor to write to."""
        super().__init__()
        self.setFormatter(JsonLines())
        self._file, self._lost = file, 0
        self._waiting: queue.Queue[str] = queue.Queue(MOST_LINES)
        threading.Thread(target=self._write, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, to be written in its turn."""
        try:
            self._waiting.put_nowait(self.format(record))
        except queue.Full:
            self._lost += 1

    def flush(self) -> None:
        """Wait until all is written, but not for ever."""
        deadline = time.monotonic() + SECONDS_TO_END
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)

    def _write(self) -> None:
        told = 0
        while True:
            line = self._waiting.get()
            if (lost := self._lost) > told:
                notice = {"level": "warning", "what": "log lines were lost", "lines": lost - told}
                line = f"{json.dumps(notice)}\n{line}"
            try:
                os.write(self._file, f"{line}\n".encode(errors="backslashreplace"))
                told = lost
            except OSError:
                self._lost += 1
            self._waiting.task_done()


def start_logging() -> None:
    """Send this service's log, and the server's warnings, to stderr."""
    handler = Lines(STDERR)
    for name, level in (("serving", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class RequestLog:
    """Gives each request an id, times it and counts it; where the service has a fault, it says so under that id."""

    def __init__(self, app: ASGIApp, metrics: Metrics, fault: Callable[[Scope], Response]) -> None:
        self.app, self.metrics, self.fault = app, metrics, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        given = dict(scope["headers"]).get(REQUEST_ID, b"").decode("latin-1")
        number = given if _ID.fullmatch(given) else uuid.uuid4().hex
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID, number.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            log.exception("fault", extra={"facts": {"id": number}})
            if status:  # too late for another answer
                raise
            await self.fault(scope)(scope, receive, send_with_id)
        finally:
            seconds = time.monotonic() - began
            matched = scope.get("route")
            route = getattr(matched, "path", "none")
            self.metrics.requests.labels(route, str(status)).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            if route not in QUIET:
                facts = {"id": number, "method": scope["method"], "route": route, "status": status}
                log.info("request", extra={"facts": facts | {"ms": round(1000 * seconds, 1)}})
