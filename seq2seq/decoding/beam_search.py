"""Search for the best output of any model that can ``start`` from a source and ``step`` by one piece.

Shapes: B batch, S source length, K beam, V vocabulary, N = B * K rows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seq2seq.core.errors import UserError
from seq2seq.decoding.params import DecodingParams, Hypothesis, SamplingParams
from seq2seq.models.protocol import Model, State, reorder, select

NAN = "the model computes NaN: its weights are damaged, or too large for their precision"


@dataclass(frozen=True)
class _Beams:
    """K growing hypotheses for each of the B sentences that are not done."""

    sentences: list[int]  # [B] their places in the caller's batch
    state: State
    tokens: Tensor  # [N] the last piece of each
    scores: Tensor  # [B, K] sums of log-probabilities; -inf where nothing grows
    history: Tensor  # [N, length] all pieces of each

    def keep(self, places: list[int]) -> "_Beams":
        """The beams of some of the sentences."""
        if len(places) == len(self.sentences):
            return self
        beam_size = self.scores.shape[1]
        device = self.tokens.device
        kept = torch.tensor(places, device=device)
        rows = (kept.unsqueeze(1) * beam_size + torch.arange(beam_size, device=device)).flatten()  # [N]
        return _Beams(
            [self.sentences[place] for place in places],
            select(self.state, rows),
            self.tokens[rows],
            self.scores[kept],
            self.history[rows],
        )


@dataclass(frozen=True)
class _Candidates:
    """The best 2K continuations of each sentence's beams, best first: K of them do not end."""

    scores: Tensor  # [B, 2K]
    beam: Tensor  # [B, 2K] which of the sentence's beams is continued
    piece: Tensor  # [B, 2K]
    ends: Tensor  # [B, 2K] True where the piece is EOS


@torch.inference_mode()
def beam_search(
    model: Model,
    src: Tensor,
    mask: Tensor,
    decoding: DecodingParams,
    *,
    bos: int,
    eos: int,
    max_length: int | Sequence[int],
) -> list[list[Hypothesis]]:
    """Find up to ``beam_size`` outputs for each source of a batch, best first.

    A hypothesis is ranked by log-probability / length ** length_penalty, its EOS counted in both. Where pieces are
    forbidden, the others share their probability, as in CTranslate2. A sentence
    is done when ``patience * beam_size`` of its hypotheses have ended (Kasai et al. 2022,
    https://arxiv.org/abs/2204.05424), or at ``max_length`` pieces, where those that did not end are cut. Where nothing
    may follow any of its beams and none has ended, the unfinished hypotheses are returned. Beam 1 is greedy search.

    Args:
        model: any model of the protocol, in evaluation mode.
        src: source pieces [B, S].
        mask: True at real source pieces [B, S].
        decoding: how to search.
        bos: the piece before the first.
        eos: the piece that ends an output.
        max_length: pieces of an output at most, EOS included: one number, or one for each source.

    Raises:
        UserError: the model computes NaN.
    """
    beam_size = decoding.beam_size
    beams = _start(model, src, mask, bos, beam_size)
    finished: list[list[Hypothesis]] = [[] for _ in range(len(src))]
    limits = _spread(max_length, len(src))
    for length in range(1, max(limits) + 1):
        logits, state = model.step(beams.tokens, beams.state)
        forbid_repetition(logits, beams.history, decoding.no_repeat_ngram)
        if length <= decoding.min_length:  # an output of n pieces ends with EOS at place n + 1
            logits[:, eos] = -torch.inf
        candidates = _extend(beams.scores, logits, eos)
        _collect_ended(beams, candidates, finished, decoding.length_penalty)
        grown = _grow(beams, state, candidates)
        if not (still := _sort_out(beams, grown, finished, limits, decoding)):
            break
        beams = grown.keep(still)
    ranked = [sorted(found, key=lambda hypothesis: -hypothesis.score) for found in finished]
    return [found[:beam_size] for found in ranked]


