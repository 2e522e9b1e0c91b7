"""Search for the best output of any model that can ``start`` from a source and ``step`` by one piece.

Shapes: B batch, S source length, K beam, V vocabulary, N = B * K rows.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class State:
    """What a model remembers between steps: tensors, batch first.

    ``fixed`` depends on the source alone, so that the beams of one sentence share it; ``moving`` depends
    on the pieces so far.
    """

    fixed: dict[str, Tensor]
    moving: dict[str, Tensor]


class Model(Protocol):
    """The interface between models and search."""

    def start(self, src: Tensor, mask: Tensor) -> State:
        """Read the source [B, S] with its mask [B, S]."""
        ...

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits [B, V] of the piece that follows ``tokens`` [B]."""
        ...


@dataclass(frozen=True)
class Hypothesis:
    """One output: its pieces without BOS and EOS, and its length-normalised log-probability."""

    tokens: list[int]
    score: float


def select(state: State, rows: Tensor) -> State:
    """Take rows of every tensor of a state, with repetition: [N, ...] to [len(rows), ...]."""
    return State(
        {name: tensor.index_select(0, rows) for name, tensor in state.fixed.items()},
        {name: tensor.index_select(0, rows) for name, tensor in state.moving.items()},
    )


def reorder(state: State, rows: Tensor) -> State:
    """Take rows within the beams of each sentence, which share what is fixed."""
    return State(state.fixed, {name: tensor.index_select(0, rows) for name, tensor in state.moving.items()})


@torch.inference_mode()
def beam_search(
    model: Model,
    src: Tensor,
    mask: Tensor,
    *,
    bos: int,
    eos: int,
    beam_size: int,
    length_penalty: float,
    max_length: int,
) -> list[list[Hypothesis]]:
    """Find up to ``beam_size`` outputs for each source of a batch, best first.

    A hypothesis is ranked by log-probability / length ** length_penalty, its EOS counted in both. A sentence
    is done when ``beam_size`` of its hypotheses have ended, or at ``max_length`` pieces, where those that did
    not end are cut. Beam 1 is greedy search.

    Args:
        model: any model of the protocol, in evaluation mode.
        src: source pieces [B, S].
        mask: True at real source pieces [B, S].
        bos: the piece before the first.
        eos: the piece that ends an output.
        beam_size: K.
        length_penalty: 0 ranks by the sum of log-probabilities, 1 by their mean.
        max_length: pieces of an output at most.
    """
    batch, device = len(src), src.device
    beams = torch.arange(batch, device=device).repeat_interleave(beam_size)  # [N]
    state = select(model.start(src, mask), beams)
    open_sentences = list(range(batch))
    finished: list[list[Hypothesis]] = [[] for _ in range(batch)]
    tokens = torch.full((batch * beam_size,), bos, device=device)  # [N]
    scores = torch.full((batch, beam_size), -torch.inf, device=device)
    scores[:, 0] = 0.0  # all beams are equal at first: only one may grow
    history = torch.empty(batch * beam_size, 0, dtype=torch.long, device=device)  # [N, length]

    for length in range(1, max_length + 1):
        logits, state = model.step(tokens, state)
        log_probs = logits.float().log_softmax(-1).view(len(open_sentences), beam_size, -1)  # [B, K, V]
        vocabulary = log_probs.shape[-1]
        totals = (scores.unsqueeze(2) + log_probs).flatten(1)  # [B, K * V]
        # K of 2K candidates do not end, unless the vocabulary is too small to offer so many
        best, index = totals.topk(min(2 * beam_size, totals.shape[1]), dim=1)  # [B, 2K]
        beam, piece = index // vocabulary, index % vocabulary
        ends = piece == eos

        growing = (~ends).long().cumsum(1)
        chosen = [_first(growing == rank + 1) for rank in range(beam_size)]
        keep = torch.stack(chosen, dim=1)  # [B, K] columns of the candidates that grow on
        first_row = torch.arange(len(open_sentences), device=device).unsqueeze(1) * beam_size
        rows = (first_row + beam.gather(1, keep)).flatten()  # [N]

        scale = length**length_penalty
        ended_here = (ends & best.isfinite())[:, :beam_size].nonzero().tolist()
        for sentence, column in ended_here:
            row = sentence * beam_size + int(beam[sentence, column])
            done = Hypothesis(history[row].tolist(), float(best[sentence, column]) / scale)
            finished[open_sentences[sentence]].append(done)

        scores = best.gather(1, keep).masked_fill(ends.gather(1, keep), -torch.inf)
        tokens = piece.gather(1, keep).flatten()
        history = torch.cat([history.index_select(0, rows), tokens.unsqueeze(1)], dim=1)
        state = reorder(state, rows)

        still = [
            place
            for place, sentence in enumerate(open_sentences)
            if len(finished[sentence]) < beam_size and bool(scores[place].isfinite().any())
        ]
        if length == max_length:
            _cut(open_sentences, still, finished, history, scores, scale)
            break
        if not still:
            break
        if len(still) < len(open_sentences):
            places = torch.tensor(still, device=device)
            rows = (places.unsqueeze(1) * beam_size + torch.arange(beam_size, device=device)).flatten()
            state, tokens, history = select(state, rows), tokens[rows], history[rows]
            scores, open_sentences = scores[places], [open_sentences[place] for place in still]

    ranked = [sorted(found, key=lambda hypothesis: -hypothesis.score) for found in finished]
    return [found[:beam_size] for found in ranked]


def _first(mask: Tensor) -> Tensor:
    """The first True column of each row of [B, C]; column 0 where there is none."""
    return mask.to(torch.uint8).argmax(1)


def _cut(
    open_sentences: list[int],
    still: list[int],
    finished: list[list[Hypothesis]],
    history: Tensor,
    scores: Tensor,
    scale: float,
) -> None:
    """Add the hypotheses that did not end before the longest allowed length."""
    beam_size = scores.shape[1]
    for place in still:
        found = finished[open_sentences[place]]
        for beam in range(beam_size - len(found)):
            if bool(scores[place, beam].isfinite()):
                tokens = history[place * beam_size + beam].tolist()
                found.append(Hypothesis(tokens, float(scores[place, beam]) / scale))
