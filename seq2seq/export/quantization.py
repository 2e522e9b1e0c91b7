"""The types of weights that a model can be released in, and the engine that runs each.

CTranslate2's, by its own names, for a Transformer; for what it doesn't know ONNX Runtime's (onnx_int8, onnx_float32),
and int8 and float32 that PyTorch runs.
"""

from pathlib import Path
from typing import Literal

from ctranslate2 import get_supported_compute_types

from seq2seq.bundles.manifest import read_manifest
from seq2seq.bundles.pytorch import quantize_weights
from seq2seq.export.ctranslate2 import export_ctranslate2, is_known_to_ctranslate2
from seq2seq.export.onnx import export_onnx, is_known_to_onnx

Quantization = Literal["int8", "int8_float32", "int16", "bfloat16", "float32", "onnx_int8", "onnx_float32"]
FOR_ONNX = {"onnx_int8": "int8", "onnx_float32": "float32"}


def why_unsupported(bundle: Path, kind: Quantization) -> str:
    """Why a model can't run with weights of a type here, in words; empty where it can."""
    model = f"{read_manifest(bundle).architecture} model"
    if kind in FOR_ONNX:
        return "" if is_known_to_onnx(bundle) else f"it is for recurrent and convolutional models; this is a {model}"
    if not is_known_to_ctranslate2(bundle):
        return "" if kind in ("int8", "float32") else f"only the fast engine has it, which knows no {model}"
    return "" if kind in get_supported_compute_types("cpu") else "CTranslate2 can't compute with it on this CPU"


def quantize(bundle: Path, out: Path, kind: Quantization) -> None:
    """Write the bundle ``out`` of the PyTorch bundle ``bundle`` with weights of a type that it supports.

    Raises:
        UserError: ``bundle`` is no PyTorch bundle.
    """
    if kind in FOR_ONNX:
        export_onnx(bundle, out, FOR_ONNX[kind])
    elif is_known_to_ctranslate2(bundle):
        export_ctranslate2(bundle, out, kind)
    else:
        assert kind == "int8", f"{bundle} has no {kind}"
        quantize_weights(bundle, out)