def forbid_repetition(logits: Tensor, history: Tensor, size: int) -> None:
    """Set logits [N, V] to -inf in place where a piece would repeat ``size`` pieces of its history [N, length].

    Paulus et al. 2018, https://arxiv.org/abs/1705.04304, section 2.5. A size of 0 forbids nothing.
    """
    if not 0 < size <= history.shape[1]:
        return
    seen = history.unfold(1, size, 1)  # [N, length - size + 1, size]
    now = history[:, history.shape[1] - size + 1 :]  # [N, size - 1] what the next piece would follow
    row, place = (seen[:, :, :-1] == now.unsqueeze(1)).all(2).nonzero(as_tuple=True)
    logits[row, seen[row, place, -1]] = -torch.inf


@torch.inference_mode()
def sample(
    model: Model,
    src: Tensor,
    mask: Tensor,
    sampling: SamplingParams,
    *,
    bos: int,
    eos: int,
    max_length: int | Sequence[int],
) -> list[list[int]]:
    """Draw one output for each source of a batch, piece by piece.

    Draws from the ``top_k`` best pieces alone, and of those from the fewest that hold ``top_p`` of the probability
    (Fan et al. 2018, https://arxiv.org/abs/1805.04833; Holtzman et al. 2020, https://arxiv.org/abs/1904.09751).

    Returns:
        Pieces without BOS and EOS, at most ``max_length``, which is one number, or one for each source. PyTorch's
        global generator decides.

    Raises:
        UserError: the model computes NaN.
    """
    state = model.start(src, mask)
    rows = torch.arange(len(src), device=src.device)
    tokens = torch.full_like(rows, bos)
    drawn = [list[int]() for _ in range(len(src))]
    limits = _spread(max_length, len(src))
    for _ in range(max(limits)):
        logits, state = model.step(tokens, state)
        tokens = torch.multinomial(_truncate(logits.float(), sampling), 1).squeeze(1)  # [B]
        growing = tokens != eos
        state = select(state, growing.nonzero().squeeze(1))
        tokens = tokens[growing]
        rows = rows[growing]
        if not len(rows):
            break
        for row, piece in zip(rows.tolist(), tokens.tolist(), strict=True):
            drawn[row].append(piece)
    # what was drawn beyond a limit is dropped, so the other outputs don't change
    return [pieces[:limit] for pieces, limit in zip(drawn, limits, strict=True)]


@torch.inference_mode()
def score(model: Model, src: Tensor, mask: Tensor, tgt_in: Tensor, tgt_out: Tensor) -> Tensor:
    """Log-probabilities [B, T] of given outputs, piece by piece.

    Args:
        model: any model of the protocol, in evaluation mode.
        src: source pieces [B, S].
        mask: True at real source pieces [B, S].
        tgt_in: the outputs [B, T], each beginning with BOS.
        tgt_out: the same [B, T], each ending with EOS.
    """
    state = model.start(src, mask)
    found = []
    for tokens, expected in zip(tgt_in.unbind(1), tgt_out.unbind(1), strict=True):
        logits, state = model.step(tokens, state)
        found.append(logits.float().log_softmax(-1).gather(1, expected.unsqueeze(1)))  # [B, 1]
    return torch.cat(found, dim=1)


def _spread(max_length: int | Sequence[int], batch: int) -> Sequence[int]:
    """The limit of each source of a batch."""
    return [max_length] * batch if isinstance(max_length, int) else max_length


def _truncate(logits: Tensor, sampling: SamplingParams) -> Tensor:
    """Probabilities [B, V], not normalised, of what may be drawn."""
    chances, order = (logits / sampling.temperature).softmax(-1).sort(descending=True, stable=True)
    if chances[:, 0].isnan().any():  # which is sorted first
        raise UserError(NAN)
    if sampling.top_k:
        chances[:, sampling.top_k :] = 0.0
    total = chances.sum(1, keepdim=True)
    before = chances.cumsum(1) - chances  # of all that are better
    chances[before >= sampling.top_p * total] = 0.0
    return torch.zeros_like(chances).scatter_(1, order, chances)


def _start(model: Model, src: Tensor, mask: Tensor, bos: int, beam_size: int) -> _Beams:
    batch = len(src)
    device = src.device
    copies = torch.arange(batch, device=device).repeat_interleave(beam_size)  # [N]
    scores = torch.full((batch, beam_size), -torch.inf, device=device)
    scores[:, 0] = 0.0  # all beams are equal at first: only one may grow
    return _Beams(
        list(range(batch)),
        select(model.start(src, mask), copies),
        torch.full((batch * beam_size,), bos, device=device),
        scores,
        torch.empty(batch * beam_size, 0, dtype=torch.long, device=device),
    )


