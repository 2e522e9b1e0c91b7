"""Filters for pairs and lines: pure functions from a frame to its keep-mask, so that they run per partition anywhere.

A pair has both sides; a monolingual line has its text in ``target`` and an empty ``source``. A filter that is off is
not in the table of its params, and costs nothing.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from seq2seq.cleaning import texts
from seq2seq.cleaning.duplicates import Mask
from seq2seq.cleaning.params import CleaningParams
from seq2seq.text.languages import LanguagesParams, count_words
from seq2seq.text.normalization import normalise
from seq2seq.text.placeholders import find_placeholders

Filter = Callable[[pd.DataFrame], Mask]
SIDES = ("source", "target")


def normalise_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Normalise both sides of every row, and add their lengths as columns source_words and target_words."""
    columns: dict[str, pd.Series] = {}
    for side in SIDES:
        normal = [normalise(text) for text in frame[side].tolist()]
        columns[side] = pd.Series(normal, index=frame.index, dtype="str")
        columns[f"{side}_words"] = pd.Series(list(map(count_words, normal)), index=frame.index, dtype=float)
    return frame.assign(**columns)


def repair_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Repair both sides of every row of a raw frame."""
    columns = {
        side: pd.Series(list(map(texts.repair, frame[side].tolist())), index=frame.index, dtype="str") for side in SIDES
    }
    return frame.assign(**columns)


def pair_filters(params: CleaningParams, languages: LanguagesParams) -> dict[str, Filter]:
    """The filters of normalised training pairs by name, in the order in which they are applied."""
    filters: dict[str, Filter] = {
        "empty": lambda frame: _mask((frame["source"] != "") & (frame["target"] != "")),
        "too_long": lambda frame: _mask(frame[["source_words", "target_words"]].max(axis=1) <= params.max_words),
        "length_ratio": lambda frame: _mask(_length_ratio(frame) <= params.max_length_ratio),
    }
    if params.drop_identical:
        filters["identical"] = lambda frame: _mask(frame["source"] != frame["target"])
    return filters | _line_filters(params, languages, SIDES) | _match_filters(params)


def mono_filters(params: CleaningParams, languages: LanguagesParams) -> dict[str, Filter]:
    """The filters of normalised monolingual target lines by name, in the order in which they are applied."""
    filters: dict[str, Filter] = {
        "empty": lambda frame: _mask(frame["target"] != ""),
        "too_long": lambda frame: _mask(frame["target_words"] <= params.max_words),
    }
    return filters | _line_filters(params, languages, ["target"])


def _line_filters(params: CleaningParams, languages: LanguagesParams, sides: Sequence[str]) -> dict[str, Filter]:
    """Those that ask each side by itself."""
    language = {"source": languages.source, "target": languages.target}
    asked: dict[str, tuple[object, Callable[[str, str], bool]]] = {
        "broken": (params.drop_broken, lambda text, _: not texts.is_broken(text)),
        "long_word": (
            params.max_word_characters,
            lambda text, _: not texts.has_longer_word(text, params.max_word_characters),
        ),
        "repetition": (params.max_repeats, lambda text, _: texts.most_repeats(text) <= params.max_repeats),
        "markup": (params.drop_markup, lambda text, _: not texts.has_markup(text)),
        "script": (
            params.min_script_percent,
            lambda text, side: texts.script_percent(text, language[side]) >= params.min_script_percent,
        ),
        "language": (
            params.identify_from,
            lambda text, side: not texts.is_in_another_language(text, language[side], params.identify_from),
        ),
    }
    return {name: _each_side(good, sides) for name, (is_on, good) in asked.items() if is_on}


def _match_filters(params: CleaningParams) -> dict[str, Filter]:
    """Those that compare the two sides."""
    asked: dict[str, tuple[object, Callable[[str, str], bool]]] = {
        "copied": (
            params.max_copied_percent,
            lambda source, target: texts.copied_percent(source, target) <= params.max_copied_percent,
        ),
        "numbers": (params.match_numbers, lambda source, target: texts.numbers(source) == texts.numbers(target)),
        "links": (params.match_links, lambda source, target: texts.links(source) == texts.links(target)),
        "placeholders": (
            params.match_placeholders,
            lambda source, target: find_placeholders(source) == find_placeholders(target),
        ),
    }
    return {name: _both_sides(good) for name, (is_on, good) in asked.items() if is_on}


def _each_side(good: Callable[[str, str], bool], sides: Sequence[str]) -> Filter:
    def keeps(frame: pd.DataFrame) -> Mask:
        keep = np.ones(len(frame), dtype=bool)
        for side in sides:
            keep &= np.fromiter((good(text, side) for text in frame[side].tolist()), dtype=bool, count=len(frame))
        return keep

    return keeps


def _both_sides(good: Callable[[str, str], bool]) -> Filter:
    def keeps(frame: pd.DataFrame) -> Mask:
        pairs = zip(frame["source"].tolist(), frame["target"].tolist(), strict=True)
        return np.fromiter((good(*pair) for pair in pairs), dtype=bool, count=len(frame))

    return keeps


def _mask(keep: "pd.Series[bool]") -> Mask:
    return keep.to_numpy(dtype=bool)


def _length_ratio(frame: pd.DataFrame) -> "pd.Series[float]":
    """Longer side to shorter side, one word added to each, so that one more word in a short text doesn't matter."""
    lengths = frame[["source_words", "target_words"]] + 1
    return lengths.max(axis=1) / lengths.min(axis=1)
