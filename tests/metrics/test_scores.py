import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from seq2seq.core.errors import UserError
from seq2seq.metrics.rouge import score_rouge
from seq2seq.metrics.scores import paired_bootstrap, score

SENTENCE = "Der kleine Hund läuft schnell über die grüne Wiese und bellt laut , weil er Angst vor Katzen hat"
WORDS = SENTENCE.split()
CHARACTERS = list("我们今天在北京大学学习汉语和英语明天去上海工作")


def sentences(count: int, seed: int, words: list[str] = WORDS, space: str = " ") -> list[str]:
    rng = random.Random(seed)
    return [space.join(rng.choices(words, k=rng.randint(4, 15))) + "." for _ in range(count)]


def damage(lines: list[str], share: float, seed: int, space: str = " ") -> list[str]:
    """Drop or lower-case some of the words, as a system of that quality might."""
    rng = random.Random(seed)

    def change(word: str) -> str:
        chance = rng.random()
        return "" if chance < share else word.lower() if chance < 2 * share else word

    parts = [line.split(space) if space else list(line) for line in lines]
    return [space.join(filter(None, map(change, line))) for line in parts]


REFERENCES = sentences(60, seed=1)
GOOD, BAD = damage(REFERENCES, 0.05, seed=2), damage(REFERENCES, 0.3, seed=3)


def command_line(tmp_path: Path, hypotheses: list[str], references: list[str], *flags: str) -> list[float]:
    for name, lines in {"hypotheses": hypotheses, "references": references}.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", str(tmp_path / "references"), "-i", str(tmp_path / "hypotheses")]
    done = subprocess.run([*command, "-w", "2", *flags], capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)
    return [result["score"] for result in (results if isinstance(results, list) else [results])]


@pytest.mark.parametrize(
    ("language", "flags"),
    [("de", ["--tokenize", "13a"]), ("zh", ["--tokenize", "zh", "--ter-normalized", "--ter-asian-support"])],
)
def test_scores_are_those_of_sacrebleus_command_line(tmp_path, language, flags):
    references, hypotheses = REFERENCES, damage(REFERENCES, 0.15, seed=4)
    if language == "zh":
        references = sentences(60, seed=1, words=CHARACTERS, space="")
        hypotheses = damage(references, 0.15, seed=4, space="")
    ours = score(hypotheses, references, language, samples=100, seed=1)
    theirs = command_line(tmp_path, hypotheses, references, "-m", "bleu", "chrf", "ter", *flags)
    assert [ours["bleu"], ours["chrf"], ours["ter"]] == theirs
    (lowercase,) = command_line(tmp_path, hypotheses, references, "-m", "bleu", "-lc", *flags[:2])
    assert ours["bleu_lc"] == lowercase
    assert 0 < ours["bleu"] <= lowercase < 100
    assert ours["bleu_low"] < ours["bleu"] < ours["bleu_high"]
    assert ours["sentences"] == 60
    assert [part.split("|")[0] for part in ours["signature"].split("; ")] == ["BLEU", "chrF2", "TER"]
    assert f"tok:{flags[1]}" in ours["signature"]


def brute_force(lines: list[list[str]], samples: int, seed: int) -> list[list[float]]:
    """BLEU of each system, once per resampled set of lines, every time counted anew from the text."""
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(len(REFERENCES), size=len(REFERENCES)) for _ in range(samples)]
    return [
        [
            BLEU(force=True).corpus_score([system[i] for i in rows], [[REFERENCES[i] for i in rows]]).score
            for system in lines
        ]
        for rows in drawn
    ]


def test_interval_equals_brute_force_resampling():
    scores = [row[0] for row in brute_force([BAD], samples=100, seed=5)]
    ours = score(BAD, REFERENCES, "de", samples=100, seed=5)
    assert [ours["bleu_low"], ours["bleu_high"]] == pytest.approx(np.percentile(scores, [2.5, 97.5]), abs=0.006)


def test_paired_bootstrap_equals_brute_force_resampling():
    differences = [good - bad for good, bad in brute_force([GOOD, BAD], samples=100, seed=6)]
    ours = paired_bootstrap(GOOD, BAD, REFERENCES, "de", samples=100, seed=6)
    assert [ours.low, ours.high] == pytest.approx(np.percentile(differences, [2.5, 97.5]))
    scores = [BLEU(force=True).corpus_score(lines, [REFERENCES]).score for lines in (GOOD, BAD)]
    assert ours.delta == pytest.approx(scores[0] - scores[1])
    assert 0 < ours.low < ours.delta < ours.high


