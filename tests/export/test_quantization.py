"""From a trained bundle to the one that is released."""

from seq2seq.bundles.manifest import read_manifest
from seq2seq.bundles.pytorch import save_model
from seq2seq.export import quantization
from seq2seq.export.quantization import quantize, why_unsupported
from seq2seq.models.recurrent import Recurrent
from tests.tiny_models import LANGUAGES, ORIGIN, RECURRENT


def test_what_the_fast_engine_does_not_know_is_stored_as_int8_or_not_at_all(tokenizer, tmp_path):
    model = Recurrent(RECURRENT, tokenizer.source_size, tokenizer.target_size, tokenizer.shared)
    save_model(tmp_path / "forward", model, tokenizer, LANGUAGES, ORIGIN, "translation")
    assert "knows no recurrent model" in why_unsupported(tmp_path / "forward", "int8_float32")
    assert why_unsupported(tmp_path / "forward", "int8") == why_unsupported(tmp_path / "forward", "float32") == ""
    quantize(tmp_path / "forward", tmp_path / "out", "int8")
    assert read_manifest(tmp_path / "out").quantization == "int8"


def test_a_type_that_this_cpu_lacks_is_named(bundle, monkeypatch):
    monkeypatch.setattr(quantization, "get_supported_compute_types", lambda device: {"float32", "int16"})
    assert "on this CPU" in why_unsupported(bundle, "bfloat16")
    assert why_unsupported(bundle, "int16") == ""
    assert "this is a transformer model" in why_unsupported(bundle, "onnx_int8")