def _extend(scores: Tensor, logits: Tensor, eos: int) -> _Candidates:
    """Rank the continuations of beams [B, K] by logits [N, V]."""
    batch, beam_size = scores.shape
    log_probs = logits.float().log_softmax(-1)  # [N, V]
    dead = log_probs[:, 0].isnan()  # every piece is forbidden there
    if not logits[dead].isneginf().all():
        raise UserError(NAN)
    log_probs[dead] = -torch.inf  # topk would rank NaN first
    vocabulary = log_probs.shape[-1]
    totals = (scores.unsqueeze(2) + log_probs.view(batch, beam_size, -1)).flatten(1)  # [B, K * V]
    # K of 2K candidates do not end, unless the vocabulary is too small to offer so many
    best, index = totals.topk(min(2 * beam_size, totals.shape[1]), dim=1)  # [B, 2K]
    piece = index % vocabulary
    return _Candidates(best, index // vocabulary, piece, piece == eos)


def _collect_ended(
    beams: _Beams, candidates: _Candidates, finished: list[list[Hypothesis]], length_penalty: float
) -> None:
    """Add the hypotheses that end here, each among its sentence's K best."""
    beam_size = beams.scores.shape[1]
    scale = (beams.history.shape[1] + 1) ** length_penalty
    ended = (candidates.ends & candidates.scores.isfinite())[:, :beam_size]
    places, columns = ended.nonzero(as_tuple=True)
    pieces = beams.history[places * beam_size + candidates.beam[places, columns]].tolist()
    scores = (candidates.scores[places, columns] / scale).tolist()
    for place, tokens, score in zip(places.tolist(), pieces, scores, strict=True):
        finished[beams.sentences[place]].append(Hypothesis(tokens, score, ended=True))


def _grow(beams: _Beams, state: State, candidates: _Candidates) -> _Beams:
    """Continue each sentence's beams by its K best candidates that do not end."""
    batch, beam_size = beams.scores.shape
    growing = (~candidates.ends).long().cumsum(1)
    columns = torch.stack([_first(growing == rank + 1) for rank in range(beam_size)], dim=1)  # [B, K]
    first_row = torch.arange(batch, device=columns.device).unsqueeze(1) * beam_size  # [B, 1]
    rows = (first_row + candidates.beam.gather(1, columns)).flatten()  # [N]
    tokens = candidates.piece.gather(1, columns).flatten()  # [N]
    return _Beams(
        beams.sentences,
        reorder(state, rows),
        tokens,
        candidates.scores.gather(1, columns).masked_fill(candidates.ends.gather(1, columns), -torch.inf),
        torch.cat([beams.history.index_select(0, rows), tokens.unsqueeze(1)], dim=1),
    )


def _first(mask: Tensor) -> Tensor:
    """The first True column of each row of [B, C]; column 0 where there is none."""
    return mask.to(torch.uint8).argmax(1)


def _sort_out(
    beams: _Beams, grown: _Beams, finished: list[list[Hypothesis]], limits: Sequence[int], decoding: DecodingParams
) -> list[int]:
    """Places of the sentences that are not done; the outputs of those that can't go on are cut."""
    still = list[int]()
    length = grown.history.shape[1]
    growing = grown.scores.isfinite().any(1).tolist()
    for place, sentence in enumerate(beams.sentences):
        if len(finished[sentence]) >= decoding.enough:
            continue
        if not growing[place]:  # nothing may follow any of its beams
            finished[sentence] = finished[sentence] or _cut(beams, place, decoding.length_penalty)
        elif length == limits[sentence]:
            finished[sentence] += _cut(grown, place, decoding.length_penalty)
        else:
            still.append(place)
    return still


def _cut(beams: _Beams, place: int, length_penalty: float) -> list[Hypothesis]:
    """The hypotheses of one sentence as far as they have grown."""
    beam_size, length = beams.scores.shape[1], beams.history.shape[1]
    scale = max(length, 1) ** length_penalty
    rows = beams.history[place * beam_size : (place + 1) * beam_size].tolist()
    grown = zip(rows, beams.scores[place].tolist(), strict=True)
    return [Hypothesis(tokens, score / scale, ended=False) for tokens, score in grown if math.isfinite(score)]
