"""Training pairs again as careless people would write them, so that a model learns to read such text too.

A copy stands beside its pair, so that tidy text is learned as before. Belinkov and Bisk 2018, "Synthetic and Natural
Noise Both Break Neural Machine Translation", https://arxiv.org/abs/1711.02173: a model is robust to the noise that it
has seen. What the copies are for is measured on the gate set, in the slices of the same names.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pandas as pd
from pydantic import Field

from seq2seq.core.params import Section
from seq2seq.text.perturbations import in_capitals, with_slip

MARKS = ".!?。！？…।؟"  # with which a sentence may end


class AugmentationParams(Section):
    """Which share of the real training pairs comes again in which changed form."""

    capitals: float = Field(ge=0, le=1, description="Adds this share of the pairs again, both sides in capitals.")
    slips: float = Field(
        ge=0, le=1, description="Adds this share of the pairs again, two letters of a word of the source swapped."
    )
    bare_ends: float = Field(
        ge=0, le=1, description="Adds this share of the pairs again, without the mark at the end of both sides."
    )
    seed: int = Field(ge=0, lt=2**63, description="Another seed chooses other pairs.")

    def shares(self) -> dict[str, float]:
        """The share of each kind of change that is asked for."""
        return {kind: share for kind in CHANGES if (share := getattr(self, kind))}


def _capitals(source: str, target: str) -> tuple[str, str]:
    return in_capitals(source), in_capitals(target)


def _slips(source: str, target: str) -> tuple[str, str]:
    return with_slip(source), target


def _bare_ends(source: str, target: str) -> tuple[str, str]:
    bare = source.rstrip(MARKS).rstrip(), target.rstrip(MARKS).rstrip()
    return bare if all(bare) and bare[0] != source and bare[1] != target else (source, target)


CHANGES: dict[str, Callable[[str, str], tuple[str, str]]] = {
    "capitals": _capitals,
    "slips": _slips,
    "bare_ends": _bare_ends,
}


def augment(frames: Iterable[pd.DataFrame], params: AugmentationParams) -> Iterator[pd.DataFrame]:
    """Yield the changed copies of the pairs in frames; the origin of each is the kind of its change.

    A pair's own text decides whether it is chosen, so that the order of the corpus doesn't matter. A pair that a change
    leaves as it is has no copy.
    """
    shares = params.shares()
    for frame in frames:
        for kind, share in shares.items():
            chosen = [
                (CHANGES[kind](source, target), source)
                for source, target in zip(frame["source"], frame["target"], strict=True)
                if _draw(params.seed, kind, source, target) < share
            ]
            copies = [copy for copy, source in chosen if copy[0] != source]
            yield pd.DataFrame(copies, columns=["source", "target"], dtype="str").assign(origin=kind)


def count_copies(frames: Iterable[pd.DataFrame], params: AugmentationParams) -> Counter[str]:
    """How many copies of each kind :func:`augment` makes."""
    counts = Counter(dict.fromkeys(params.shares(), 0))
    for frame in augment(frames, params):
        counts.update(frame["origin"].tolist())
    return counts


def _draw(seed: int, kind: str, source: str, target: str) -> float:
    """A number from 0 to 1 that depends on nothing but what it is drawn for."""
    text = f"{seed}\t{kind}\t{source}\t{target}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") / 2**64
