"""A Transformer for CTranslate2, the fast engine.

CTranslate2's model specification: https://opennmt.net/CTranslate2/conversion.html. Its int8 is symmetric, one
scale per row of each weight matrix, activations quantized while it runs.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.converters import Converter
from ctranslate2.specs import TransformerSpec
from ctranslate2.specs.common_spec import Activation
from numpy.typing import NDArray
from torch import Tensor, nn

from seq2seq.bundles.manifest import CTRANSLATE2, derive, read_manifest
from seq2seq.bundles.pytorch import load_model
from seq2seq.core.errors import UserError
from seq2seq.models.transformer import (
    CrossAttention,
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    Residual,
    SelfAttention,
    Transformer,
)
from seq2seq.tokenizers.base import BOS, EOS, SPECIAL_PIECES, UNK, Tokenizer

ACTIVATIONS = {"relu": Activation.RELU, "gelu": Activation.GELU}


def is_known_to_ctranslate2(bundle: Path) -> bool:
    """Whether the fast engine can run the model of a bundle."""
    return read_manifest(bundle).architecture == Transformer.architecture


def export_ctranslate2(bundle: Path, out: Path, quantization: str) -> None:
    """Write the CTranslate2 bundle ``out`` of the PyTorch bundle ``bundle``.

    Raises:
        UserError: ``bundle`` is no PyTorch bundle.
    """
    model, tokenizer = load_model(bundle)
    if not isinstance(model, Transformer):
        raise UserError(f"{bundle} holds a {model.architecture} model, which CTranslate2 does not know")
    converter = _Converter(model, tokenizer)
    write = partial(converter.convert, quantization=quantization)
    derive(bundle, out, "ctranslate2", quantization, lambda folder: write(str(folder / CTRANSLATE2)))


def fast_form(bundle: Path, work: Path) -> Path:
    """A bundle for the fast engine, kept in ``work``; itself, where that doesn't know the architecture."""
    if not is_known_to_ctranslate2(bundle):
        return bundle
    engine = work / "engine"
    if not engine.exists():
        export_ctranslate2(bundle, engine, "float32")
    return engine


class _Converter(Converter):  # type: ignore[misc]
    """Copies weights into the specification of a Transformer."""

    def __init__(self, model: Transformer, tokenizer: Tokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer

    def _load(self) -> TransformerSpec:
        model = self.model
        params = self.model.params
        spec = TransformerSpec.from_config(
            (params.encoder_layers, params.decoder_layers),
            params.heads,
            pre_norm=params.norm == "pre",
            activation=ACTIVATIONS[params.activation],
            alignment_heads=params.heads,  # tags of HTML follow the mean of all of them
        )
        _embedding(spec.encoder.embeddings[0], model.source_embedding)
        _embedding(spec.decoder.embeddings, model.target_embedding)
        for side in (spec.encoder, spec.decoder):
            side.scale_embeddings = True  # by sqrt(width), as ours
            side.position_encodings.encodings = _numpy(model.positions)
        for layer_spec, layer in zip(spec.encoder.layer, model.encoder, strict=True):
            assert isinstance(layer, EncoderLayer)
            _self_attention(layer_spec.self_attention, layer.attention_residual, layer.attention)
            _feed_forward(layer_spec.ffn, layer.feed_forward_residual, layer.feed_forward)
        for layer_spec, layer in zip(spec.decoder.layer, model.decoder, strict=True):
            assert isinstance(layer, DecoderLayer)
            _self_attention(layer_spec.self_attention, layer.attention_residual, layer.attention)
            _cross_attention(layer_spec.attention, layer.cross_residual, layer.cross)
            _feed_forward(layer_spec.ffn, layer.feed_forward_residual, layer.feed_forward)
        if params.norm == "pre":  # then a stack ends unnormalised
            _norm(spec.encoder.layer_norm, model.encoder_norm)
            _norm(spec.decoder.layer_norm, model.decoder_norm)
        spec.decoder.projection.weight = _numpy(model.output_weight)

        spec.register_source_vocabulary(self.tokenizer.source_pieces)
        spec.register_target_vocabulary(self.tokenizer.target_pieces)
        spec.config.unk_token, spec.config.bos_token = SPECIAL_PIECES[UNK], SPECIAL_PIECES[BOS]
        spec.config.eos_token = SPECIAL_PIECES[EOS]
        spec.config.decoder_start_token = SPECIAL_PIECES[BOS]
        return spec


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy()


def _embedding(spec: Any, module: nn.Embedding) -> None:
    spec.weight = _numpy(module.weight)


def _linear(spec: Any, module: nn.Module) -> None:
    assert isinstance(module, nn.Linear)
    spec.weight, spec.bias = _numpy(module.weight), _numpy(module.bias)


def _norm(spec: Any, module: nn.Module) -> None:
    assert isinstance(module, nn.LayerNorm)
    spec.gamma, spec.beta = _numpy(module.weight), _numpy(module.bias)


def _self_attention(spec: Any, residual: Residual, module: SelfAttention) -> None:
    _norm(spec.layer_norm, residual.norm)
    _linear(spec.linear[0], module.qkv)
    _linear(spec.linear[1], module.out)


def _cross_attention(spec: Any, residual: Residual, module: CrossAttention) -> None:
    _norm(spec.layer_norm, residual.norm)
    _linear(spec.linear[0], module.q)
    _linear(spec.linear[1], module.kv)
    _linear(spec.linear[2], module.out)


def _feed_forward(spec: Any, residual: Residual, module: FeedForward) -> None:
    _norm(spec.layer_norm, residual.norm)
    _linear(spec.linear_0, module[0])
    _linear(spec.linear_1, module[2])
