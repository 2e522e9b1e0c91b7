"""What a bundle translates, by whichever engine and in whatever company."""

import math
import re

import pytest
import torch

from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.decoding.params import Hypothesis, SamplingParams
from seq2seq.export.ctranslate2 import export_ctranslate2
from seq2seq.inference import ctranslate2_engine
from seq2seq.inference.splitter import Splitter
from seq2seq.inference.translator import Translator
from seq2seq.models.transformer import Transformer
from seq2seq.report.heat_maps import read_attention
from seq2seq.tokenizers.base import EOS, SubwordSampling
from tests.tiny_models import (
    DECODING,
    LANGUAGES,
    ORIGIN,
    RUNTIME,
    SMALL,
    tiny_corpus,
    tiny_log_probs,
    tiny_model,
    tiny_tokenizer,
)

TEXTS = [*tiny_corpus()["source"], "", "the the the king 7 7 7 , never seen"]


def shaken(model):
    """The model with no weight at the 0 or 1 that it began with."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape), alpha=0.15)
    return model


@pytest.mark.parametrize(
    ("flags", "computed"), [("avx2 avx512_vnni", "int8"), ("avx2 avx_vnni", "int8"), ("avx2", "float32")]
)
def test_8_bit_products_are_left_to_cpus_that_compute_them_exactly(bundle, tmp_path, monkeypatch, flags, computed):
    export_ctranslate2(bundle, tmp_path / "int8", "int8")
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setattr(ctranslate2_engine, "CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(ctranslate2_engine.platform, "machine", lambda: "x86_64")
    engine = Translator.load(tmp_path / "int8", RUNTIME).engine
    assert engine.translator.compute_type.startswith(computed)


CHANGES = [
    {},
    {"patience": 1.0},
    {"patience": 1.5},
    {"length_penalty": 0.0},
    {"length_penalty": 0.0, "patience": 1.0},
    {"min_length": 20},
    {"min_length": 40, "max_length_factor": 0.5},
    {"no_repeat_ngram": 1},
    {"no_repeat_ngram": 2},
    {"beam_size": 1},
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_fast_engine_finds_what_ours_finds(trained, change):
    decoding = DECODING.model_copy(update=change)
    ours, fast = (Translator.load(folder, RUNTIME).translate(TEXTS, decoding) for folder in trained)
    assert ours == fast
    assert ours[TEXTS.index("")] == ""


@pytest.mark.parametrize("length_penalty", [0.0, 0.6])
def test_n_best_lists_hold_what_search_ranks_by_and_engines_agree(trained, length_penalty):
    decoding = DECODING.model_copy(update={"length_penalty": length_penalty})
    ours, fast = (Translator.load(folder, RUNTIME) for folder in trained)
    lists = ours.nbest(TEXTS, decoding)
    assert lists[TEXTS.index("")] == []
    assert [outputs[0].text for outputs in lists if outputs] == [one for one in ours.translate(TEXTS, decoding) if one]
    for text, outputs, others in zip(TEXTS, lists, fast.nbest(TEXTS, decoding), strict=True):
        assert [one.text for one in others] == [one.text for one in outputs]
        scores = [one.score for one in outputs]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(one.pieces) for one in outputs}) == len(outputs) == (3 if text else 0)
        for one, other in zip(outputs, others, strict=True):
            assert one.pieces[-1] == "</s>"
            assert len(one.log_probs) == len(one.pieces)
            assert one.score == pytest.approx(sum(one.log_probs) / len(one.pieces) ** length_penalty, abs=1e-3)
            assert other.score == pytest.approx(one.score, abs=1e-3)
            assert other.log_probs == pytest.approx(one.log_probs, abs=1e-3)


def test_an_output_that_was_cut_has_no_end(trained):
    for translator in (Translator.load(folder, RUNTIME) for folder in trained):
        ended = set()
        for factor in (0.01, 2.0):
            decoding = DECODING.model_copy(update={"max_length_factor": factor})
            for one in (one for outputs in translator.nbest(TEXTS[::4], decoding) for one in outputs):
                ended.add(one.pieces[-1] == "</s>")
                assert len(one.log_probs) == len(one.pieces)
                assert one.score == pytest.approx(sum(one.log_probs) / len(one.pieces), abs=1e-3)
        assert ended == {True, False}


def test_engines_agree_on_what_each_word_comes_from_and_an_ensemble_takes_the_mean(trained):
    texts = TEXTS[:3]
    ours, fast = (Translator.load(folder, RUNTIME) for folder in trained)
    outputs = ours.translate(texts, DECODING)
    pair = Translator.load_ensemble([trained[0]] * 2, RUNTIME)
    for text, output, one, *others in zip(
        texts, outputs, *(each.align(texts, outputs) for each in (ours, fast, pair)), strict=True
    ):
        assert [output[start:end] for start, end in one.words] == re.findall(r"\w+|\S", output)
        assert one.weights.shape == (len(one.words), len(text))
        assert one.weights.sum(1) == pytest.approx(1)
        for other in others:
            assert other.weights == pytest.approx(one.weights, abs=1e-4)
    attention = read_attention(trained[0], texts[:1], outputs[:1], RUNTIME)[0]
    pairs = [(ours.encode(texts[:1])[0], ours.tokenizer.encode_target(outputs[:1])[0])]
    assert next(ours.engine.align([pairs]))[0] == pytest.approx(attention.weights[:-1], abs=1e-5)


EMPTY = ["", " \t", "\u200b", "\u00a0\u200f", "\ufeff\u00ad"]


@pytest.mark.parametrize("bundles", [[0], [1], [0, 0]], ids=["pytorch", "ctranslate2", "ensemble"])
def test_a_text_that_is_empty_once_it_is_normalised_has_an_empty_output(trained, bundles):
    folders = [trained[one] for one in bundles]
    translator = (
        Translator.load_ensemble(folders, RUNTIME) if len(folders) > 1 else Translator.load(folders[0], RUNTIME)
    )
    first, last = TEXTS[:2]
    texts = [first, *EMPTY, last]
    assert translator.translate(texts, DECODING) == [
        *translator.translate([first], DECODING),
        *[""] * len(EMPTY),
        *translator.translate([last], DECODING),
    ]
    assert [bool(outputs) for outputs in translator.nbest(texts, DECODING)] == [True, *[False] * len(EMPTY), True]
    sampling = SamplingParams(temperature=1.0, top_k=1, top_p=1.0)
    drawn = translator.sample(texts, DECODING, sampling, seed=1)
    assert [bool(one) for one in drawn] == [True, *[False] * len(EMPTY), True]
    assert translator.find_truncated(texts) == [False] * len(texts)
    assert [len(row) for row in translator.score(EMPTY, EMPTY)] == [1] * len(EMPTY)  # the end alone


def test_an_engine_bears_an_empty_output(trained):
    engine = Translator.load(trained[1], RUNTIME).engine
    assert list(engine.search([[[EOS]]], DECODING)) == [[[]]]
    assert not next(engine.nbest([[[EOS]]], DECODING))[0][0].ended


class Stammerer:
    """An engine whose hypotheses spell one text in three ways and another in one."""

    def __init__(self, tokenizer):
        ways = [tuple(tokenizer.encode_target(["die Katze"], SubwordSampling(0.1, seed))[0]) for seed in range(40)]
        first, second, third = list(dict.fromkeys(ways))[:3]
        (other,) = tokenizer.encode_target(["ein Hund"])
        found = [first, other, second, third]
        self.hypotheses = [Hypothesis(list(pieces), -1.0 - rank, ended=True) for rank, pieces in enumerate(found)]

    def nbest(self, batches, decoding):
        for batch in batches:
            yield [self.hypotheses for _ in batch]

    def score(self, batches):
        for batch in batches:
            yield [[float(piece) for piece in [*output, EOS]] for _, output in batch]


def test_no_text_comes_twice_in_an_n_best_list(trained, tokenizer):
    whole = Translator.load(trained[0], RUNTIME)
    engine = Stammerer(tokenizer)
    (outputs,) = Translator(whole.manifest, tokenizer, engine, whole.limit).nbest(["the cat"], DECODING)
    assert [one.text for one in outputs] == ["die Katze", "ein Hund"]
    assert [one.score for one in outputs] == [-1.0, -2.0]  # the best of each text
    for one, hypothesis in zip(outputs, engine.hypotheses, strict=False):
        assert one.pieces == [tokenizer.target_pieces[piece] for piece in [*hypothesis.tokens, EOS]]
        assert one.log_probs == [float(piece) for piece in [*hypothesis.tokens, EOS]]


class Looping:
    """An engine that repeats itself, unless it is forbidden to."""

    def __init__(self, tokenizer):
        self.outputs = tokenizer.encode_target(["der König " + "und " * 9, "die Katze"])
        self.searches = []

    def nbest(self, batches, decoding):
        for batch in batches:
            self.searches.append(len(batch))
            yield [[Hypothesis(self.outputs[decoding.no_repeat_ngram > 0], -1.0, ended=True)] for _ in batch]

    def search(self, batches, decoding):
        return ([found[0].tokens for found in rows] for rows in self.nbest(batches, decoding))

    def score(self, batches):
        return ([[0.0] * (len(output) + 1) for _, output in batch] for batch in batches)


def test_an_output_that_repeats_itself_is_searched_for_once_more_but_no_answer_of_one_language(trained, tokenizer):
    whole = Translator.load(trained[1], RUNTIME)
    engine = Looping(tokenizer)
    translator = Translator(whole.manifest, tokenizer, engine, whole.limit)
    assert translator.translate(["the cat", "the king"], DECODING) == ["die Katze"] * 2
    assert engine.searches == [2, 2]
    (mended,) = translator.nbest(["the cat"], DECODING)[0]
    assert (mended.text, mended.retried) == ("die Katze", True)
    german = whole.manifest.model_copy(update={"languages": LANGUAGES.model_copy(update={"source": "de"})})
    (answer,) = Translator(german, tokenizer, engine, whole.limit).translate(["the cat"], DECODING)
    assert answer.endswith("und und und")


def test_a_given_translation_is_scored_and_the_right_one_higher(trained):
    corpus = tiny_corpus()
    sources, targets = corpus["source"].tolist(), corpus["target"].tolist()
    for translator in (Translator.load(folder, RUNTIME) for folder in trained):
        right, wrong = (sum(map(sum, translator.score(sources, texts))) for texts in (targets, targets[::-1]))
        assert right > wrong + 100


def test_a_given_translation_is_cut_to_the_model_and_its_end_is_scored(bundle, float_engine):
    for folder in (bundle, float_engine):
        (found,) = Translator.load(folder, RUNTIME).score(["the king"], ["die Katze sieht " * 50])
        assert len(found) == SMALL.max_length


def test_an_ensemble_takes_the_mean_of_probabilities(trained, tokenizer, tmp_path):
    first, second = trained[0], tmp_path / "second"
    save_model(second, tiny_model(tokenizer, seed=2), tokenizer, LANGUAGES, ORIGIN, "translation")
    sources, targets = TEXTS[:5], tiny_corpus()["target"].tolist()[:5]
    singles = [Translator.load(folder, RUNTIME).score(sources, targets) for folder in (first, second)]
    together = Translator.load_ensemble([first, second], RUNTIME)
    for row, found in enumerate(together.score(sources, targets)):
        pairs = zip(singles[0][row], singles[1][row], strict=True)
        assert found == pytest.approx([math.log((math.exp(a) + math.exp(b)) / 2) for a, b in pairs], abs=1e-4)
    same = Translator.load_ensemble([first, first], RUNTIME)
    assert same.translate(TEXTS, DECODING) == Translator.load(first, RUNTIME).translate(TEXTS, DECODING)


def test_an_ensemble_reads_what_its_shortest_model_reads(bundle, tokenizer, tmp_path):
    torch.manual_seed(1)
    size = tokenizer.source_size
    short = Transformer(SMALL.model_copy(update={"max_length": 20}), size, size, True)
    save_model(tmp_path / "short", short, tokenizer, LANGUAGES, ORIGIN, "translation")
    translator = Translator.load_ensemble([bundle, tmp_path / "short"], RUNTIME)
    long = "the cat sees the sea . " * 5
    assert translator.splitter.find_long(["the cat sees the sea and " * 5]) == [True]
    assert [len(source) for source in translator.encode([long])] == [20]
    (outputs,) = translator.nbest([long], DECODING)
    assert all(len(one.pieces) <= 19 for one in outputs)


def test_an_ensemble_needs_one_vocabulary(bundle, trained, tmp_path):
    separate = tiny_tokenizer(tmp_path / "tokenizer", "separate")
    save_model(tmp_path / "other", tiny_model(separate), separate, LANGUAGES, ORIGIN, "translation")
    with pytest.raises(UserError, match="have different vocabularies, so they can't translate together"):
        Translator.load_ensemble([bundle, tmp_path / "other"], RUNTIME)
    with pytest.raises(UserError, match="PyTorch weights are needed here"):
        Translator.load_ensemble([bundle, trained[1]], RUNTIME)


def test_an_ensemble_needs_one_purpose(bundle, tokenizer, tmp_path):
    save_model(tmp_path / "back", tiny_model(tokenizer), tokenizer, LANGUAGES.reverse(), ORIGIN, "translation")
    with pytest.raises(UserError, match="back is for translation from de to en, but"):
        Translator.load_ensemble([bundle, tmp_path / "back"], RUNTIME)
    save_model(tmp_path / "short", tiny_model(tokenizer), tokenizer, LANGUAGES, ORIGIN, "summarization")
    with pytest.raises(UserError, match="short is for summarization from en to de, but"):
        Translator.load_ensemble([bundle, tmp_path / "short"], RUNTIME)


SHAPES = [
    {},
    {"norm": "post"},
    {"activation": "gelu", "positions": "learned"},
    {"encoder_layers": 4, "decoder_layers": 1},
    {"width": 30, "heads": 2},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_transformer_reaches_the_fast_engine(tokenizer, tmp_path, shape):
    torch.manual_seed(1)
    params = SMALL.model_copy(update=shape)
    model = shaken(Transformer(params, tokenizer.source_size, tokenizer.target_size, tokenizer.shared))
    save_model(tmp_path / "bundle", model, tokenizer, LANGUAGES, ORIGIN, "translation")
    export_ctranslate2(tmp_path / "bundle", tmp_path / "fast", "float32")
    ours, fast = (Translator.load(tmp_path / name, RUNTIME) for name in ("bundle", "fast"))
    torch.testing.assert_close(tiny_log_probs(fast), tiny_log_probs(ours), rtol=0.0, atol=1e-4)
    assert_same_scores(ours, fast, TEXTS)


def assert_same_scores(ours, fast, texts):
    """The fast engine's own score of each output that it finds, step by step, is what our engine says of that output.

    The outputs of a random model lie too close together to be compared themselves: another CPU rounds otherwise,
    and another one wins.
    """
    sources = ours.encode([text for text in texts if text])
    (found,) = fast.engine.nbest([sources], DECODING)
    pairs = [(source, one.tokens) for source, outputs in zip(sources, found, strict=True) for one in outputs]
    (scored,) = ours.engine.score([pairs])
    outputs = [one for each in found for one in each]
    assert len(outputs) == len(sources) * DECODING.beam_size
    for one, log_probs in zip(outputs, scored, strict=True):
        length = len(one.tokens) + one.ended
        assert one.score == pytest.approx(sum(log_probs[:length]) / length**DECODING.length_penalty, abs=1e-4)


def test_separate_vocabularies_reach_the_fast_engine(tmp_path):
    tokenizer = tiny_tokenizer(tmp_path / "tokenizer", "separate")
    save_model(tmp_path / "bundle", tiny_model(tokenizer), tokenizer, LANGUAGES, ORIGIN, "translation")
    export_ctranslate2(tmp_path / "bundle", tmp_path / "fast", "float32")
    ours, fast = (Translator.load(tmp_path / name, RUNTIME) for name in ("bundle", "fast"))
    torch.testing.assert_close(tiny_log_probs(fast), tiny_log_probs(ours), rtol=0.0, atol=1e-4)
    assert_same_scores(ours, fast, TEXTS)


LIMITED = [
    {},
    {"max_length_factor": 0.5},
    {"max_length_factor": 0.2, "length_penalty": 0.0},
    {"max_length_factor": 0.5, "beam_size": 1},
    {"max_length_factor": 0.5, "min_length": 14},
]


@pytest.mark.parametrize("change", LIMITED)
@pytest.mark.parametrize("engine", ["pytorch", "ctranslate2"])
def test_batch_size_and_order_change_nothing(trained, bundle, float_engine, engine, change):
    decoding = DECODING.model_copy(update=change | {"batch_size": 40})
    texts = [*TEXTS[::9], "the king", "the the king sees 12 books . " * 2]
    for folder in (trained[0], bundle) if engine == "pytorch" else (trained[1], float_engine):  # one never ends
        translator = Translator.load(folder, RUNTIME)
        expected = translator.translate(texts, decoding)
        assert [translator.translate([text], decoding)[0] for text in texts] == expected
        assert translator.translate(texts[::-1], decoding)[::-1] == expected
        limits = [decoding.max_length(len(source), SMALL.max_length) for source in translator.encode(texts)]
        for outputs, limit in zip(translator.nbest(texts, decoding), limits, strict=True):
            assert max((len(one.pieces) for one in outputs), default=0) <= limit


def test_a_search_that_ends_at_its_limit_is_the_same_for_all(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(Translator, "faults", lambda *_: [])  # what such a model says looks wrong
    save_model(tmp_path / "ours", shaken(tiny_model(tokenizer, seed=9)), tokenizer, LANGUAGES, ORIGIN, "translation")
    export_ctranslate2(tmp_path / "ours", tmp_path / "fast", "float32")
    texts = ["the cat sees the sea .", "a dog sees 12 books . " * 3]
    decoding = DECODING.model_copy(update={"max_length_factor": 1.9})
    found = []
    for translator in (Translator.load(tmp_path / name, RUNTIME) for name in ("ours", "fast")):
        found.append(translator.nbest(texts, decoding))
        found.append([translator.nbest([text], decoding)[0] for text in texts])
    lists = [[[one.pieces for one in outputs] for outputs in each] for each in found]
    assert all(other == lists[0] for other in lists)
    limit = decoding.max_length(len(translator.encode(texts)[0]), SMALL.max_length)
    longer = decoding.model_copy(update={"max_length_factor": 4.0})
    at_ease = [one.pieces for one in translator.nbest(texts, longer)[0]]
    assert lists[0][0] == at_ease  # enough of the first text's have ended ...
    assert max(map(len, at_ease)) <= limit
    decoding = decoding.model_copy(update={"max_length_factor": 1.8})
    assert [one.pieces for one in translator.nbest(texts, decoding)[0]] != at_ease  # ... but just at its limit


def test_what_is_drawn_has_a_limit_of_its_own(bundle, float_engine):
    sampling = SamplingParams(temperature=1.0, top_k=0, top_p=1.0)
    for folder in (bundle, float_engine):  # of a model that seldom ends
        translator = Translator.load(folder, RUNTIME)
        batch = translator.encode(["the king", "the king sees 12 books . " * 2] * 10)
        (drawn,) = translator.engine.sample([batch], DECODING, sampling, seed=1)
        limits = [DECODING.max_length(len(source), SMALL.max_length) for source in batch]
        for row in (0, 1):
            assert max(map(len, drawn[row::2])) == limits[row]


def test_the_seed_decides_what_is_drawn_and_no_least_length_does(trained):
    sampling = SamplingParams(temperature=2.0, top_k=0, top_p=1.0)
    longer = DECODING.model_copy(update={"min_length": 20})
    for folder in trained:
        translator = Translator.load(folder, RUNTIME)
        first = translator.sample(TEXTS, DECODING, sampling, seed=1)
        assert translator.sample(TEXTS, DECODING, sampling, seed=2) != first
        assert translator.sample(TEXTS, longer, sampling, seed=1) == first


def test_all_may_be_drawn_where_more_are_asked_for_than_there_are(bundle, float_engine):
    sampling = SamplingParams(temperature=1.0, top_k=1_000_000, top_p=1.0)
    for folder in (bundle, float_engine):
        assert any(Translator.load(folder, RUNTIME).sample(TEXTS, DECODING, sampling, seed=1))


def test_a_text_longer_than_the_model_is_cut_the_same_for_both_engines(bundle, float_engine):
    long = "the cat sees the sea . " * 50
    ours, fast = (Translator.load(folder, RUNTIME) for folder in (bundle, float_engine))
    (whole,) = ours.tokenizer.encode_source([long])
    assert ours.encode([long]) == fast.encode([long]) == [[*whole[: SMALL.max_length - 1], EOS]]
    assert_same_scores(ours, fast, [long])


def test_a_text_that_just_fits_is_not_cut(bundle, monkeypatch):
    monkeypatch.setattr(Splitter, "splits", False)
    translator = Translator.load(bundle, RUNTIME)
    texts = ["the cat sees the sea . " * 50]
    while len(translator.tokenizer.encode_source(texts[-1:])[0]) > SMALL.max_length:
        texts.append(texts[-1][:-1])
    assert len(translator.encode(texts[-1:])[0]) == SMALL.max_length
    assert translator.find_truncated([*texts, ""]) == [*[True] * (len(texts) - 1), False, False]


def test_the_fast_engine_reads_sources_of_over_1024_pieces_to_their_end(tokenizer, tmp_path):
    torch.manual_seed(1)
    params = SMALL.model_copy(update={"max_length": 1200})
    model = shaken(Transformer(params, tokenizer.source_size, tokenizer.target_size, tokenizer.shared))
    save_model(tmp_path / "ours", model, tokenizer, LANGUAGES, ORIGIN, "translation")
    export_ctranslate2(tmp_path / "ours", tmp_path / "fast", "float32")
    ours, fast = (Translator.load(tmp_path / name, RUNTIME) for name in ("ours", "fast"))
    start = "the cat sees the sea . " * 1030
    start = start[: next(size for size in range(0, len(start), 10) if len(ours.encode([start[:size]])[0]) > 1030)]
    texts = [f"{start} {end}" for end in ("my aunt paints 12 books .", "a dog loses .")]
    target = "die Katze sieht"
    assert ours.find_truncated(texts) == [False, False]
    expected = ours.score(texts, [target] * 2)
    found = fast.score(texts, [target] * 2)
    for row, (theirs, ours_) in enumerate(zip(found, expected, strict=True)):
        assert theirs == pytest.approx(ours_, abs=1e-4), row
    decoding = DECODING.model_copy(update={"max_length_factor": 0.01})
    one, other = (outputs[0].score for outputs in fast.nbest(texts, decoding))
    assert abs(one - other) > 1e-6  # what differs lies behind 1,024 pieces


def test_the_attention_matrix_fits_the_pieces(bundle):
    (attention,) = read_attention(bundle, ["the cat sees the sea ."], ["die Katze sieht"], RUNTIME)
    assert attention.weights.shape == (len(attention.target_pieces), len(attention.source_pieces))
    assert attention.source_pieces[-1] == attention.target_pieces[-1] == "</s>"
    assert attention.weights.sum(1) == pytest.approx(1.0, abs=1e-5)


def test_the_attention_of_long_texts_is_cut_to_the_model(bundle):
    (attention,) = read_attention(bundle, ["the cat " * 90], ["die Katze " * 90], RUNTIME)
    assert attention.weights.shape == (SMALL.max_length, SMALL.max_length)
