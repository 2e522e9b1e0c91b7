import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from seq2seq.core.errors import UserError
from seq2seq.metrics.resampling import paired_difference
from seq2seq.metrics.rouge import score_rouge
from seq2seq.metrics.scores import UNDEFINED, check_scorer, score
from seq2seq.metrics.string_metrics import metric_of

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


TEXTS = sentences(60, seed=1)
REFERENCES = [[text] for text in TEXTS]
GOOD, BAD = damage(TEXTS, 0.05, seed=2), damage(TEXTS, 0.3, seed=3)


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
    references, hypotheses = TEXTS, damage(TEXTS, 0.15, seed=4)
    if language == "zh":
        references = sentences(60, seed=1, words=CHARACTERS, space="")
        hypotheses = damage(references, 0.15, seed=4, space="")
    ours = score(hypotheses, [[text] for text in references], language, samples=100, seed=1)
    theirs = command_line(tmp_path, hypotheses, references, "-m", "bleu", "chrf", "ter", *flags)
    assert [ours["bleu"], ours["chrf"], ours["ter"]] == theirs
    (lowercase,) = command_line(tmp_path, hypotheses, references, "-m", "bleu", "-lc", *flags[:2])
    assert ours["bleu_lc"] == lowercase
    assert 0 < ours["bleu"] <= lowercase < 100
    assert ours["bleu_low"] < ours["bleu"] < ours["bleu_high"]
    assert (ours["sentences"], ours["references"], ours["bleu_told"]) == (60, 60, 1)
    for name in ("chrf", "ter", "exact_match"):
        assert ours[f"{name}_low"] < ours[name] < ours[f"{name}_high"]
        assert ours[f"{name}_told"] == 1
    assert [part.split("|")[0] for part in ours["signature"].split("; ")] == ["BLEU", "chrF2", "TER", "exact match"]
    assert f"tok:{flags[1]}" in ours["signature"]


def brute_force(lines: list[list[str]], samples: int, seed: int) -> list[list[float]]:
    """BLEU of each system, once per resampled set of lines, every time counted anew from the text."""
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(len(REFERENCES), size=len(REFERENCES)) for _ in range(samples)]
    return [
        [BLEU(force=True).corpus_score([system[i] for i in rows], [[TEXTS[i] for i in rows]]).score for system in lines]
        for rows in drawn
    ]


def test_interval_equals_brute_force_resampling():
    scores = [row[0] for row in brute_force([BAD], samples=100, seed=5)]
    ours = score(BAD, REFERENCES, "de", samples=100, seed=5)
    assert [ours["bleu_low"], ours["bleu_high"]] == pytest.approx(np.percentile(scores, [2.5, 97.5]), abs=0.006)


def paired_bootstrap(hypotheses, baseline, references, language, **settings):
    bleu = metric_of("bleu", language)
    ours, theirs = (bleu.statistics(lines, references) for lines in (hypotheses, baseline))
    return paired_difference(bleu, ours, theirs, **settings)


def test_paired_bootstrap_equals_brute_force_resampling():
    differences = [good - bad for good, bad in brute_force([GOOD, BAD], samples=100, seed=6)]
    ours = paired_bootstrap(GOOD, BAD, REFERENCES, "de", samples=100, seed=6)
    assert [ours.low, ours.high] == pytest.approx(np.percentile(differences, [2.5, 97.5]))
    scores = [BLEU(force=True).corpus_score(lines, [TEXTS]).score for lines in (GOOD, BAD)]
    assert ours.delta == pytest.approx(scores[0] - scores[1])
    assert 0 < ours.low < ours.delta < ours.high


