"""Corpora that the pipeline makes itself: what all of them have in common, whatever they say.

Pairs are drawn at random without end. Each names the combinations that it is made of, such as flying and
Portugal; these are dealt out to the sets by hash, so that held-out sets hold what training lacks.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import pandas as pd
from pydantic import Field

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section
from seq2seq.text.corpus import HELD_OUT, MONO, TRAIN, pairs

_HELD_OUT_PERCENT = 4  # of the combinations, for each held-out set
_PATIENCE = 50_000  # pairs seen before, one after another, until we believe that there are no others

Pair = tuple[str, str]  # source and target


class GeneratedParams(Section):
    """How much is generated of a corpus."""

    train_pairs: int = Field(ge=1, le=200_000, description="Makes this many distinct training pairs.")
    held_out_pairs: int = Field(
        ge=1, le=5_000, description="Makes this many pairs for each of validation, gate and test."
    )
    mono_lines: int = Field(
        ge=0, le=200_000, description="Makes this many target texts without a source, for back-translation."
    )
    seed: int = Field(ge=0, description="Another seed makes another corpus.")


def belongs(combinations: Iterable[str], name: str, seed: int) -> bool:
    """Whether a pair made of these combinations is one for the set ``name``.

    It is one for a held-out set if that alone owns some of them, and else for training, or mono, if no held-out
    set owns any.
    """
    owners = {_owner(combination, seed) for combination in combinations}
    return (owners - {TRAIN} or {TRAIN}) == {name if name in HELD_OUT else TRAIN}


def _owner(combination: str, seed: int) -> str:
    number = int.from_bytes(hashlib.sha256(f"{seed} {combination}".encode()).digest()[:4]) % 100
    place = number // _HELD_OUT_PERCENT
    return str(HELD_OUT[place] if place < len(HELD_OUT) else TRAIN)


def collect(
    draw: Callable[[str], Iterator[Pair]], params: GeneratedParams, origin: str, distinct_targets: bool
) -> dict[str, pd.DataFrame]:
    """Make the sets train, validation, gate, test and mono, with columns source, target and origin.

    No source stands twice, in one set or in two, even with its case ignored. In ``mono`` the source is empty.

    Args:
        draw: the pairs of a set by its name, without end.
        params: how many to take.
        origin: name of the corpus.
        distinct_targets: whether no target may stand twice either.

    Raises:
        UserError: there are not so many pairs.
    """
    sizes = dict.fromkeys(HELD_OUT, params.held_out_pairs) | {TRAIN: params.train_pairs, MONO: params.mono_lines}
    seen: set[tuple[int, str]] = set()
    corpora = {}
    for name, size in sizes.items():
        rows = list(islice(_unseen(draw(name), seen, distinct_targets), size))
        if len(rows) < size:
            raise UserError(
                f"the corpus {origin} has {len(rows):,} pairs for the set {name}, {size:,} are asked for; "
                "lower the numbers in section generated of params.yaml"
            )
        sources = [""] * size if name == MONO else [source for source, _ in rows]
        corpora[name] = pairs(sources, [target for _, target in rows], origin)
    return corpora


def _unseen(drawn: Iterator[Pair], seen: set[tuple[int, str]], distinct_targets: bool) -> Iterator[Pair]:
    """Leave out pairs of which a side was seen before; end when they have become too many."""
    in_vain = 0
    while in_vain < _PATIENCE:
        pair = next(drawn)
        keys = {(side, text.lower()) for side, text in enumerate(pair) if distinct_targets or side == 0}
        if seen.isdisjoint(keys):
            seen |= keys
            in_vain = 0
            yield pair
        else:
            in_vain += 1
