"""PyTorch bundles: a Transformer's weights as safetensors, beside its tokenizer."""

from pathlib import Path

from safetensors.torch import load_file, save

from seq2seq.bundle import TOKENIZER, Manifest, read_manifest, seal
from seq2seq.errors import UserError
from seq2seq.files import replacing, write_bytes
from seq2seq.languages import LanguagesParams
from seq2seq.tokenizer import Tokenizer
from seq2seq.transformer import Transformer, TransformerParams

WEIGHTS = "weights.safetensors"


def save_transformer(
    folder: Path, model: Transformer, tokenizer: Tokenizer, languages: LanguagesParams, origin: dict[str, str]
) -> None:
    """Write a PyTorch model as a bundle."""
    with replacing(folder) as partial:
        tokenizer.save(partial / TOKENIZER)
        weights = {name: weight.detach().cpu().contiguous() for name, weight in model.named_parameters()}
        write_bytes(partial / WEIGHTS, save(weights))
        manifest = Manifest(
            format=1,
            task="translation",
            architecture="transformer",
            engine="pytorch",
            quantization="float32",
            languages=languages,
            model=model.params.model_dump(mode="json"),
            origin=origin,
            files={},
        )
        seal(partial, manifest)


def build_transformer(tokenizer: Tokenizer, params: TransformerParams) -> Transformer:
    """Make a model with fresh weights that fits a tokenizer."""
    return Transformer(params, tokenizer.source_size, tokenizer.target_size, tokenizer.shared)


def load_transformer(folder: Path) -> tuple[Transformer, Tokenizer]:
    """Read a PyTorch bundle, in evaluation mode on the CPU.

    Raises:
        UserError: the folder is no PyTorch bundle, or its parts don't belong together.
    """
    manifest = read_manifest(folder)
    if manifest.engine != "pytorch":
        raise UserError(f"{folder} is a {manifest.engine} bundle, but PyTorch weights are needed here")
    tokenizer = Tokenizer.load(folder / TOKENIZER)
    model = build_transformer(tokenizer, TransformerParams.model_validate(manifest.model))
    weights = load_file(folder / WEIGHTS)
    expected = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    found = {name: tuple(weight.shape) for name, weight in weights.items()}
    if expected != found:
        odd = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise UserError(f"{folder}: weights and tokenizer don't belong together ({odd} differs); make it again")
    model.load_state_dict(weights, strict=False)  # tied weights are stored once
    return model.eval(), tokenizer
