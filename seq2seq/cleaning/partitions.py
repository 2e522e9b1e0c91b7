"""The same work for each partition, here or in several processes; the results come in order, whatever the number."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from seq2seq.core.command_line import end_with_parent
from seq2seq.core.errors import UserError

T = TypeVar("T")
Work = Callable[[Path], T]  # can be pickled
WAITING = 2  # results for each process that may wait, so that memory stays flat

_work: list[Work[Any]] = []  # of this process, if it belongs to a pool


def map_partitions(work: Work[T], paths: Sequence[Path], workers: int) -> Iterator[T]:
    """Yield ``work(path)`` for each path in order; a single path is done here, where no pool has to start.

    Args:
        work: is sent to each process once.
        paths: of partitions.
        workers: processes; 0 for one for each core that we may use.

    Raises:
        UserError: a process was killed, or as ``work`` does.
    """
    workers = min(workers or len(os.sched_getaffinity(0)), len(paths))
    if workers <= 1:
        yield from map(work, paths)
        return
    spawn = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks
    with ProcessPoolExecutor(workers, spawn, _start, (work,)) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for path in paths:
                waiting.append(pool.submit(_apply, path))
                if len(waiting) > WAITING * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise UserError(
                f"one of {workers} cleaning processes was killed; if memory ran out, --set cleaning.workers=1"
            ) from None
        finally:
            for future in waiting:
                future.cancel()


def _start(work: Work[Any]) -> None:
    end_with_parent()
    _work.append(work)


def _apply(path: Path) -> Any:
    return _work[0](path)
