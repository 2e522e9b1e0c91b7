"""Candidates made of a tiny model, and measured."""

import pytest

from seq2seq.benchmark.engines import Timed
from seq2seq.bundles.manifest import bundle_digest, read_manifest
from seq2seq.bundles.pytorch import save_model
from seq2seq.candidates import measure as measuring
from seq2seq.candidates.measure import compare_outputs, make_bundles, measure
from seq2seq.candidates.params import CandidatesParams
from seq2seq.export import quantization
from seq2seq.metrics.scores import EvaluationParams
from seq2seq.models.recurrent import Recurrent
from seq2seq.text.corpus import gather_references
from tests.tiny_models import DECODING, LANGUAGES, ORIGIN, RECURRENT, RUNTIME, tiny_corpus

EVALUATION = EvaluationParams(sets=["test"], rouge=False, bootstrap_samples=100, seed=1, scorers=[])
PARAMS = CandidatesParams(types=["int8", "bfloat16", "float32"], beams=[1], sentences=3, rounds=1)


@pytest.fixture
def timed(monkeypatch):
    """Stands for the timing, which has tests of its own; keeps what was asked for."""
    asked = {}

    def time_bundles(engines, texts, rounds, runtime):
        asked.update(engines=engines, texts=texts)
        return {name: {"sentences_per_second": 1.0 + len(name)} for name in engines}

    monkeypatch.setattr(measuring, "time_bundles", time_bundles)
    return asked


def test_every_type_that_there_is_meets_every_beam(bundle, tmp_path, monkeypatch, timed, capsys):
    monkeypatch.setattr(quantization, "get_supported_compute_types", lambda device: {"int8", "float32"})
    left_out = make_bundles({"": bundle, "student": bundle}, tmp_path, PARAMS)
    assert list(left_out) == ["bfloat16", "student bfloat16"]
    assert "bfloat16 is left out" in capsys.readouterr().out
    frame = gather_references(tiny_corpus().head(8))
    found = measure({"": bundle, "student": bundle}, tmp_path, frame, PARAMS, DECODING, EVALUATION, RUNTIME)
    assert found["lines"] == len(frame)
    names = ["int8", "float32", "student int8", "student float32"]
    assert list(found["candidates"]) == [*names, *(f"{name}, beam 1" for name in names)]
    assert found["candidates"]["float32"]["difference"]["bleu"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["candidates"]["float32"]["same"] == 1
    assert {one["beam_size"] for one in found["candidates"].values()} == {1, DECODING.beam_size}
    assert timed["texts"] == frame["source"].head(3).tolist()
    assert timed["engines"]["pytorch"] == Timed(bundle, DECODING)
    assert timed["engines"]["int8, beam 1"].decoding.beam_size == 1


def test_a_model_that_the_fast_engine_does_not_know_is_its_own_float32(tokenizer, tmp_path, timed):
    model = Recurrent(RECURRENT, tokenizer.source_size, tokenizer.target_size, tokenizer.shared)
    save_model(tmp_path / "forward", model, tokenizer, LANGUAGES, ORIGIN, "translation")
    left_out = make_bundles({"": tmp_path / "forward"}, tmp_path / "out", PARAMS)
    assert "knows no recurrent model" in left_out["bfloat16"]
    assert bundle_digest(tmp_path / "out/float32") == bundle_digest(tmp_path / "forward")
    assert read_manifest(tmp_path / "out/int8").quantization == "int8"
    params = PARAMS.model_copy(update={"beams": []})
    frame = gather_references(tiny_corpus().head(4))
    found = measure({"": tmp_path / "forward"}, tmp_path / "out", frame, params, DECODING, EVALUATION, RUNTIME)
    assert list(timed["engines"]) == ["int8", "float32"]
    assert found["pytorch"] == found["candidates"]["float32"]["speed"]


def test_a_loss_is_negative_in_every_metric_and_what_is_undefined_says_why():
    references = [["one two three four"], ["five six seven eight"]]
    right = [one for (one,) in references]
    found = compare_outputs({"float32": right, "int8": [right[0], "no"]}, references, "en", EVALUATION)
    assert all(one["value"] < 0 for one in found["int8"]["difference"].values())
    assert found["int8"]["same"] == 0.5
    found = compare_outputs({"float32": ["a", "b"], "int8": ["c", "d"]}, references, "en", EVALUATION)
    assert found["int8"]["difference"]["bleu"] == {
        "value": None, "low": None, "high": None, "undefined": "no output has a word of its reference",
    }  # fmt: skip
    # the same outputs lose nothing, even where the metric says nothing
    found = compare_outputs({"float32": ["a", "b"], "int8": ["a", "b"]}, references, "en", EVALUATION)
    assert found["int8"]["difference"]["bleu"]["low"] == 0
