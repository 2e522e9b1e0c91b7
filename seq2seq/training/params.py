"""The sections `train` and `train_backward` of params.yaml."""

import os
import shutil
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section, load_section
from seq2seq.pretrained.start import parse_start

SECTIONS = {"forward": "train", "backward": "train_backward"}  # of params.yaml, by the direction of the model


class TrainingParams(Section):
    """How a model is trained."""

    max_updates: int = Field(
        ge=1, description="Ends training after this many optimizer steps; the schedule cosine reaches its end there."
    )
    max_epochs: int = Field(
        ge=1, description="Ends training after this many passes over the training set, if max_updates doesn't first."
    )
    batch_tokens: int = Field(
        ge=16, description="Fills batches with at most this many source and target pieces, padding counted."
    )
    subword_sampling: float = Field(
        ge=0,
        le=1,
        description="Above 0, cuts words anew in each epoch: unigram's alpha, or bpe's share of dropped merges.",
    )
    accumulate: int = Field(ge=1, description="Computes a batch in this many parts, one after another, to save memory.")
    launch: str = Field(
        min_length=1,
        description="Starts the stage's process: python, or torchrun with its options for several processes.",
    )
    schedule: Literal["inverse_sqrt", "cosine", "plateau", "constant"] = Field(
        description="Chooses how the learning rate falls after warm-up; plateau halves it at poorer validations."
    )
    lr: float = Field(
        gt=0,
        le=1,
        description="Sets the learning rate at the end of warm-up; too low learns slowly, too high learns nothing.",
    )
    warmup_updates: int = Field(
        ge=1, description="Raises the learning rate from 0 to lr over this many updates; a high lr needs more of them."
    )
    r_drop: float = Field(
        ge=0,
        le=100,
        description="Above 0, lowers the divergence of two dropouts too, with this weight, at twice the cost.",
    )
    adversarial: float = Field(
        ge=0,
        le=10,
        description="Above 0, also trains on embeddings shifted this far against the model, at twice the cost.",
    )
    label_smoothing: float = Field(
        ge=0,
        lt=1,
        description="Spreads this much of each target's probability over the vocabulary, so the model is less sure.",
    )
    adam_beta2: float = Field(
        gt=0, lt=1, description="Closer to 1, lets Adam average squared gradients over more updates."
    )
    weight_decay: float = Field(
        ge=0, description="Above 0, shrinks the weights in each update by lr times this (decoupled, as in AdamW)."
    )
    clip_norm: float = Field(gt=0, description="Scales gradients of a larger norm down to this one.")
    ema: float = Field(
        ge=0,
        lt=1,
        description="Above 0, validates and keeps a moving average of the weights with this decay, such as 0.999.",
    )
    validate_every: int = Field(
        ge=1, description="Validates and writes a checkpoint once in this many updates; a small number costs time."
    )
    early_stopping_metric: Literal["loss", "bleu", "chrf"] = Field(
        description="Chooses the best checkpoints by validation loss, or by BLEU or chrF of greedy outputs."
    )
    patience: int = Field(ge=1, description="Stops training early after this many validations without a better one.")
    average_checkpoints: int = Field(
        ge=1,
        le=100,
        description="Averages the weights of this many of the best validated checkpoints; 1 takes the best alone.",
    )
    compile: bool = Field(
        description="Lets torch.compile translate the model: slow to start, then faster on a GPU; needs a C++ compiler."
    )
    seed: int = Field(
        ge=0,
        lt=2**63,
        description="Another seed draws other initial weights, another order of batches and other dropout.",
    )

    def check(self, label: str, architecture: str, max_length: int) -> None:
        """Refuse what can't be trained: the longest pair needs room in a batch, and torch.compile a compiler.

        Args:
            label: name of this section of params.yaml.
            architecture: name of the model's section.
            max_length: pieces of either side at most.

        Raises:
            UserError: there is no room, no C++ compiler, or a model that torch.compile can't translate.
        """
        if (longest := 2 * max_length) > self.batch_tokens:
            raise UserError(
                f"'{label}.batch_tokens' is {self.batch_tokens}, but a pair may have {longest} pieces; set it to "
                f"at least that, or lower '{architecture}.max_length' to leave out long pairs"
            )
        if not self.compile:
            return
        if architecture == "recurrent":  # PyTorch 2.13 fails while it translates LSTMs and GRUs with dropout
            raise UserError(f"'{label}.compile' is true, but PyTorch can't compile recurrent models; set it to false")
        compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")  # as PyTorch chooses it
        if not shutil.which(compiler):
            raise UserError(f"'{label}.compile' needs the C++ compiler {compiler}; install it, or set compile to false")


class ForwardParams(TrainingParams):
    """How the forward model is trained, and what it begins with."""

    start: str = Field(
        description="Goes on from this bundle, with its tokenizer and its shape; empty, it begins with fresh weights."
    )
    old_corpora: list[str] = Field(
        description="Takes these corpora for what the start has learned from; of them an epoch reads old_share alone."
    )
    old_share: float = Field(
        ge=0, lt=1, description="Makes up this share of an epoch's real pairs of old_corpora, at most of all they have."
    )

    @field_validator("start")
    @classmethod
    def _check_start(cls, start: str) -> str:
        try:
            parse_start(start)
        except UserError as error:
            raise ValueError(str(error)) from None
        return start

    def training(self) -> TrainingParams:
        """How it is trained, whatever it begins with."""
        return TrainingParams.model_validate(self.model_dump(include=set(TrainingParams.model_fields)))


def load_training(path: Path, section: str) -> TrainingParams:
    """Read how a model is trained from a section of a params file.

    Raises:
        UserError: the section is missing or wrong.
    """
    if section == SECTIONS["forward"]:
        return load_section(path, section, ForwardParams).training()
    return load_section(path, section, TrainingParams)
