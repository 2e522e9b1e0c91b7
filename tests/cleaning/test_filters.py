from typing import Any

import numpy as np
import pytest

from seq2seq.cleaning.duplicates import Seen
from seq2seq.cleaning.filters import CleaningParams, mono_filters, normalise_frame, pair_filters
from seq2seq.text.corpus import pairs
from tests.tiny_models import CLEANING


def params(**changes: Any) -> CleaningParams:
    return CLEANING.model_copy(update=changes)


@pytest.mark.parametrize(
    ("source", "target", "filter_name"),
    [
        ("A cat.", "Eine Katze.", None),
        (" \u200b ", "Eine Katze.", "empty"),
        ("A cat.", "\u00a0", "empty"),
        ("a " * 20, "ein " * 20, None),
        ("a " * 21, "ein " * 20, "too_long"),
        ("a " * 20, "ein " * 21, "too_long"),
        ("Download", "Jetzt bitte hier herunterladen", None),
        ("Download", "Jetzt bitte gleich einmal hier herunterladen", "length_ratio"),
        ("One two three four five six seven eight nine", "Zwei", "length_ratio"),
        ("We are at the station today.", "我们今天在车站。", None),  # 1 "word" by spaces
        ("Yes.", "我们今天在北京大学的大图书馆里学习汉语和英语。", "length_ratio"),
        ("Berlin", "Berlin", "identical"),
        ("Berlin ", "Berlin", "identical"),  # after normalising
        ("Berlin", "berlin", None),
    ],
)
def test_each_filter_drops_what_it_should_and_nothing_else(source, target, filter_name):
    frame = normalise_frame(pairs([source, "kept"], [target, "behalten"], "test"))
    names = [name for name, keeps in pair_filters(params()).items() if not keeps(frame)[0]]
    assert names[:1] == ([filter_name] if filter_name else [])
    assert all(keeps(frame)[1] for keeps in pair_filters(params()).values())


def test_identical_sides_stay_where_they_may():
    frame = normalise_frame(pairs(["It is right."], ["It is right."], "test"))
    assert all(keeps(frame).all() for keeps in pair_filters(params(drop_identical=False)).values())


def test_monolingual_lines_get_the_filters_of_the_target_side():
    frame = normalise_frame(pairs([""] * 3, ["gut", " ", "lang " * 21], "test"))
    assert {name: keeps(frame).tolist() for name, keeps in mono_filters(params()).items()} == {
        "empty": [True, False, True],
        "too_long": [True, True, False],
    }


def test_seen_agrees_with_a_set():
    rng = np.random.default_rng(1)
    seen, expected = Seen(), set()
    for size in (0, 5, 40, 40, 1, 100):
        hashes = rng.integers(150, size=size).astype(np.uint64)
        assert seen.contains(hashes).tolist() == [value in expected for value in hashes.tolist()]
        first = [value not in expected and value not in hashes[:i].tolist() for i, value in enumerate(hashes.tolist())]
        assert seen.add(hashes).tolist() == first
        expected |= set(hashes.tolist())
