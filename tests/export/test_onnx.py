"""Recurrent and convolutional models in ONNX Runtime, against the same models in PyTorch."""

import numpy as np
import pytest
import torch

from seq2seq.bundles.manifest import bundle_digest, read_manifest
from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.export.onnx import export_onnx
from seq2seq.inference.translator import Translator
from seq2seq.models.convolutional import Convolutional, ConvolutionalParams
from seq2seq.models.recurrent import Recurrent
from tests.tiny_models import DECODING, LANGUAGES, ORIGIN, RECURRENT, RUNTIME, tiny_corpus

CONVOLUTIONAL = ConvolutionalParams(width=16, encoder_layers=2, decoder_layers=2, kernel=3, dropout=0.1, max_length=40)
MODELS = {
    "lstm": (Recurrent, RECURRENT.model_copy(update={"cell": "lstm"})),
    "fed": (Recurrent, RECURRENT.model_copy(update={"cell": "gru", "attention": "additive", "input_feeding": True})),
    "plain": (
        Recurrent,
        RECURRENT.model_copy(
            update={"cell": "rnn", "attention": "none", "input_feeding": False, "bidirectional": False}
        ),
    ),
    "convolutional": (Convolutional, CONVOLUTIONAL),
}
TEXTS = tiny_corpus()["source"].tolist()[:7]


@pytest.fixture(scope="module", params=MODELS)
def bundles(request, tokenizer, tmp_path_factory):
    """A PyTorch bundle, and the ONNX bundles of both types."""
    kind, params = MODELS[request.param]
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp(request.param)
    model = kind(params, tokenizer.source_size, tokenizer.target_size, tokenizer.shared)
    save_model(folder / "pytorch", model, tokenizer, LANGUAGES, ORIGIN, "translation")
    for quantization in ("float32", "int8"):
        export_onnx(folder / "pytorch", folder / quantization, quantization)
    return folder


def test_both_engines_give_the_same_outputs(bundles):
    ours, theirs = (Translator.load(bundles / name, RUNTIME) for name in ("pytorch", "float32"))
    outputs = ours.translate(TEXTS, DECODING)  # in batches, so of sources of several lengths
    assert theirs.translate(TEXTS, DECODING) == outputs
    assert any(outputs)
    for one, other in zip(*(engine.score(TEXTS, TEXTS[::-1]) for engine in (ours, theirs)), strict=True):
        assert np.allclose(one, other, atol=1e-4)


def test_int8_is_smaller_and_near(bundles):
    sizes = [sum(file.stat().st_size for file in (bundles / name / "onnx").iterdir()) for name in ("float32", "int8")]
    assert sizes[1] < sizes[0]
    exact, near = (Translator.load(bundles / name, RUNTIME).score(TEXTS, TEXTS[::-1]) for name in ("float32", "int8"))
    differences = np.abs(np.concatenate(exact) - np.concatenate(near))
    assert 0 < differences.max() < 0.5
    manifest = read_manifest(bundles / "int8")
    assert (manifest.engine, manifest.quantization) == ("onnx", "int8")


def test_the_same_model_gives_the_same_bytes(bundles, tmp_path):
    for quantization in ("float32", "int8"):
        export_onnx(bundles / "pytorch", tmp_path / quantization, quantization)
        assert bundle_digest(tmp_path / quantization) == bundle_digest(bundles / quantization)


def test_a_gpu_is_not_for_these_bundles(bundles):
    with pytest.raises(UserError, match=r"runtime\.device is cuda, but .* runs on the CPU alone"):
        Translator.load(bundles / "int8", RUNTIME.model_copy(update={"device": "cuda"}))
