"""From a trained bundle to the one that is released."""

import pytest

from seq2seq.bundles.manifest import read_manifest
from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.export.ctranslate2 import QuantizationParams, quantize
from seq2seq.models.recurrent import Recurrent
from tests.tiny_models import LANGUAGES, ORIGIN, RECURRENT


def test_what_the_fast_engine_does_not_know_is_stored_as_int8_or_not_at_all(tokenizer, tmp_path):
    model = Recurrent(RECURRENT, tokenizer.source_size, tokenizer.target_size, tokenizer.shared)
    save_model(tmp_path / "forward", model, tokenizer, LANGUAGES, ORIGIN, "translation")
    for kind in ("int8_float32", "float32"):
        with pytest.raises(UserError, match=rf"quantization\.type is {kind}, which only the transformer has"):
            quantize(tmp_path / "forward", tmp_path / "out", QuantizationParams(type=kind))
        assert not (tmp_path / "out").exists()
    quantize(tmp_path / "forward", tmp_path / "out", QuantizationParams(type="int8"))
    assert read_manifest(tmp_path / "out").quantization == "int8"
