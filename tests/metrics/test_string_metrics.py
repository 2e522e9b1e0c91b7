import random

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from seq2seq.metrics.metric import Metric
from seq2seq.metrics.string_metrics import metric_of
from seq2seq.metrics.tokenization import separate_characters

TEXT = "Der kleine Hund läuft, schnell! Über die grüne Wiese & bellt laut 3.5 <mal> weil er Angst vor ihr hat"
WORDS = TEXT.split()
CHARACTERS = list("我们今天在北京大学学习。汉语和英语")
THAI = list("วันนี้ฉันเรียนภาษาไทยที่มหา")
ALPHABETS = {"de": (WORDS, " "), "zh": (CHARACTERS, ""), "th": (THAI, "")}


def salad(language: str, lines: int, seed: int, fewest: int = 0) -> list[str]:
    """Random texts, some of them empty or of one word."""
    rng = random.Random(seed)
    words, space = ALPHABETS[language]
    return [space.join(rng.choices(words, k=rng.randint(fewest, 9))) for _ in range(lines)]


def sacrebleus(name: str, language: str) -> BLEU | CHRF | TER:
    if name == "bleu":
        return BLEU(tokenize={"de": "13a", "zh": "zh", "th": "char"}[language], force=True)
    return CHRF() if name == "chrf" else TER(normalized=language == "zh", asian_support=language == "zh")


def score_of(metric: Metric, hypotheses: list[str], references: list[list[str]]) -> float:
    return float(metric.score(metric.statistics(hypotheses, references).sum(axis=0)))


@pytest.mark.parametrize("language", ALPHABETS)
@pytest.mark.parametrize("name", ["bleu", "chrf", "ter"])
@pytest.mark.parametrize("most", [1, 2, 4])
@pytest.mark.parametrize("lines", [1, 2, 30])
def test_scores_are_sacrebleus(name, language, most, lines):
    metric = metric_of(name, language)
    for seed in range(5):
        rng = random.Random(f"{seed} {most}")
        hypotheses = salad(language, lines, seed)
        texts = [salad(language, lines, 10 * seed + number) for number in range(1, most + 1)]
        counts = [rng.randint(1, most) for _ in range(lines)]  # some lines have fewer references than others
        references = [[text[row] for text in texts[: counts[row]]] for row in range(lines)]
        streams = [
            [text[row] if number < counts[row] else None for row in range(lines)] for number, text in enumerate(texts)
        ]
        if name == "ter" and language == "th":
            cut = list(map(separate_characters, hypotheses))
            streams = [[None if text is None else separate_characters(text) for text in stream] for stream in streams]
            theirs = TER().corpus_score(cut, streams).score
        else:
            theirs = sacrebleus(name, language).corpus_score(hypotheses, streams).score
        assert score_of(metric, hypotheses, references) == pytest.approx(theirs, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter", "exact_match"])
def test_many_sums_are_scored_as_each_by_itself(name):
    metric = metric_of(name, "de")
    references = [[one, other] for one, other in zip(salad("de", 20, 1), salad("de", 20, 2), strict=True)]
    counts = metric.statistics(salad("de", 20, 3), references)
    assert len(counts) == 20
    sums = np.stack([[counts[start:end].sum(axis=0) for end in (start + 1, 20)] for start in range(19)])  # (19, 2, K)
    scores = metric.score(sums)
    assert scores.shape == (19, 2)
    each = [[float(metric.score(one)) for one in row] for row in sums]
    np.testing.assert_allclose(scores, each, rtol=1e-12)


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter", "exact_match"])
@pytest.mark.parametrize("language", ALPHABETS)
def test_a_text_equal_to_any_of_its_references_is_perfect(name, language):
    metric = metric_of(name, language)
    first, second = (salad(language, 20, seed, fewest=4) for seed in (1, 2))
    references = [list(texts) for texts in zip(first, second, strict=True)]
    best = 0 if name == "ter" else 100
    for outputs in (first, second, first[:10] + second[10:]):
        assert score_of(metric, outputs, references) == pytest.approx(best)
    worse = score_of(metric, first, [[text] for text in second])
    assert worse < best if metric.higher_is_better else worse > best


def test_exact_match_is_the_share_of_outputs_that_are_a_reference():
    metric = metric_of("exact_match", "de")
    assert score_of(metric, ["ja", "nein", "Ja"], [["ja", "doch"], ["ja", "nein"], ["ja"]]) == pytest.approx(200 / 3)


def test_bleu_tells_lines_of_which_a_reference_has_four_words():
    bleu = metric_of("bleu", "de")
    references = [["drei kleine Hunde"], ["ja", "ich komme heute nicht"], ["vier Wörter sind genug"], ["1, 2"]]
    assert bleu.tells(references).tolist() == [False, True, True, False]
    assert metric_of("chrf", "de").tells([["ja"], [" "], ["", "a"]]).tolist() == [True, False, True]
    assert metric_of("ter", "de").tells([["ja"], [" "], ["", "a"]]).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("outputs", "references", "reason"),
    [
        (["eins zwei drei vier"], [["eins zwei drei"]], "no reference has 4 words (tokenizer 13a, language 'de')"),
        (["eins zwei drei"], [["eins zwei drei vier"]], "no output has 4 words"),
        (["a b c d e"], [["eins zwei drei vier"]], "no output has a word of its reference"),
        (["eins b c d e"], [["eins zwei drei vier"]], ""),
        (["eins b c d e"], [["eins", "eins zwei drei vier"]], ""),
    ],
)
def test_bleu_is_undefined_for_a_reason(outputs, references, reason):
    bleu = metric_of("bleu", "de")
    counts = bleu.statistics(outputs, references)
    assert bleu.why_undefined(counts.sum(axis=0)) == reason


@pytest.mark.parametrize("name", ["chrf", "ter"])
def test_empty_references_say_nothing(name):
    metric = metric_of(name, "de")
    counts = metric.statistics(["a", ""], [[""], [" "]])
    assert metric.why_undefined(counts.sum(axis=0)) == "the references are empty"
    assert not metric.why_undefined(metric.statistics(["a", ""], [[""], ["b"]]).sum(axis=0))


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter", "exact_match"])
def test_sides_that_do_not_belong_together_are_refused(name):
    metric = metric_of(name, "de")
    for outputs, references in (([], []), (["a"], [["a"], ["b"]])):
        with pytest.raises(ValueError, match="can't be scored against"):
            metric.statistics(outputs, references)
    with pytest.raises(ValueError, match="line 2 has no reference"):
        metric.statistics(["a", "b"], [["a"], []])


@pytest.mark.parametrize(("references", "said"), [([["a"], ["b"]], "nrefs:1"), ([["a"], ["b", "c"]], "nrefs:var")])
def test_the_signature_says_how_many_references_a_line_has(references, said):
    for name in ("bleu", "chrf", "ter"):
        assert said in metric_of(name, "de").signature(references)
