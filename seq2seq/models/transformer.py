"""The Transformer encoder-decoder.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; layer normalisation before each sub-layer, which trains
deeper stacks and needs less warm-up, as in Xiong et al. 2020, https://arxiv.org/abs/2002.04745; GELU:
https://arxiv.org/abs/1606.08415.

Shapes: B batch, S source length, T target length, D model width, H heads, V vocabulary.
Masks: True is a real token.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from seq2seq.models.dropout import Dropout
from seq2seq.models.encoder_decoder import FromScratch, FromScratchParams
from seq2seq.models.protocol import State


class TransformerParams(FromScratchParams):
    """Shape of a Transformer."""

    heads: int = Field(
        ge=1, description="Lets each layer look at this many things at once; width must be a multiple of it."
    )
    feed_forward: int = Field(
        ge=8, description="Gives the feed-forward sub-layers this inner size; larger ones learn more and are slower."
    )
    norm: Literal["pre", "post"] = Field(
        description="Normalises before each sub-layer (pre), which learns faster, or after it (post)."
    )
    activation: Literal["relu", "gelu"] = Field(
        description="Chooses the function inside the feed-forward sub-layers; relu cuts off below 0, gelu smoothly."
    )
    positions: Literal["sinusoidal", "learned"] = Field(
        description="Tells places in a sentence apart by fixed waves (sinusoidal), or by vectors that are learned."
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "TransformerParams":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of the number of heads, {self.heads}")
        return self


def sinusoids(length: int, width: int) -> Tensor:
    """Position encodings, [length, width]: sines in the first half, cosines in the second."""
    position = torch.arange(length, dtype=torch.float64).unsqueeze(1)
    rate = torch.exp(torch.arange(width // 2, dtype=torch.float64) * -(math.log(10000) / (width // 2 - 1)))
    return torch.cat([torch.sin(position * rate), torch.cos(position * rate)], dim=1).float()


class Attention(nn.Module):
    """Multi-head scaled dot-product attention; queries, keys and values come projected in one product each."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Cut [B, L, parts * D] into ``parts`` tensors [B, H, L, D / H]."""
        batch, length, _ = x.shape
        # chunked first: to join the gradients again then takes one copy, where a dimension of parts would take two
        return tuple(part.view(batch, length, self.heads, -1).transpose(1, 2) for part in x.chunk(parts, 2))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """Attend from q [B, H, T, D / H] to k and v [B, H, S, D / H]; return [B, T, D]."""
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        return self.out(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class SelfAttention(Attention):
    """Attention within one sequence."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.qkv = nn.Linear(width, 3 * width)

    def forward(self, x: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """Map [B, L, D] to [B, L, D]; ``mask`` [B, 1, 1, L] hides padding, ``causal`` hides the future."""
        q, k, v = self.split(self.qkv(x), 3)
        return self.attend(q, k, v, mask, causal)

    def step(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Attend from one new position [B, 1, D] to all positions so far.

        ``past`` [B, 2, H, T, D / H] holds the keys and values before it; the second result holds one more.
        """
        q, k, v = self.split(self.qkv(x), 3)
        past = torch.cat([past, torch.stack([k, v], dim=1)], dim=3)
        return self.attend(q, past[:, 0], past[:, 1]), past


class CrossAttention(Attention):
    """Attention from the target to the encoder's output."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [B, H, S, D / H] of the memory [B, S, D]."""
        k, v = self.split(self.kv(memory), 2)
        return k, v

    def forward(self, x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """Map [B, T, D] to [B, T, D]; ``mask`` [B, 1, 1, S]."""
        (q,) = self.split(self.q(x), 1)
        return self.attend(q, k, v, mask)

    def head_weights(self, x: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        """The attention matrices [B, H, T, S] that :meth:`forward` applies, computed explicitly for display."""
        (q,) = self.split(self.q(x), 1)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        return (scores if mask is None else scores.masked_fill(~mask, -math.inf)).softmax(-1)

    def weights(self, x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """Their mean over the heads, [B, T, S]."""
        return self.head_weights(x, k, mask).mean(1)


class FeedForward(nn.Sequential):
    """Two linear maps with an activation between, applied to each position."""

    ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}  # noqa: RUF012 (never changed)

    def __init__(self, params: TransformerParams) -> None:
        activation = self.ACTIVATIONS[params.activation]()
        super().__init__(
            nn.Linear(params.width, params.feed_forward), activation, nn.Linear(params.feed_forward, params.width)
        )


class Residual(nn.Module):
    """Adds a sub-layer's output to its input, and normalises the one before or the sum after."""

    def __init__(self, params: TransformerParams) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(params.width)
        self.dropout = Dropout(params.dropout)
        self.first = params.norm == "pre"

    def before(self, x: Tensor) -> Tensor:
        """What the sub-layer reads."""
        return self.norm(x) if self.first else x

    def after(self, x: Tensor, out: Tensor) -> Tensor:
        """The sum of the input ``x`` and the sub-layer's output."""
        total = x + self.dropout(out)
        return total if self.first else self.norm(total)  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward."""

    def __init__(self, params: TransformerParams) -> None:
        super().__init__()
        self.attention, self.attention_residual = SelfAttention(params.width, params.heads), Residual(params)
        self.feed_forward, self.feed_forward_residual = FeedForward(params), Residual(params)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map [B, S, D] to [B, S, D]."""
        x = self.attention_residual.after(x, self.attention(self.attention_residual.before(x), mask))
        return self.feed_forward_residual.after(x, self.feed_forward(self.feed_forward_residual.before(x)))


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to the source, and feed-forward."""

    def __init__(self, params: TransformerParams) -> None:
        super().__init__()
        self.attention, self.attention_residual = SelfAttention(params.width, params.heads), Residual(params)
        self.cross, self.cross_residual = CrossAttention(params.width, params.heads), Residual(params)
        self.feed_forward, self.feed_forward_residual = FeedForward(params), Residual(params)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        """Map all target positions [B, T, D] at once, under a causal mask."""
        attended = self.attention(self.attention_residual.before(x), causal=True)
        return self._rest(self.attention_residual.after(x, attended), *self.cross.project(memory), mask)

    def step(self, x: Tensor, past: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map one target position [B, 1, D], given the keys and values of those before it."""
        attended, past = self.attention.step(self.attention_residual.before(x), past)
        return self._rest(self.attention_residual.after(x, attended), k, v, mask), past

    def _rest(self, x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        x = self.cross_residual.after(x, self.cross(self.cross_residual.before(x), k, v, mask))
        return self.feed_forward_residual.after(x, self.feed_forward(self.feed_forward_residual.before(x)))


class Transformer(FromScratch):
    """``forward`` is ``decode(encode(src), tgt)``; search calls ``start`` once and ``step`` per token."""

    architecture = "transformer"
    Params = TransformerParams
    params: TransformerParams
    positions: Tensor  # [max_length, D]

    def __init__(self, params: TransformerParams, source_size: int, target_size: int, shared: bool) -> None:
        """Make a model with fresh weights; see :class:`EncoderDecoder` for the sizes."""
        super().__init__(params, source_size, target_size, shared)
        self.encoder = nn.ModuleList(EncoderLayer(params) for _ in range(params.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(params) for _ in range(params.decoder_layers))
        ends_normalised = params.norm == "post"
        self.encoder_norm = nn.Identity() if ends_normalised else nn.LayerNorm(params.width)
        self.decoder_norm = nn.Identity() if ends_normalised else nn.LayerNorm(params.width)
        self.dropout = Dropout(params.dropout)
        if params.positions == "learned":
            self.positions = nn.Parameter(torch.randn(params.max_length, params.width) * params.width**-0.5)
        else:
            self.register_buffer("positions", sinusoids(params.max_length, params.width), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def _embed(self, embedding: nn.Embedding, tokens: Tensor, first: int = 0) -> Tensor:
        scaled = embedding(tokens) * math.sqrt(self.params.width)
        return self.dropout(scaled + self.positions[first : first + tokens.shape[1]])  # type: ignore[no-any-return]

    def encode(self, src: Tensor, mask: Tensor) -> Tensor:
        """Map source pieces [B, S], with their mask [B, S], to the memory [B, S, D]."""
        x = self._embed(self.source_embedding, src)
        for layer in self.encoder:
            x = layer(x, mask[:, None, None])
        return self.encoder_norm(x)  # type: ignore[no-any-return]

    def decode(self, tgt: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Map target pieces [B, T] that begin with BOS to hidden states [B, T, D] that predict the next piece."""
        x = self._embed(self.target_embedding, tgt)
        for layer in self.decoder:
            x = layer(x, memory, mask[:, None, None])
        return self.decoder_norm(x)  # type: ignore[no-any-return]

    def forward(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor:
        """Hidden states [B, T, D] for source [B, S], its mask [B, S] and target [B, T] (teacher forcing)."""
        return self.decode(tgt, self.encode(src, mask), mask)

    def start(self, src: Tensor, mask: Tensor) -> State:
        """Encode a batch, [B, S], and return the state before the first target piece."""
        memory = self.encode(src, mask)
        fixed = {"mask": mask}
        moving: dict[str, Tensor] = {}
        for number, layer in enumerate(self.decoder):
            assert isinstance(layer, DecoderLayer)
            fixed[f"k{number}"], fixed[f"v{number}"] = layer.cross.project(memory)
            heads, size = self.params.heads, self.params.width // self.params.heads
            moving[f"past{number}"] = memory.new_empty(len(src), 2, heads, 0, size)
        return State(fixed, moving)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits [B, V] of the piece after ``tokens`` [B], and the state that includes them."""
        fixed = state.fixed
        moving: dict[str, Tensor] = {}
        x = self._embed(self.target_embedding, tokens.unsqueeze(1), first=state.moving["past0"].shape[3])
        for number, layer in enumerate(self.decoder):
            assert isinstance(layer, DecoderLayer)
            past, k, v = state.moving[f"past{number}"], fixed[f"k{number}"], fixed[f"v{number}"]
            x, moving[f"past{number}"] = layer.step(x, past, k, v, fixed["mask"][:, None, None])
        return self.project(self.decoder_norm(x)).squeeze(1), State(fixed, moving)

    @property
    def last_attention(self) -> nn.Module:
        """The attention of the last decoder layer to the source."""
        last = self.decoder[-1]
        assert isinstance(last, DecoderLayer)
        return last.cross
