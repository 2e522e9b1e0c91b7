"""What is made and measured, and by what it is chosen."""

from typing import Literal, Self

from pydantic import Field, model_validator

from seq2seq.core.params import Section
from seq2seq.export.quantization import Quantization

AUTO = "auto"
SPEEDS = ("sentences_per_second", "latency_ms")


class CandidatesParams(Section):
    """Which candidates are made, and how they are timed."""

    types: list[Quantization] = Field(
        min_length=1,
        description="Makes one candidate for each type of weights; where two are equal, the first of this list wins.",
    )
    beams: list[int] = Field(
        description="Searches with each of these beam sizes; an empty list means decoding.beam_size alone."
    )
    sentences: int = Field(ge=1, description="Has every candidate translate this many sentences in each round.")
    rounds: int = Field(ge=1, description="Gives each candidate this many turns, of which the median counts.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if "float32" not in self.types:
            raise ValueError(
                "types lacks float32, with which all others are compared, and which is released if none is good enough"
            )
        if any(not 1 <= beam <= 64 for beam in self.beams):
            raise ValueError("beams are numbers from 1 to 64")
        for name, values in (("types", self.types), ("beams", self.beams)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names one twice")
        return self

    def beams_to_try(self, default: int) -> list[int]:
        """The beam sizes; that of section ``decoding``, the default, is the first."""
        return list(dict.fromkeys([default, *self.beams])) if self.beams else [default]


class ChoiceParams(Section):
    """Which candidate is released."""

    candidate: str = Field(
        description="Releases the candidate of this name, whatever was measured; auto takes the fastest good one."
    )
    metric: Literal["bleu", "chrf", "ter", "exact_match"] = Field(description="Measures a candidate's loss.")
    max_loss: float = Field(
        ge=0,
        le=100,
        description="Takes a candidate only if a loss of this many points against float32 can be ruled out.",
    )
    speed: Literal["sentences_per_second", "latency_ms"] = Field(
        description="Calls fast what does most sentences a second in batches, or takes least time for a single one."
    )
    as_fast: float = Field(
        ge=1,
        le=10,
        description="Counts two as equally fast below this ratio of their speeds; of equals the smaller is released.",
    )
