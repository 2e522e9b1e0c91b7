"""What a student is: smaller than its teacher, and trained on the teacher's outputs.

It begins with fresh weights, or as what pruning leaves of its teacher. A deep encoder and a shallow decoder lose little
and decode fast, as the encoder runs once and the decoder once a piece:
Kasai et al. 2021, "Deep Encoder, Shallow Decoder", https://arxiv.org/abs/2006.10369.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from seq2seq.bundles.manifest import MANIFEST
from seq2seq.core.errors import UserError
from seq2seq.core.params import Section
from seq2seq.models.transformer import TransformerParams

SHAPE = ("encoder_layers", "decoder_layers", "width", "heads", "feed_forward")


class StudentParams(Section):
    """A Transformer that learns from the trained model; what isn't here is as in ``transformer`` and ``train``."""

    enabled: bool = Field(description="Trains a student, which then is a candidate; without it distil has no work.")
    teacher: str = Field(
        description="Learns from the bundle in this folder, or from an ensemble of those in folders of it."
    )
    start: Literal["fresh", "pruned"] = Field(
        description="Begins with fresh weights, or with the teacher's that are left in the student's shape (pruned)."
    )
    encoder_layers: int = Field(ge=1, le=64, description="Stacks this many encoder layers; they cost little time.")
    decoder_layers: int = Field(ge=1, le=64, description="Stacks this many decoder layers; each slows decoding down.")
    width: int = Field(ge=8, description="Gives each position a vector of this size; its layers' work grows squared.")
    heads: int = Field(ge=1, description="Lets each layer look at this many things; width must be a multiple of it.")
    feed_forward: int = Field(ge=8, description="Gives the feed-forward sub-layers this inner size.")
    max_updates: int = Field(ge=1, description="Ends its training after this many optimizer steps.")
    lr: float = Field(gt=0, le=1, description="Sets its learning rate at the end of warm-up.")

    def shape(self, transformer: TransformerParams) -> TransformerParams:
        """The student's shape; all else is as the section ``transformer`` says.

        Raises:
            UserError: width is no multiple of heads.
        """
        if self.width % self.heads:
            raise UserError(f"'student': width {self.width} must be a multiple of the number of heads, {self.heads}")
        return transformer.model_copy(update={name: getattr(self, name) for name in SHAPE})


def find_teachers(folder: Path) -> list[Path]:
    """The bundle in ``folder``, or those in folders of it, in alphabetical order.

    Raises:
        UserError: there is none.
    """
    if (folder / MANIFEST).exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    if not found:
        raise UserError(f"params.yaml: student.teacher is {folder}, where there is no bundle, nor in a folder of it")
    return found
