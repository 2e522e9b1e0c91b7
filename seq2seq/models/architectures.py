"""The architectures by name, and which one params.yaml asks for."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from seq2seq.core.params import Section, load_section
from seq2seq.models.convolutional import Convolutional
from seq2seq.models.encoder_decoder import ArchitectureParams, EncoderDecoder
from seq2seq.models.huggingface import FineTuningParams, Pretrained
from seq2seq.models.recurrent import Recurrent
from seq2seq.models.transformer import Transformer
from seq2seq.tokenizers.base import Tokenizer

MODELS: dict[str, type[EncoderDecoder]] = {
    model.architecture: model for model in (Transformer, Recurrent, Convolutional, Pretrained)
}
# which section of params.yaml says how each is trained; a pretrained model brings its own shape
SECTIONS: dict[str, type[ArchitectureParams]] = {name: model.Params for name, model in MODELS.items()}
SECTIONS[Pretrained.architecture] = FineTuningParams


class ModelParams(Section):
    """Which model is trained; the section of its architecture's name says in what shape."""

    architecture: Literal["transformer", "recurrent", "convolutional", "pretrained"] = Field(
        description="Trains a model of this family, in the shape that the section of its name gives."
    )


def load_architecture(path: Path) -> tuple[str, ArchitectureParams]:
    """Read section ``model`` of a params file, and the section that it names."""
    name = load_section(path, "model", ModelParams).architecture
    return name, load_section(path, name, SECTIONS[name])


def build_model(architecture: str, params: ArchitectureParams, tokenizer: Tokenizer) -> EncoderDecoder:
    """Make a model with fresh weights that fits a tokenizer."""
    return MODELS[architecture](params, tokenizer.source_size, tokenizer.target_size, tokenizer.shared)
