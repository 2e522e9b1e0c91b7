"""Recurrent encoder-decoders: plain RNN, LSTM or GRU, with or without attention.

Without attention the decoder knows the source from its initial state alone (Sutskever et al. 2014,
https://arxiv.org/abs/1409.3215). Attention scores are additive (Bahdanau et al. 2015,
https://arxiv.org/abs/1409.0473), dot or general (Luong et al. 2015, https://arxiv.org/abs/1508.04025); in all three
it comes after the recurrent layers, and input feeding hands its result to the next step, as in Luong et al.
Residual connections: Wu et al. 2016, https://arxiv.org/abs/1609.08144. Layer normalisation of what each layer reads
and of the hidden states: as in Chen et al. 2018, https://arxiv.org/abs/1804.09849, but outside the cells, so these
stay PyTorch's fast ones. With it an LSTM learned in 600 updates what took 1,000 without.

Shapes: B batch, S source length, T target length, D model width, L decoder layers, C size of a layer's state
(2 D for an LSTM, which has a cell besides its output). Masks: True is a real token.
"""

import math
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from seq2seq.models.dropout import Dropout
from seq2seq.models.encoder_decoder import FromScratch, FromScratchParams
from seq2seq.models.protocol import State


class RecurrentParams(FromScratchParams):
    """Shape of a recurrent encoder-decoder."""

    cell: Literal["rnn", "lstm", "gru"] = Field(
        description="Chooses the kind of recurrence: a gru is faster than an lstm, and an rnn forgets soonest."
    )
    attention: Literal["none", "additive", "dot", "general"] = Field(
        description="Chooses how source positions are scored; with none, one state carries the whole source."
    )
    input_feeding: bool = Field(description="Lets each step read what attention gave the step before, which is slower.")
    bidirectional: bool = Field(
        description="Lets half of each encoder layer read from the end; false has all of it read from the beginning."
    )
    residual: bool = Field(
        description="Adds a layer's input to its output, from the second layer on; deeper stacks need it."
    )

    @model_validator(mode="after")
    def _check_shape(self) -> "RecurrentParams":
        if self.input_feeding and self.attention == "none":
            raise ValueError("input_feeding needs attention")
        return self


class Layer(nn.Module):
    """One recurrent layer over a whole sequence, whose state is one tensor."""

    CELLS = {"rnn": (nn.RNN, 1), "lstm": (nn.LSTM, 2), "gru": (nn.GRU, 1)}  # noqa: RUF012 (never changed)

    def __init__(self, cell: str, size: int, width: int) -> None:
        super().__init__()
        kind, self.parts = self.CELLS[cell]
        self.norm = nn.LayerNorm(size)
        self.cell = kind(size, width, batch_first=True)
        self.state_size = self.parts * width
        if cell != "rnn":  # so that it remembers before it has learned anything (Jozefowicz et al. 2015)
            with torch.no_grad():  # the forget gate of an LSTM, the update gate of a GRU
                self.cell.bias_ih_l0[width : 2 * width] = 1.0

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Map [B, T, size] to [B, T, width], from a state [B, C] to the state after the last position."""
        if x.is_cuda:
            return self._run(self.norm(x), state)
        with torch.autocast(x.device.type, enabled=False):  # oneDNN lacks an LSTM in bf16 for CPUs that emulate that
            return self._run(self.norm(x.float()), state.float())

    def _run(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        parts = tuple(part.unsqueeze(0).contiguous() for part in state.chunk(self.parts, dim=-1))  # each [1, B, D]
        out, last = self.cell(x, parts if self.parts > 1 else parts[0])
        return out, (torch.cat(last, dim=-1) if self.parts > 1 else last).squeeze(0)


def reversal(mask: Tensor) -> Tensor:
    """The places [B, S] that turn each sentence around and leave padding [B, S] behind it; its own inverse."""
    places = torch.arange(mask.shape[1], device=mask.device)
    lengths = mask.sum(1, keepdim=True)
    return torch.where(mask, lengths - 1 - places, places)


def take(x: Tensor, places: Tensor) -> Tensor:
    """Rows [B, N, D] of [B, S, D] at places [B, N]."""
    return x.gather(1, places.unsqueeze(2).expand(-1, -1, x.shape[2]))


class EncoderLayer(nn.Module):
    """Reads forwards and, where it is bidirectional, backwards with half of its width each."""

    def __init__(self, params: RecurrentParams) -> None:
        super().__init__()
        width = params.width // 2 if params.bidirectional else params.width
        self.ahead = Layer(params.cell, params.width, width)
        self.back = Layer(params.cell, params.width, width) if params.bidirectional else None

    def forward(self, x: Tensor, flip: Tensor) -> Tensor:
        """Map [B, S, D] to [B, S, D]. Padding stands behind what either direction reads of a sentence."""
        start = x.new_zeros(x.shape[0], self.ahead.state_size)
        ahead = self.ahead(x, start)[0]
        if self.back is None:
            return ahead  # type: ignore[no-any-return]
        return torch.cat([ahead, take(self.back(take(x, flip), start)[0], flip)], dim=2)


class DotScore(nn.Module):
    """Scores of target positions q and source positions k: q . k / sqrt(D).

    Undivided, as in Luong et al. 2015, the softmax begins hard and learns slowly: after 500 updates a GRU had a
    validation loss of 2.80 instead of 2.58, and failed at the learning rate that now gives 2.31.
    """

    def __init__(self, width: int) -> None:
        super().__init__()

    def keys(self, memory: Tensor) -> Tensor:
        """What is compared with queries, computed once: [B, S, D]."""
        return memory

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Scores [B, T, S] of queries [B, T, D]."""
        return query @ keys.transpose(1, 2) / math.sqrt(keys.shape[2])


