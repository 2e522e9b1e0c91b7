"""Connections whose clients may be slow, but not for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

LOOKS = 4  # at a connection, in the time that its client may take


class Connection(H11Protocol):
    """Uvicorn's connection, cut off where for one request the client keeps the service waiting too long.

    That is from the opening, or from the answer before, to the request's last byte, and again while it doesn't read
    the answer. Uvicorn itself ends only those that are idle between two requests.
    """

    def __init__(self, *given: Any, seconds: float, **named: Any) -> None:
        """Take what uvicorn gives, and how long a client may take."""
        super().__init__(*given, **named)
        self._seconds = seconds
        self._since = 0.0
        self._last: Any = None  # the request that was the last one when we looked
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look at it."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        now = self.loop.time()
        if self.cycle is not self._last or not self._waits():
            self._last, self._since = self.cycle, now
        if now - self._since > self._seconds:
            self.transport.abort()
            return
        self._timer = self.loop.call_later(self._seconds / LOOKS, self._look)

    def _waits(self) -> bool:
        """Whether it is the client's turn."""
        cycle = self.cycle
        return cycle is None or cycle.more_body or cycle.response_complete or self.flow.write_paused
