"""Which synthetic pairs are made, and from which lines; :mod:`seq2seq.synthesis.back_translation` makes them."""

import hashlib
from collections.abc import Iterable
from itertools import islice
from typing import Literal

from pydantic import Field

from seq2seq.core.params import Section
from seq2seq.decoding.params import SamplingParams


class BackTranslationParams(Section):
    """How synthetic pairs are made and mixed in."""

    enabled: bool = Field(
        description="Makes synthetic pairs; without it train_backward and back_translate have nothing to do."
    )
    search: Literal["beam", "sampling"] = Field(
        description="Makes sources by beam search, as section decoding says, or draws them (sampling)."
    )
    sampling: SamplingParams
    ratio: float = Field(gt=0, le=100, description="Makes at most this many synthetic pairs per real pair.")
    upsample: int = Field(
        ge=1, le=100, description="Reads each real pair this many times in an epoch beside the synthetic ones."
    )
    tag: bool = Field(description="Marks synthetic sources with the piece <bt>, so that the model knows them.")
    seed: int = Field(ge=0, lt=2**63, description="Another seed chooses other lines and draws other sources.")

    def reason_to_skip(self, mono_lines: int) -> str:
        """Say why there is nothing to translate back; nothing where there is."""
        if not self.enabled:
            return "back_translation.enabled is false"
        return "" if mono_lines else "no corpus has monolingual target text"


def choose_lines(lines: Iterable[str], count: int, seed: int) -> list[str]:
    """Take ``count`` distinct lines by hash, in the order of their hashes: the same whatever their order was.

    No more than twice as many are in memory at once.
    """

    def rank(line: str) -> tuple[bytes, str]:
        return hashlib.blake2b(line.encode(), digest_size=8, salt=seed.to_bytes(8, "big")).digest(), line

    chosen: list[str] = []
    rest = iter(lines)
    while batch := list(islice(rest, count)):
        chosen = sorted({*chosen, *batch}, key=rank)[:count]
    return chosen
