"""Filters for pairs and lines: pure functions from a frame to its keep-mask, so that they run per partition anywhere.

A pair has both sides; a monolingual line has its text in ``target`` and an empty ``source``.
"""

from collections.abc import Callable

import pandas as pd
from pydantic import Field

from seq2seq.cleaning.duplicates import Mask
from seq2seq.core.params import Section
from seq2seq.text.languages import count_words
from seq2seq.text.normalization import normalise

Filter = Callable[[pd.DataFrame], Mask]


class CleaningParams(Section):
    """Which lines are good enough to train on, and how many are held out."""

    max_words: int = Field(
        ge=1, le=100_000, description="Drops pairs and lines with more words than this on either side."
    )
    max_length_ratio: float = Field(
        ge=1.0,
        le=1000.0,
        description="Drops pairs with a higher ratio of the longer side's words to the shorter's, one added to each.",
    )
    drop_identical: bool = Field(
        description="Drops pairs with two equal sides; false keeps them, where a source may be right as it is."
    )
    drop_held_out_targets: bool = Field(
        description="Drops training pairs that share a target with a held-out set; false keeps them."
    )
    held_out_percent: float = Field(
        gt=0.0,
        le=20.0,
        description="Takes this much of a corpus without held-out sets for each of validation, gate and test.",
    )
    held_out_at_most: int = Field(ge=1, le=1_000_000, description="Takes at most this many lines for each such set.")


def normalise_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Normalise both sides of every row, and add their lengths as columns source_words and target_words."""
    columns: dict[str, pd.Series] = {}
    for side in ("source", "target"):
        texts = [normalise(text) for text in frame[side].tolist()]
        columns[side] = pd.Series(texts, index=frame.index, dtype="str")
        columns[f"{side}_words"] = pd.Series(list(map(count_words, texts)), index=frame.index, dtype=float)
    return frame.assign(**columns)


def pair_filters(params: CleaningParams) -> dict[str, Filter]:
    """The filters of normalised training pairs by name, in the order in which they are applied."""
    filters: dict[str, Filter] = {
        "empty": lambda frame: _mask((frame["source"] != "") & (frame["target"] != "")),
        "too_long": lambda frame: _mask(frame[["source_words", "target_words"]].max(axis=1) <= params.max_words),
        "length_ratio": lambda frame: _mask(_length_ratio(frame) <= params.max_length_ratio),
    }
    if params.drop_identical:
        filters["identical"] = lambda frame: _mask(frame["source"] != frame["target"])
    return filters


def mono_filters(params: CleaningParams) -> dict[str, Filter]:
    """The filters of normalised monolingual target lines by name, in the order in which they are applied."""
    return {
        "empty": lambda frame: _mask(frame["target"] != ""),
        "too_long": lambda frame: _mask(frame["target_words"] <= params.max_words),
    }


def _mask(keep: "pd.Series[bool]") -> Mask:
    return keep.to_numpy(dtype=bool)


def _length_ratio(frame: pd.DataFrame) -> "pd.Series[float]":
    """Longer side to shorter side, one word added to each, so that one more word in a short text doesn't matter."""
    lengths = frame[["source_words", "target_words"]] + 1
    return lengths.max(axis=1) / lengths.min(axis=1)
