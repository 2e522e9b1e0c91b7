"""One line of JSON for each request, with an id that the client gets too."""

import json
import logging
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics

REQUEST_ID = b"x-request-id"
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


def start_logging() -> None:
    """Send this service's log, and the server's warnings, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in (("serving", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class RequestLog:
    """Gives each request an id, times it and counts it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        given = dict(scope["headers"]).get(REQUEST_ID, b"").decode("latin-1")[:64]
        number = given if given.isalnum() else uuid.uuid4().hex
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID, number.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.monotonic() - began
            matched = scope.get("route")
            route = getattr(matched, "path", "none")
            self.metrics.requests.labels(route, str(status)).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            if route not in QUIET:
                facts = {"id": number, "method": scope["method"], "route": route, "status": status}
                log.info("request", extra={"facts": facts | {"ms": round(1000 * seconds, 1)}})
