import random

import pandas as pd
import pytest

from seq2seq.evaluation import baselines
from seq2seq.evaluation.baselines import lead_sentence, measure_overlap, nearest_targets, read_training, score_baselines
from seq2seq.metrics.scores import EvaluationParams
from seq2seq.text.corpus import gather_references, pairs, write_corpus
from seq2seq.text.languages import split_words

TRAINING = pairs(
    ["A red cat sleeps.", "A dog barks loudly.", "Two men play chess in the park.", "a RED cat sleeps"],
    ["Eine rote Katze schläft.", "Ein Hund bellt laut.", "Zwei Männer spielen im Park Schach.", "zweite Katze"],
    "toy",
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("«Guten Tag», sagte er – um 10 Uhr!", ["Guten", "Tag", "sagte", "er", "um", "10", "Uhr"]),
        ("我爱Berlin，2024年。", ["我", "爱", "Berlin", "2024", "年"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        (" ... ", []),
    ],
)
def test_words_are_separated_in_scripts_with_and_without_spaces(text, words):
    assert split_words(text) == words


def test_the_nearest_training_sentence_translates():
    sources = ["A red cat sleeps!", "Some men play chess", "The dog barks", "quite unknown"]
    assert nearest_targets(TRAINING, sources) == [TRAINING["target"][i] for i in (0, 2, 1, 0)]


def test_of_the_same_words_those_in_the_same_order_are_nearer():
    training = pairs(["dog bites man", "man bites dog"], ["first", "second"], "toy")
    assert nearest_targets(training, ["dog bites man", "man bites dog"]) == ["first", "second"]


def test_nearest_works_without_spaces_and_does_not_depend_on_how_queries_are_grouped(monkeypatch):
    chinese = pairs(["我喜欢猫", "他在公园下棋", "狗叫得很大声"], ["cat", "chess", "dog"], "toy")
    queries = ["公园里有人下棋", "我有一只猫", "狗在叫"] * 20
    together = nearest_targets(chinese, queries)
    assert together == ["chess", "cat", "dog"] * 20
    monkeypatch.setattr(baselines, "QUERIES_AT_ONCE", 1)
    assert nearest_targets(chinese, queries) == together


def longest_run(words: list[str], training: list[list[str]]) -> int:
    known = {
        tuple(line[start:end]) for line in training for start in range(len(line)) for end in range(start, len(line) + 1)
    }
    spans = [(start, end) for start in range(len(words)) for end in range(start, len(words) + 1)]
    return max((end - start for start, end in spans if tuple(words[start:end]) in known), default=0)


def test_overlap_equals_brute_force():
    rng = random.Random(1)
    for _ in range(20):
        training, tests = ([rng.choices("abcd", k=rng.randint(0, 9)) for _ in range(12)] for _ in range(2))
        runs = [longest_run(words, training) for words in tests]
        found = measure_overlap([" ".join(words) for words in training], [" ".join(words).upper() for words in tests])
        assert found["longest"] == max(runs)
        assert found["median"] == pd.Series(runs).median()
        shares = [run / max(len(words), 1) for run, words in zip(runs, tests, strict=True)]
        assert found["mean_share"] == pytest.approx(sum(shares) / len(shares), abs=1e-4)


def test_overlap_of_contained_and_of_foreign_sentences():
    training = ["Heute ist ein schöner Tag, und morgen auch."]
    assert measure_overlap(training, ["ist ein schöner Tag?"]) == {"longest": 4, "median": 4.0, "mean_share": 1.0}
    assert measure_overlap(training, ["nichts davon", ""]) == {"longest": 0, "median": 0.0, "mean_share": 0.0}


def test_a_large_training_set_is_cut_with_a_notice(tmp_path, capsys):
    write_corpus(tmp_path, [TRAINING, TRAINING], rows=3)
    assert len(read_training(tmp_path)) == 8
    assert capsys.readouterr().err == ""
    cut = read_training(tmp_path, limit=5)
    pd.testing.assert_frame_equal(cut, pd.concat([TRAINING, TRAINING], ignore_index=True).head(5))
    assert "first 5 of 8 training pairs" in capsys.readouterr().err
    assert read_training(tmp_path / "nowhere").empty


def test_every_test_set_gets_its_own_baselines():
    tests = {"same": pairs(["Ein Hund bellt laut."] * 3, ["Ein Hund bellt laut."] * 3, "a"), "train": TRAINING.head(3)}
    params = EvaluationParams(sets=["test"], rouge=False, bootstrap_samples=100, seed=1, scorers=[])
    report = score_baselines(TRAINING, {name: gather_references(frame) for name, frame in tests.items()}, "de", params)
    assert report["training_lines"] == 4
    assert list(report["tests"]) == ["same", "train"]
    assert set(report["tests"]["same"]) == {"copy_source", "nearest_sentence", "overlap"}
    same, train = report["tests"]["same"], report["tests"]["train"]
    assert same["copy_source"]["bleu"] == pytest.approx(100)
    assert same["copy_source"]["sentences"] == 3
    assert train["copy_source"]["bleu"] < 20
    assert train["nearest_sentence"]["bleu"] == pytest.approx(100)
    assert train["overlap"]["mean_share"] == 1.0


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("It cost $3.50 on May 3. Then it rained.", "It cost $3.50 on May 3."),
        ("Why? Because!", "Why?"),
        ("no end", "no end"),
        ("今天下雨。明天晴天。", "今天下雨。"),
        ("", ""),
    ],
)
def test_the_lead_is_the_first_sentence(text, first):
    assert lead_sentence(text) == first


def test_where_rouge_is_scored_the_lead_is_a_baseline():
    articles = pairs(["A dog barks. It is loud."] * 3, ["A dog barks."] * 3, "toy")
    params = EvaluationParams(sets=["test"], rouge=True, bootstrap_samples=100, seed=1, scorers=[])
    found = score_baselines(TRAINING, {"news": gather_references(articles)}, "en", params)["tests"]["news"]
    assert found["lead_sentence"]["rouge1"] == 100
    assert found["copy_source"]["rouge1"] == pytest.approx(100 * 2 * 3 / (3 + 6), abs=0.01)
