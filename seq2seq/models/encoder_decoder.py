"""What every architecture is: an encoder, and a decoder that can run one piece at a time.

Shapes: B batch, S source length, T target length, D model width, V vocabulary. Masks: True is a real token.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seq2seq.core.params import Section
from seq2seq.models.protocol import State


class ArchitectureParams(Section):
    """What all architectures have in common."""

    dropout: float = Field(
        ge=0,
        le=0.9,
        description="Switches units off in training with this probability, rounded to 1/256; a smaller corpus needs "
        "more.",
    )
    max_length: int = Field(
        ge=8,
        le=4096,
        description="Leaves out pairs with more pieces on a side in training, and cuts longer texts in translation.",
    )


class FromScratchParams(ArchitectureParams):
    """What the architectures that are trained from scratch have in common."""

    width: int = Field(
        ge=8,
        multiple_of=2,
        description="Makes embeddings and hidden states of this size; wider ones learn more and are slower.",
    )
    encoder_layers: int = Field(
        ge=1, le=64, description="Stacks this many layers in the encoder; more learn more and are slower."
    )
    decoder_layers: int = Field(
        ge=1, le=64, description="Stacks this many layers in the decoder; these cost most time in translation."
    )


class EncoderDecoder(nn.Module, ABC):
    """One architecture; :mod:`seq2seq.models.architectures` lists them all.

    Training calls it on whole targets (teacher forcing); search calls ``start`` once and ``step`` per piece.
    """

    architecture: ClassVar[str]  # its name in params.yaml and in bundles
    Params: ClassVar[type[ArchitectureParams]]
    params: ArchitectureParams

    def __init__(self, params: ArchitectureParams, source_size: int, target_size: int, shared: bool) -> None:
        """Make a model with fresh weights.

        Args:
            params: shape of the model.
            source_size: pieces in the source vocabulary.
            target_size: pieces in the target vocabulary.
            shared: the two vocabularies are one, and so are their embeddings.
        """
        super().__init__()
        self.params = params

    @abstractmethod
    def forward(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor:
        """Hidden states [B, T, D] for source [B, S], its mask [B, S] and target [B, T] that begins with BOS."""

    @abstractmethod
    def start(self, src: Tensor, mask: Tensor) -> State:
        """Encode a batch, [B, S], and return the state before the first target piece."""

    @abstractmethod
    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits [B, V] of the piece after ``tokens`` [B], and the state that includes them."""

    @abstractmethod
    def attention(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor | None:
        """Attention [B, T, S] of the last decoder layer to the source; None where there is none."""

    @property
    @abstractmethod
    def output_weight(self) -> Tensor:
        """The output projection [V, D]."""

    @abstractmethod
    def embeddings(self) -> list[Tensor]:
        """The matrices that pieces are embedded by, each once."""

    def project(self, hidden: Tensor) -> Tensor:
        """Logits [..., V] of hidden states [..., D]."""
        return F.linear(hidden, self.output_weight)

    def weights(self) -> dict[str, Tensor]:
        """The parameters on the CPU, each tied one once."""
        return {name: weight.detach().cpu().contiguous() for name, weight in self.named_parameters()}

    def take_weights(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Copy parameters that are named as in :meth:`weights` into this model's."""
        mine = dict(self.named_parameters())
        with torch.no_grad():
            for name, weight in weights:
                mine[name].copy_(weight)


class FromScratch(EncoderDecoder):
    """An architecture that is trained from scratch, with embeddings of its own.

    One matrix serves as target embeddings and output projection (Press and Wolf 2017,
    https://arxiv.org/abs/1608.05859), and as source embeddings too where the vocabulary is joint.
    """

    Params: ClassVar[type[FromScratchParams]]
    params: FromScratchParams

    def __init__(self, params: FromScratchParams, source_size: int, target_size: int, shared: bool) -> None:
        """Make the embeddings; see :class:`EncoderDecoder` for the sizes."""
        super().__init__(params, source_size, target_size, shared)
        width = params.width
        self.target_embedding = nn.Embedding(target_size, width)
        self.source_embedding = self.target_embedding if shared else nn.Embedding(source_size, width)
        for embedding in (self.target_embedding, self.source_embedding):
            nn.init.normal_(embedding.weight, std=width**-0.5)

    @property
    @abstractmethod
    def last_attention(self) -> nn.Module | None:
        """The last decoder layer's attention to the source: a module whose ``weights`` takes what it is called with.

        None where there is none.
        """

    def attention(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor | None:
        """Attention [B, T, S] of the last decoder layer to the source; None where there is none."""
        if (module := self.last_attention) is None:
            return None
        seen: list[Tensor] = []  # one, or where the target is read piece by piece one for each piece

        def record(module: Any, inputs: tuple[Tensor, ...]) -> None:
            seen.append(module.weights(*inputs))

        handle = module.register_forward_pre_hook(record)
        try:
            self(src, mask, tgt)
        finally:
            handle.remove()
        return torch.cat(seen, dim=1)

    @property
    def output_weight(self) -> Tensor:
        """The output projection [V, D]."""
        return self.target_embedding.weight

    def embeddings(self) -> list[Tensor]:
        """The matrices that pieces are embedded by, each once."""
        return list({id(one): one for one in (self.source_embedding.weight, self.target_embedding.weight)}.values())
