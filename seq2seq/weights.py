"""PyTorch bundles: a model's weights as safetensors, beside its tokenizer."""

from pathlib import Path

from safetensors.torch import load_file, save

from seq2seq.architectures import MODELS, build_model
from seq2seq.bundle import TOKENIZER, Manifest, read_manifest, seal
from seq2seq.encoder_decoder import EncoderDecoder
from seq2seq.errors import UserError
from seq2seq.files import replacing, write_bytes
from seq2seq.languages import LanguagesParams
from seq2seq.tokenizer import Tokenizer

WEIGHTS = "weights.safetensors"


def save_model(
    folder: Path, model: EncoderDecoder, tokenizer: Tokenizer, languages: LanguagesParams, origin: dict[str, str]
) -> None:
    """Write a PyTorch model as a bundle."""
    with replacing(folder) as partial:
        tokenizer.save(partial / TOKENIZER)
        weights = {name: weight.detach().cpu().contiguous() for name, weight in model.named_parameters()}
        write_bytes(partial / WEIGHTS, save(weights))
        manifest = Manifest(
            format=1,
            task="translation",
            architecture=model.architecture,
            engine="pytorch",
            quantization="float32",
            languages=languages,
            model=model.params.model_dump(mode="json"),
            origin=origin,
            files={},
        )
        seal(partial, manifest)


def load_model(folder: Path) -> tuple[EncoderDecoder, Tokenizer]:
    """Read a PyTorch bundle, in evaluation mode on the CPU.

    Raises:
        UserError: the folder is no PyTorch bundle, of an architecture unknown here, or its parts don't match.
    """
    manifest = read_manifest(folder)
    if manifest.engine != "pytorch":
        raise UserError(f"{folder} is a {manifest.engine} bundle, but PyTorch weights are needed here")
    if manifest.architecture not in MODELS:
        raise UserError(f"{folder} holds a {manifest.architecture}; known architectures: {', '.join(MODELS)}")
    tokenizer = Tokenizer.load(folder / TOKENIZER)
    params = MODELS[manifest.architecture].Params.model_validate(manifest.model)
    model = build_model(manifest.architecture, params, tokenizer)
    weights = load_file(folder / WEIGHTS)
    expected = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    found = {name: tuple(weight.shape) for name, weight in weights.items()}
    if expected != found:
        odd = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise UserError(f"{folder}: weights and tokenizer don't belong together ({odd} differs); make it again")
    model.load_state_dict(weights, strict=False)  # tied weights are stored once
    return model.eval(), tokenizer
