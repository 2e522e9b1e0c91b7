"""PyTorch bundles: a model's weights as safetensors, beside its tokenizer, in float32 or in int8.

Int8 is symmetric with one scale per row of each matrix, as in CTranslate2. It only saves space, three quarters of it:
once loaded, the model computes in float32.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from seq2seq.bundles.manifest import MANIFEST, TOKENIZER, Manifest, derive, read_manifest, seal
from seq2seq.core.errors import UserError
from seq2seq.core.files import replacing, write_bytes
from seq2seq.core.params import check_section
from seq2seq.models.architectures import MODELS, build_model
from seq2seq.models.encoder_decoder import ArchitectureParams, EncoderDecoder
from seq2seq.text.languages import LanguagesParams
from seq2seq.tokenizers.base import Tokenizer
from seq2seq.tokenizers.load import load_tokenizer

WEIGHTS = "weights.safetensors"
SCALE = ".scale"  # suffix of an int8 matrix's name: the scale of each of its rows


def save_model(
    folder: Path,
    model: EncoderDecoder,
    tokenizer: Tokenizer,
    languages: LanguagesParams,
    origin: dict[str, str],
    task: str,
) -> None:
    """Write a PyTorch model as a bundle."""
    with replacing(folder) as partial:
        tokenizer.save(partial / TOKENIZER)
        write_bytes(partial / WEIGHTS, save(model.weights()))
        manifest = Manifest(
            task=task,
            architecture=model.architecture,
            engine="pytorch",
            quantization="float32",
            languages=languages,
            model=model.params.model_dump(mode="json"),
            origin=origin,
            files={},
        )
        seal(partial, manifest)


def quantize_weights(folder: Path, out: Path) -> None:
    """Write the int8 bundle ``out`` of the float32 PyTorch bundle ``folder``.

    Raises:
        UserError: ``folder`` is no PyTorch bundle.
    """
    model, _ = load_model(folder)
    stored: dict[str, Tensor] = {}
    for name, weight in model.weights().items():
        if weight.dim() < 2:
            stored[name] = weight
            continue
        scale = weight.abs().flatten(1).amax(1).clamp(min=1e-12) / 127  # [rows]
        stored[name] = (weight / _per_row(scale, weight)).round().to(torch.int8)
        stored[name + SCALE] = scale
    derive(folder, out, "pytorch", "int8", lambda partial: write_bytes(partial / WEIGHTS, save(stored)))


def _per_row(scale: Tensor, weight: Tensor) -> Tensor:
    return scale.view(-1, *[1] * (weight.dim() - 1))


def _read_weights(file: Path) -> dict[str, Tensor]:
    stored = load_file(file)
    return {
        name: weight * _per_row(stored[name + SCALE], weight) if name + SCALE in stored else weight
        for name, weight in stored.items()
        if not name.endswith(SCALE)
    }


def load_model(folder: Path) -> tuple[EncoderDecoder, Tokenizer]:
    """Read a PyTorch bundle, in evaluation mode on the CPU.

    Raises:
        UserError: the folder is no PyTorch bundle, of an architecture unknown here, or its parts don't match.
    """
    architecture, params = read_shape(folder)
    tokenizer = load_tokenizer(folder / TOKENIZER)
    model = build_model(architecture, params, tokenizer)
    fill_weights(model, folder)
    return model.eval(), tokenizer


def read_shape(folder: Path) -> tuple[str, ArchitectureParams]:
    """Which architecture a PyTorch bundle holds, and in what shape.

    Raises:
        UserError: the folder is no PyTorch bundle, of an architecture unknown here, or of another version.
    """
    manifest = read_manifest(folder)
    if manifest.engine != "pytorch":
        raise UserError(
            f"{folder} is a {manifest.engine} bundle, but PyTorch weights are needed here, as in models/forward"
        )
    if manifest.architecture not in MODELS:
        raise UserError(f"{folder} holds a {manifest.architecture}; known architectures: {', '.join(MODELS)}")
    params = MODELS[manifest.architecture].Params
    return manifest.architecture, check_section(manifest.model, "model", params, where=str(folder / MANIFEST))


def fill_weights(model: EncoderDecoder, folder: Path) -> None:
    """Give a model the weights of a bundle.

    Raises:
        UserError: they are those of another model.
    """
    weights = _read_weights(folder / WEIGHTS)
    expected = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    found = {name: tuple(weight.shape) for name, weight in weights.items()}
    if expected != found:
        odd = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise UserError(f"{folder}: weights and tokenizer don't belong together ({odd} differs); make it again")
    model.load_state_dict(weights, strict=False)  # tied weights are stored once
