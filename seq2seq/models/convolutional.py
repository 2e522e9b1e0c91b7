"""Convolutional encoder-decoder: gated convolutions, and attention in every decoder layer.

Gehring et al. 2017, https://arxiv.org/abs/1705.03122; gates: Dauphin et al. 2017, https://arxiv.org/abs/1612.08083.
There, weight normalisation and factors on sums and gradients keep training stable. Here it is layer normalisation
before each convolution, and dot products divided by the root of the width (Vaswani et al. 2017).

Shapes: B batch, S source length, T target length, D model width, W kernel width. Masks: True is a real token.
"""

import math

import torch
import torch.nn.functional as F
from pydantic import Field, field_validator
from torch import Tensor, nn

from seq2seq.models.dropout import Dropout
from seq2seq.models.encoder_decoder import FromScratch, FromScratchParams
from seq2seq.models.protocol import State


class ConvolutionalParams(FromScratchParams):
    """Shape of a convolutional encoder-decoder."""

    kernel: int = Field(
        ge=3,
        le=31,
        description="Lets a convolution see this many positions, an odd number; more see farther and are slower.",
    )

    @field_validator("kernel")
    @classmethod
    def _is_odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"kernel {kernel} must be odd")
        return kernel


class GatedConvolution(nn.Module):
    """A convolution over positions to twice the width, one half of which gates the other."""

    def __init__(self, params: ConvolutionalParams) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(params.width)
        self.dropout = Dropout(params.dropout)
        self.convolution = nn.Conv1d(params.width, 2 * params.width, params.kernel)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, L + W - 1, D] to [B, L, D]."""
        return F.glu(self.convolution(self.dropout(self.norm(x)).transpose(1, 2)), dim=1).transpose(1, 2)


class SourceAttention(nn.Module):
    """Attention of one head from the target to the source; its query knows the piece that was read last."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def queries(self, hidden: Tensor, embedded: Tensor) -> Tensor:
        """What is compared with the source: [B, T, D]."""
        return self.query(hidden) + embedded  # type: ignore[no-any-return]

    def weights(self, hidden: Tensor, embedded: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """The attention [B, T, S] that :meth:`forward` applies, computed explicitly for display."""
        scores = self.queries(hidden, embedded) @ keys.transpose(1, 2) / math.sqrt(keys.shape[2])
        return scores.masked_fill(~mask.unsqueeze(1), -math.inf).softmax(2)

    def forward(self, hidden: Tensor, embedded: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Map [B, T, D], with the embeddings [B, T, D] below it, to [B, T, D]; ``mask`` [B, S]."""
        query = self.queries(hidden, embedded)
        allowed = mask.unsqueeze(1)  # [B, 1, S]
        return self.out(F.scaled_dot_product_attention(query, keys, values, attn_mask=allowed))  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    """A gated convolution over the positions so far, and attention from its result to the source."""

    def __init__(self, params: ConvolutionalParams) -> None:
        super().__init__()
        self.convolution = GatedConvolution(params)
        self.attention = SourceAttention(params.width)

    def forward(self, x: Tensor, past: Tensor, embedded: Tensor, fixed: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Map [B, T, D], after the W - 1 inputs before it, to [B, T, D] and the last W - 1 inputs."""
        seen = torch.cat([past, x], dim=1)
        hidden = self.convolution(seen)
        attended = self.attention(hidden, embedded, fixed["keys"], fixed["values"], fixed["mask"])
        return x + hidden + attended, seen[:, seen.shape[1] - past.shape[1] :]


class Convolutional(FromScratch):
    """The model. A whole target and a single piece go the same way, :meth:`_advance`."""

    architecture = "convolutional"
    Params = ConvolutionalParams
    params: ConvolutionalParams

    def __init__(self, params: ConvolutionalParams, source_size: int, target_size: int, shared: bool) -> None:
        """Make a model with fresh weights; see :class:`EncoderDecoder` for the sizes."""
        super().__init__(params, source_size, target_size, shared)
        self.source_positions = nn.Embedding(params.max_length, params.width)
        self.target_positions = nn.Embedding(params.max_length, params.width)
        for positions in (self.source_positions, self.target_positions):
            nn.init.normal_(positions.weight, std=params.width**-0.5)
        self.encoder = nn.ModuleList(GatedConvolution(params) for _ in range(params.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(params) for _ in range(params.decoder_layers))
        self.source_norm, self.norm = nn.LayerNorm(params.width), nn.LayerNorm(params.width)
        self.dropout = Dropout(params.dropout)

    def _embed(self, embedding: nn.Embedding, positions: Tensor, tokens: Tensor) -> Tensor:
        scaled = (embedding(tokens) + positions) * math.sqrt(self.params.width / 2)  # of variance 1
        return self.dropout(scaled)  # type: ignore[no-any-return]

    def _encode(self, src: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [B, S, D] of the source."""
        embedded = self._embed(self.source_embedding, self.source_positions.weight[: src.shape[1]], src)
        x = embedded
        beside = self.params.kernel // 2
        real = mask.unsqueeze(2)
        for layer in self.encoder:
            padded = F.pad(x * real, (0, 0, beside, beside))  # [B, S + W - 1, D]
            x = x + layer(padded)
        keys = self.source_norm(x)
        return keys, keys + embedded

    def start(self, src: Tensor, mask: Tensor) -> State:
        """Encode a batch, [B, S], and return the state before the first target piece."""
        keys, values = self._encode(src, mask)
        before = keys.new_zeros(src.shape[0], self.params.kernel - 1, self.params.width)
        moving = {f"past{number}": before for number in range(self.params.decoder_layers)}
        moving["position"] = torch.zeros(src.shape[0], dtype=torch.long, device=src.device)
        return State({"keys": keys, "values": values, "mask": mask}, moving)

    def _advance(self, tgt: Tensor, state: State) -> tuple[Tensor, State]:
        """Hidden states [B, T, D] of target pieces [B, T], and the state after them."""
        length = tgt.shape[1]
        places = state.moving["position"].unsqueeze(1) + torch.arange(length, device=tgt.device)  # [B, T]
        x = embedded = self._embed(self.target_embedding, self.target_positions(places), tgt)
        moving = {"position": state.moving["position"] + length}
        for number, layer in enumerate(self.decoder):
            x, moving[f"past{number}"] = layer(x, state.moving[f"past{number}"], embedded, state.fixed)
        return self.dropout(self.norm(x)), State(state.fixed, moving)

    def forward(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor:
        """Hidden states [B, T, D] for source [B, S], its mask [B, S] and target [B, T] (teacher forcing)."""
        return self._advance(tgt, self.start(src, mask))[0]

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits [B, V] of the piece after ``tokens`` [B], and the state that includes them."""
        hidden, state = self._advance(tokens.unsqueeze(1), state)
        return self.project(hidden).squeeze(1), state

    @property
    def last_attention(self) -> nn.Module:
        """The attention of the last decoder layer."""
        last = self.decoder[-1]
        assert isinstance(last, DecoderLayer)
        return last.attention
