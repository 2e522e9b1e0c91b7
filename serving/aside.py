"""Work in a thread that the end of the process doesn't wait for: a registry may be silent for minutes."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")


def run_aside(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> "asyncio.Future[T]":
    """Run ``work`` in a thread of its own; unlike those of ``asyncio.to_thread`` it doesn't hold up the end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if future.done():  # whoever waited has gone
            return
        if error is None:
            future.set_result(cast("T", result))
        else:
            future.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work(*given, **named)
        except BaseException as raised:  # noqa: BLE001 - it goes to who waits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(deliver, result, error)

    threading.Thread(target=run, daemon=True).start()
    return future