class GeneralScore(DotScore):
    """q . W k / sqrt(D)."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.key = nn.Linear(width, width, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        """[B, S, D]."""
        return self.key(memory)  # type: ignore[no-any-return]


class AdditiveScore(GeneralScore):
    """v . tanh(U q + W k)."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.query = nn.Linear(width, width)
        self.out = nn.Linear(width, 1, bias=False)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Scores [B, T, S]; [B, T, S, D] in between."""
        return self.out(torch.tanh(self.query(query).unsqueeze(2) + keys.unsqueeze(1))).squeeze(3)  # type: ignore[no-any-return]


SCORES: dict[str, type[DotScore]] = {"dot": DotScore, "general": GeneralScore, "additive": AdditiveScore}


class SourceAttention(nn.Module):
    """The mean of the source by scores, and a hidden state made of it and of the query (Luong et al. 2015)."""

    def __init__(self, score: str, width: int) -> None:
        super().__init__()
        self.score = SCORES[score](width)
        self.combine = nn.Linear(2 * width, width)

    def weights(self, query: Tensor, keys: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Attention [B, T, S] for queries [B, T, D], keys [B, S, D] and their mask [B, S]."""
        scores: Tensor = self.score(query, keys)
        return scores.masked_fill(~mask.unsqueeze(1), -math.inf).softmax(2)

    def forward(self, query: Tensor, keys: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Map [B, T, D] to [B, T, D]."""
        context = self.weights(query, keys, memory, mask) @ memory
        return torch.tanh(self.combine(torch.cat([context, query], dim=2)))


class Recurrent(FromScratch):
    """The model. A whole target and a single piece go the same way, :meth:`_advance`."""

    architecture = "recurrent"
    Params = RecurrentParams
    params: RecurrentParams

    def __init__(self, params: RecurrentParams, source_size: int, target_size: int, shared: bool) -> None:
        """Make a model with fresh weights; see :class:`EncoderDecoder` for the sizes."""
        super().__init__(params, source_size, target_size, shared)
        width = params.width
        self.encoder = nn.ModuleList(EncoderLayer(params) for _ in range(params.encoder_layers))
        first = 2 * width if params.input_feeding else width
        sizes = [first, *[width] * (params.decoder_layers - 1)]
        layers = [Layer(params.cell, size, width) for size in sizes]
        self.decoder = nn.ModuleList(layers)
        self.source_attention = None if params.attention == "none" else SourceAttention(params.attention, width)
        self.bridge = nn.Linear(width, sum(layer.state_size for layer in layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(params.dropout)

    def _embed(self, embedding: nn.Embedding, tokens: Tensor) -> Tensor:
        return self.dropout(embedding(tokens) * math.sqrt(self.params.width))  # type: ignore[no-any-return]

    def _add(self, number: int, x: Tensor, out: Tensor) -> Tensor:
        """The output of layer ``number``, on top of its input ``x`` where that is asked for."""
        out = self.dropout(out)
        return x + out if self.params.residual and number else out

    def _encode(self, src: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The memory [B, S, D] of a source, and a summary [B, D]: what each direction read last."""
        x = self._embed(self.source_embedding, src)
        flip = reversal(mask)
        for number, layer in enumerate(self.encoder):
            x = self._add(number, x, layer(x, flip))
        last = take(x, mask.sum(1, keepdim=True) - 1).squeeze(1)  # [B, D]
        if not self.params.bidirectional:
            return x, last
        half = self.params.width // 2
        return x, torch.cat([last[:, :half], x[:, 0, half:]], dim=1)

    def start(self, src: Tensor, mask: Tensor) -> State:
        """Encode a batch, [B, S], and return the state before the first target piece."""
        memory, summary = self._encode(src, mask)
        layers = torch.tanh(self.bridge(summary)).view(src.shape[0], self.params.decoder_layers, -1)  # [B, L, C]
        fixed: dict[str, Tensor] = {}
        moving = {"layers": layers}
        if self.source_attention is not None:
            fixed = {"memory": memory, "keys": self.source_attention.score.keys(memory), "mask": mask}
        if self.params.input_feeding:
            moving["fed"] = memory.new_zeros(src.shape[0], self.params.width)
        return State(fixed, moving)

    def _recur(self, x: Tensor, layers: Tensor) -> tuple[Tensor, Tensor]:
        """Run the decoder's layers over [B, T, D or 2 D] from their states [B, L, C]."""
        states = []
        for number, (layer, state) in enumerate(zip(self.decoder, layers.unbind(1), strict=True)):
            out, after = layer(x, state)
            x = self._add(number, x, out)
            states.append(after)
        return x, torch.stack(states, dim=1)

    def _attend(self, x: Tensor, state: State) -> Tensor:
        attention = self.source_attention
        fixed = state.fixed
        if attention is None:  # dropout has met x already
            return self.norm(x)  # type: ignore[no-any-return]
        x = attention(x, fixed["keys"], fixed["memory"], fixed["mask"])
        return self.dropout(self.norm(x))  # type: ignore[no-any-return]

    def _advance(self, tgt: Tensor, state: State) -> tuple[Tensor, State]:
        """Hidden states [B, T, D] of target pieces [B, T], and the state after them."""
        x = self._embed(self.target_embedding, tgt)
        if not self.params.input_feeding:
            x, layers = self._recur(x, state.moving["layers"])
            return self._attend(x, state), State(state.fixed, {"layers": layers})
        layers = state.moving["layers"]
        fed = state.moving["fed"]
        hidden: list[Tensor] = []
        for piece in x.unbind(1):  # [B, D]
            out, layers = self._recur(torch.cat([piece, fed], dim=1).unsqueeze(1), layers)
            fed = self._attend(out, state).squeeze(1)
            hidden.append(fed)
        return torch.stack(hidden, dim=1), State(state.fixed, {"layers": layers, "fed": fed})

    def forward(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor:
        """Hidden states [B, T, D] for source [B, S], its mask [B, S] and target [B, T] (teacher forcing)."""
        return self._advance(tgt, self.start(src, mask))[0]

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits [B, V] of the piece after ``tokens`` [B], and the state that includes them."""
        hidden, state = self._advance(tokens.unsqueeze(1), state)
        return self.project(hidden).squeeze(1), state

    @property
    def last_attention(self) -> nn.Module | None:
        """The attention to the source; None where there is none."""
        return self.source_attention
