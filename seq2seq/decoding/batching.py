"""Many sequences through an engine: ordered by length, cut into batches, and the results put back in their places."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from seq2seq.core.progress import Progress

T = TypeVar("T")
R = TypeVar("R")


def run_in_batches(
    items: Mapping[int, T],
    size: int,
    run: Callable[[list[list[T]]], Iterator[list[R]]],
    length: Callable[[T], int],
    *,
    rank: int = 0,
    processes: int = 1,
    progress: Progress | None = None,
) -> dict[int, R]:
    """Return what ``run`` makes of each item, by the item's row.

    Items of like length share a batch, so that little of it is padding. The longest come first: a batch that is too
    large for the memory fails at once.

    Args:
        items: by row.
        size: items in a batch at most.
        run: yields the results of each batch, in order.
        length: of an item, in pieces.
        rank: which of the processes that share the batches this one is.
        processes: how many share them; each gets the results of its own.
        progress: counts the items that are done.
    """
    order = sorted(items, key=lambda row: (-length(items[row]), row))
    batches = [order[start : start + size] for start in range(0, len(order), size)][rank::processes]
    found: dict[int, R] = {}
    results = run([[items[row] for row in batch] for batch in batches])
    for batch, result in zip(batches, results, strict=True):
        found |= zip(batch, result, strict=True)
        if progress:
            progress.add(len(batch))
    return found