def test_paired_bootstrap_sees_no_difference_where_there_is_none_and_is_antisymmetric():
    assert paired_bootstrap(GOOD, list(GOOD), REFERENCES, "de", samples=100, seed=1)[:3] == (0.0, 0.0, 0.0)
    forth = paired_bootstrap(GOOD, BAD, REFERENCES, "de", samples=100, seed=1)
    back = paired_bootstrap(BAD, GOOD, REFERENCES, "de", samples=100, seed=1)
    assert forth[:3] == pytest.approx((-back.delta, -back.high, -back.low))
    reshuffled = damage(TEXTS, 0.05, seed=9)  # as good as GOOD, other mistakes
    even = paired_bootstrap(GOOD, reshuffled, REFERENCES, "de", samples=300, seed=1)
    assert even.low < 0 < even.high


def test_the_seed_alone_decides_the_resampling():
    first, again, other = (score(BAD, REFERENCES, "de", samples=100, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first["bleu"] == other["bleu"]
    assert (first["bleu_low"], first["bleu_high"]) != (other["bleu_low"], other["bleu_high"])


def test_perfect_empty_and_worthless_translations():
    perfect = score(TEXTS, REFERENCES, "de", samples=100, seed=1)
    assert [perfect[key] for key in ("bleu", "bleu_low", "bleu_high", "bleu_lc", "chrf", "ter")] == [100] * 5 + [0]
    empty = score([""] * 60, REFERENCES, "de", samples=100, seed=1)
    assert [empty[key] for key in ("bleu", "bleu_low", "bleu_high", "bleu_lc")] == [None] * 4
    assert empty[UNDEFINED] == "no output has a word of its reference"
    assert [empty[key] for key in ("chrf", "chrf_high", "ter", "exact_match")] == [0, 0, 100, 0]


def test_sides_of_different_length_and_no_lines_are_refused():
    for hypotheses, references in (([], []), (["a"], [["a"], ["b"]])):
        with pytest.raises(ValueError, match="can't be scored"):
            score(hypotheses, references, "de", samples=100, seed=1)
    with pytest.raises(ValueError, match="can't be scored"):
        paired_bootstrap(["a"], ["a", "b"], [["a"]], "de", samples=100, seed=1)


def test_a_missing_tokenizer_says_what_to_install(monkeypatch):
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_ja_mecab.MeCab", None)
    with pytest.raises(UserError, match="'jpn' needs the tokenizer ja-mecab, which is not installed; run: pip install"):
        check_scorer("jpn")


@pytest.mark.parametrize(
    ("languages", "text"),
    [
        (
            ("zh", "zho", "cmn", "yue", "lzh", "nan", "zh-Hant", "zh-TW", "zho-Hans"),
            "我们今天在北京大学学习汉语和英语。",
        ),
        (("ja", "jpn"), "私は今日東京の大学で日本語を勉強します。"),
        (("ko", "kor"), "나는 오늘 서울의 대학교에서 한국어를 공부합니다."),
        (("th", "tha"), "วันนี้ฉันเรียนภาษาไทยที่มหาวิทยาลัย"),
        (("lo", "lao"), "ມື້ນີ້ຂ້ອຍຮຽນພາສາລາວ"),
        (("km", "khm"), "ថ្ងៃនេះខ្ញុំរៀនភាសាខ្មែរ"),
        (("my", "mya"), "ယနေ့ကျွန်တော်မြန်မာစာသင်သည်"),
        (("bo", "bod", "dz"), "ངས་དེ་རིང་བོད་ཡིག་སྦྱོང་གི་ཡོད།"),
        (("de", "deu", "xx"), "Heute lerne ich Deutsch."),
    ],
)
def test_equal_texts_score_100_in_every_script_by_every_name_of_a_language(languages, text):
    worse = text[: len(text) // 2] + "?" + text[len(text) // 2 + 2 :]
    for language in languages:
        perfect = score([text, text], [[text], [text]], language, samples=100, seed=1)
        assert [perfect[key] for key in ("bleu", "bleu_low", "chrf", "exact_match", "ter")] == [100] * 4 + [0]
        assert perfect["bleu_told"] == 1
        several = score([text, worse], [[text], ["?", worse]], language, samples=100, seed=1)
        assert [several[key] for key in ("bleu", "chrf", "exact_match", "ter")] == [100] * 3 + [0]
        damaged = score([text, worse], [[text], [text]], language, samples=100, seed=1)
        assert 30 < damaged["bleu"] < 100
        assert 0 < damaged["ter"] < 50
        assert UNDEFINED not in damaged


def test_ter_counts_characters_where_words_have_no_spaces():
    found = score(["กขคงจ"], [["กขคงฉ"]], "th", samples=100, seed=1)
    assert found["ter"] == 20
    assert "|char:yes" in found["signature"]


def test_all_names_of_english_have_stems():
    assert score_rouge(["walking dogs"], [["walked dog"]], "eng")["rouge1"] == 100


def test_bleu_of_references_without_four_words_is_undefined_and_compared_with_nothing():
    short = ["drei kleine Hunde", "ja"]
    texts = [[text] for text in short]
    found = score(short, texts, "de", samples=100, seed=1)
    assert [found[key] for key in ("bleu", "bleu_low", "bleu_high", "bleu_lc")] == [None] * 4
    assert found[UNDEFINED] == "no reference has 4 words (tokenizer 13a, language 'de')"
    assert (found["bleu_told"], found["chrf"], found["chrf_told"], found["ter"]) == (0, 100, 1, 0)
    difference = paired_bootstrap(short, ["nein", "nein"], texts, "de", samples=100, seed=1)
    assert difference.undefined == found[UNDEFINED]
    assert not difference.low > -100
    assert not difference.delta <= 0

    longer = [*short, "vier Wörter sind genug"]
    found = score(longer, [[text] for text in longer], "de", samples=100, seed=1)
    assert (found["bleu"], found["bleu_told"]) == (100, 0.3333)


def test_two_scores_of_0_are_no_difference_of_0():
    nonsense = ["`"] * len(REFERENCES)
    assert paired_bootstrap(nonsense, ["~"] * len(REFERENCES), REFERENCES, "de", samples=100, seed=1).undefined
    one = paired_bootstrap(GOOD, nonsense, REFERENCES, "de", samples=100, seed=1)
    assert one.low > 50


def test_the_interval_is_smoothed_as_the_score_is():
    references = ["eins zwei drei vier fünf", "sechs sieben acht neun zehn", "elf zwölf dreizehn vierzehn fünfzehn"]
    outputs = ["eins zwei drei x y", "sechs sieben x y z", "elf x y z zwei"]  # no run of four words is right
    found = score(outputs, [[text] for text in references], "de", samples=100, seed=5)
    rng = np.random.default_rng(5)
    drawn = [rng.integers(3, size=3) for _ in range(100)]
    scores = [
        BLEU(force=True).corpus_score([outputs[i] for i in rows], [[references[i] for i in rows]]).score
        for rows in drawn
    ]
    expected = np.percentile(scores, [2.5, 97.5])
    assert [found["bleu_low"], found["bleu_high"]] == pytest.approx(expected, abs=0.006)
    assert 0 < found["bleu_low"] < found["bleu_high"]


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
    assert list(score_rouge([hypothesis], [[reference]], language).values()) == pytest.approx(expected)
    twice = score_rouge([hypothesis, "no"], [[reference], ["yes", "never"]], language)
    assert list(twice.values()) == pytest.approx([value / 2 for value in expected])
    beside = score_rouge([hypothesis], [["nothing like it", reference]], language)
    assert list(beside.values()) == pytest.approx(expected)


def test_rouge_stands_beside_the_other_scores_where_it_is_asked_for():
    plain, more = (score(BAD, REFERENCES, "de", samples=100, seed=1, rouge=rouge) for rouge in (False, True))
    assert more.keys() - plain.keys() == {"rouge1", "rouge2", "rougeL"}
    assert 0 < more["rouge2"] < more["rougeL"] <= more["rouge1"] < 100
    assert more["rouge1"] == round(score_rouge(BAD, REFERENCES, "de")["rouge1"], 2)
    assert more["signature"].startswith(f"{plain['signature']}; ROUGE|mean:f1|stem:no|version:")
