from pathlib import Path

import pandas as pd
import pytest

from seq2seq import inspection
from seq2seq.cleaning.params import CleaningParams
from seq2seq.core.params import load_section
from seq2seq.inspection import chinese_variety, examine, guess_language, scripts_of, why_not_in
from tests.tiny_models import LANGUAGES

CLEANING = load_section(Path(__file__).parents[1] / "params.yaml", "cleaning", CleaningParams)


def frame(pairs):
    return pd.DataFrame(pairs, columns=["source", "target"], dtype="str")


def test_pairs_are_counted_over_all_frames():
    frames = [frame([("a", "b"), ("c", "d")]), frame([("a", "b"), ("d", "d"), ("a", "e")])]
    found = examine(frames, CLEANING, LANGUAGES, frame([("C", "x")]))
    assert (found.pairs, found.distinct, found.distinct_sides, found.on_both_sides) == (5, 4, (3, 3), 1)
    assert found.in_held_out == 1
    assert found.dropped["identical"]["source"].tolist() == ["d"]
    assert (found.amount.pairs, found.amount.words) == (3, 6)


def test_a_sample_is_the_same_whatever_the_order(monkeypatch):
    monkeypatch.setattr(inspection, "SAMPLE", 20)
    rows = [(f"source {number}", f"target {number}") for number in range(300)]
    samples = [
        set(examine(frames, CLEANING, LANGUAGES, None).sample["source"])
        for frames in ([frame(rows)], [frame(rows[200:][::-1]), frame(rows[:200])])
    ]
    assert samples[0] == samples[1] and len(samples[0]) == 20
    numbers = sorted(int(text.split()[1]) for text in samples[0])
    assert numbers[0] < 100 and numbers[-1] > 200


def test_an_empty_corpus_has_nothing():
    assert examine([], CLEANING, LANGUAGES, None).pairs == 0


@pytest.mark.parametrize(
    ("texts", "language", "variety"),
    [
        (["我们说话"], "zh", "Hans"),
        (["我們說話"], "zh-Hant", "Hant"),
        (["我们", "我們"], "zh", "Hans (50%) and Hant"),
        (["ひらがなとカタカナ"], "ja", ""),
        (["한국어"], "ko", ""),
        (["plain words"], None, ""),
        (["русский"], None, ""),
    ],
)
def test_scripts_tell_some_languages(texts, language, variety):
    assert guess_language(texts) == language
    assert chinese_variety(texts) == variety


def test_a_language_that_the_letters_deny():
    assert list(scripts_of(["abc 中文 12"])) == ["LATIN", "CJK"]
    assert (
        not why_not_in("pt-BR", ["olá"]) and not why_not_in("sr-Latn", ["zdravo"]) and not why_not_in("yue", ["你好"])
    )
    assert "only 0% of its letters are Cyrl" in why_not_in("sr", ["zdravo"])
    assert "most are LATIN" in why_not_in("zh", ["hello"])
