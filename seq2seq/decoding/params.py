"""How outputs are searched for, in any engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seq2seq.core.files import read_json
from seq2seq.core.params import Section, check_section


class DecodingParams(Section):
    """How outputs are searched for."""

    beam_size: int = Field(
        ge=1,
        le=64,
        description="Keeps this many hypotheses per sentence; more find better ones, more slowly; 1 is greedy search.",
    )
    patience: float = Field(
        ge=1,
        le=10,
        description="Ends a search when patience * beam_size hypotheses have ended; at 1 poor ones can end it.",
    )
    length_penalty: float = Field(
        ge=0,
        le=5,
        description="Ranks hypotheses by score / length ** length_penalty; a higher one favours longer outputs.",
    )
    min_length: int = Field(
        ge=0, le=1024, description="Makes outputs of at least this many pieces, where max_length_factor allows them."
    )
    no_repeat_ngram: int = Field(
        ge=0, le=64, description="Lets no run of this many pieces come twice in an output; 0 allows any."
    )
    max_length_factor: float = Field(
        gt=0,
        le=20,
        description="Cuts an output at this many times the pieces of its source plus 10; a low factor cuts good ones.",
    )
    batch_size: int = Field(
        ge=1, le=4096, description="Searches this many sentences together; more are faster and need more memory."
    )

    @property
    def enough(self) -> int:
        """How many hypotheses of a sentence end before its search does."""
        return round(self.patience * self.beam_size) if self.beam_size > 1 else 1

    def max_length(self, source_length: int, limit: int) -> int:
        """Output pieces at most for a source of so many pieces, in a model of ``limit`` positions."""
        return min(int(self.max_length_factor * source_length) + 10, limit - 1)


def read_decoding(file: Path) -> DecodingParams:
    """Read how a released bundle searches from the file that the stage ``choose`` writes.

    Raises:
        UserError: a key or value is missing or wrong.
    """
    return check_section(read_json(file), "decoding", DecodingParams, where=str(file))


class SamplingParams(Section):
    """How outputs are drawn from a model's distribution."""

    temperature: float = Field(gt=0, le=2, description="Below 1 draws more carefully, above 1 more freely.")
    top_k: int = Field(ge=0, description="Draws from this many of the best pieces alone; 0 from all.")
    top_p: float = Field(
        gt=0,
        le=1,
        description="Draws from the best pieces that together have this share of the probability; 1 from all.",
    )


@dataclass(frozen=True)
class Hypothesis:
    """One output: its pieces without BOS and EOS, and its length-normalised log-probability among what was allowed."""

    tokens: list[int]
    score: float
    ended: bool  # False where it was cut, so that no EOS was produced


class Engine(Protocol):
    """Searches one batch after another."""

    def search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[int]]]:
        """Yield the best output of every source, for each batch in order."""
        ...

    def nbest(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[Hypothesis]]]:
        """Yield up to ``beam_size`` outputs of every source, best first, for each batch in order."""
        ...

    def score(self, batches: list[list[tuple[list[int], list[int]]]]) -> Iterator[list[list[float]]]:
        """Yield the log-probability of every piece of given outputs, EOS last, for each batch of (source, output)."""
        ...

    def align(self, batches: list[list[tuple[list[int], list[int]]]]) -> Iterator[list[NDArray[np.float32] | None]]:
        """Yield attention [T, S] of the pieces of given outputs to those of their sources; None where there is none."""
        ...

    def sample(
        self, batches: list[list[list[int]]], decoding: DecodingParams, sampling: SamplingParams, seed: int
    ) -> Iterator[list[list[int]]]:
        """Yield one output of every source, drawn from the model's distribution; the seed decides it."""
        ...
