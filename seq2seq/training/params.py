"""The sections `train` and `train_backward` of params.yaml."""

import os
import shutil
import sys
from typing import Literal

from pydantic import Field

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section


class TrainingParams(Section):
    """How a model is trained."""

    max_updates: int = Field(ge=1, description="optimizer steps at most")
    max_epochs: int = Field(ge=1, description="passes over the training set at most")
    batch_tokens: int = Field(ge=16, description="source plus target tokens of a batch at most, padding counted")
    subword_sampling: float = Field(
        ge=0,
        le=1,
        description="above 0 words are cut anew in each epoch: unigram's alpha, or bpe's share of dropped merges",
    )
    accumulate: int = Field(ge=1, description="parts that a batch is computed in, one after another, to save memory")
    launch: str = Field(min_length=1, description="how the stage's process is started: python, or torchrun for several")
    schedule: Literal["inverse_sqrt", "cosine", "plateau", "constant"] = Field(description="way down after warm-up")
    lr: float = Field(gt=0, le=1, description="learning rate at the end of warm-up")
    warmup_updates: int = Field(ge=1, description="updates of linear warm-up")
    r_drop: float = Field(ge=0, le=100, description="weight of the divergence between two dropouts; 0 computes one")
    adversarial: float = Field(ge=0, le=10, description="norm of a shift of the embeddings against the model; 0: none")
    label_smoothing: float = Field(ge=0, lt=1, description="probability mass spread over the vocabulary")
    adam_beta2: float = Field(gt=0, lt=1, description="Adam's decay of the squared gradient")
    weight_decay: float = Field(ge=0, description="decoupled, as in AdamW")
    clip_norm: float = Field(gt=0, description="largest norm of the gradient")
    ema: float = Field(ge=0, lt=1, description="decay of the moving average of weights that is validated; 0: none")
    validate_every: int = Field(ge=1, description="updates between validations, each of which is a checkpoint")
    early_stopping_metric: Literal["loss", "bleu", "chrf"] = Field(description="of greedy outputs, or of the loss")
    patience: int = Field(ge=1, description="validations without a better one before training stops")
    average_checkpoints: int = Field(ge=1, le=100, description="best validated checkpoints whose weights are averaged")
    compile: bool = Field(description="let torch.compile translate the model; needs a C++ compiler")
    seed: int = Field(ge=0, lt=2**63, description="of initial weights, order of batches and dropout")

    def check(self, label: str, architecture: str, max_length: int) -> None:
        """Check what can't be trained so: the longest pair needs room in a batch, torch.compile a compiler.

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