def test_paired_bootstrap_sees_no_difference_where_there_is_none_and_is_antisymmetric():
    assert paired_bootstrap(GOOD, list(GOOD), REFERENCES, "de", samples=100, seed=1) == (0.0, 0.0, 0.0)
    forth = paired_bootstrap(GOOD, BAD, REFERENCES, "de", samples=100, seed=1)
    back = paired_bootstrap(BAD, GOOD, REFERENCES, "de", samples=100, seed=1)
    assert forth == pytest.approx((-back.delta, -back.high, -back.low))
    reshuffled = damage(REFERENCES, 0.05, seed=9)  # as good as GOOD, other mistakes
    even = paired_bootstrap(GOOD, reshuffled, REFERENCES, "de", samples=300, seed=1)
    assert even.low < 0 < even.high


def test_the_seed_alone_decides_the_resampling():
    first, again, other = (score(BAD, REFERENCES, "de", samples=100, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first["bleu"] == other["bleu"]
    assert (first["bleu_low"], first["bleu_high"]) != (other["bleu_low"], other["bleu_high"])


def test_perfect_empty_and_worthless_translations():
    perfect = score(REFERENCES, REFERENCES, "de", samples=100, seed=1)
    assert [perfect[key] for key in ("bleu", "bleu_low", "bleu_high", "bleu_lc", "chrf", "ter")] == [100] * 5 + [0]
    empty = score([""] * 60, REFERENCES, "de", samples=100, seed=1)
    assert [empty[key] for key in ("bleu", "bleu_low", "bleu_high", "chrf", "ter")] == [0, 0, 0, 0, 100]


def test_sides_of_different_length_and_no_lines_are_refused():
    for hypotheses, references in (([], []), (["a"], ["a", "b"])):
        with pytest.raises(ValueError, match="can't be scored"):
            score(hypotheses, references, "de", samples=100, seed=1)
    with pytest.raises(ValueError, match="can't be scored"):
        paired_bootstrap(["a"], ["a", "b"], ["a"], "de", samples=100, seed=1)


@pytest.mark.skipif(importlib.util.find_spec("MeCab") is not None, reason="the Japanese tokenizer is installed")
def test_a_missing_tokenizer_says_what_to_install():
    with pytest.raises(UserError, match=r"pip install 'sacrebleu\[ja\]'"):
        score(["犬"], ["犬"], "ja", samples=100, seed=1)


@pytest.mark.parametrize(
    ("language", "hypothesis", "reference", "rouge1", "rouge2", "longest"),
    [
        ("en", "the cat lay on a mat", "the cat sat on the mat", 4 / 6, 1 / 5, 4 / 6),  # the second `the` is missed
        ("en", "A, c!", "a b c d", 2 * 2 / (2 + 4), 0, 2 * 2 / (2 + 4)),
        ("en", "on the mat sat a cat", "a cat sat on the mat", 1, 2 * 3 / (5 + 5), 3 / 6),
        ("en", "walking dogs", "walked dog", 1, 1, 1),  # stems
        ("de", "zwei grüne Äpfel", "zwei rote ÄPFEL", 2 / 3, 0, 2 / 3),
        ("de", "gehende Hunde", "gehender Hund", 0, 0, 0),  # no stems
        ("zh", "我喜欢猫", "我喜欢狗。", 3 / 4, 2 / 3, 3 / 4),
        ("en", "", "a b", 0, 0, 0),
    ],
)
def test_rouge_is_what_counting_by_hand_gives(language, hypothesis, reference, rouge1, rouge2, longest):
    expected = [100 * value for value in (rouge1, rouge2, longest)]
    assert list(score_rouge([hypothesis], [reference], language).values()) == pytest.approx(expected)
    twice = score_rouge([hypothesis, "no"], [reference, "yes"], language)
    assert list(twice.values()) == pytest.approx([value / 2 for value in expected])


def test_rouge_stands_beside_the_other_scores_where_it_is_asked_for():
    plain, more = (score(BAD, REFERENCES, "de", samples=100, seed=1, rouge=rouge) for rouge in (False, True))
    assert more.keys() - plain.keys() == {"rouge1", "rouge2", "rougeL"}
    assert 0 < more["rouge2"] < more["rougeL"] <= more["rouge1"] < 100
    assert more["rouge1"] == round(score_rouge(BAD, REFERENCES, "de")["rouge1"], 2)
    assert more["signature"].startswith(f"{plain['signature']}; ROUGE|mean:f1|stem:no|version:")
