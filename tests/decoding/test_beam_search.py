import itertools
import math
from collections import Counter

import pytest
import torch

from seq2seq.core.errors import UserError
from seq2seq.decoding.beam_search import beam_search, sample
from seq2seq.decoding.params import SamplingParams
from seq2seq.models.protocol import State
from tests.tiny_models import DECODING

TINY_EOS = 0
OPTIONS = {"bos": 1, "eos": TINY_EOS, "max_length": 9}
DRAW = SamplingParams(temperature=2.0, top_k=0, top_p=1.0)


def decode_with(**changes):
    return DECODING.model_copy(update={"patience": 1.0, **changes})


class Table:
    """A model over four pieces whose next piece depends on the source and the last two pieces."""

    def __init__(self, seed: int, vocabulary: int = 4) -> None:
        self.logits = torch.randn(8, vocabulary, vocabulary, vocabulary, generator=torch.Generator().manual_seed(seed))

    def start(self, src, mask):
        return State({"src": src[:, 0]}, {"before": torch.zeros_like(src[:, 0])})

    def step(self, tokens, state):
        logits = self.logits[state.fixed["src"], state.moving["before"], tokens]
        return 2 * logits, State(state.fixed, {"before": tokens})


def brute_force(model, sentence, bos, max_length, length_penalty):
    """The best output of all, EOS-ended or cut at max_length."""
    best = (-math.inf, [])
    for length in range(1, max_length + 1):
        for pieces in itertools.product(range(4), repeat=length):
            if TINY_EOS in pieces[:-1] or (pieces[-1] != TINY_EOS and length < max_length):
                continue
            total, before, last = 0.0, 0, bos
            for piece in pieces:
                total += float((2 * model.logits[sentence, before, last]).log_softmax(0)[piece])
                before, last = last, piece
            body = list(pieces[:-1]) if pieces[-1] == TINY_EOS else list(pieces)
            best = max(best, (total / length**length_penalty, body))
    return best


@pytest.mark.parametrize("length_penalty", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_equals_brute_force(seed, length_penalty):
    model = Table(seed)
    src = torch.arange(5).unsqueeze(1)
    decoding = decode_with(beam_size=4**4, length_penalty=length_penalty)
    found = beam_search(model, src, src >= 0, decoding, bos=1, eos=TINY_EOS, max_length=4)
    for sentence, hypotheses in enumerate(found):
        score, pieces = brute_force(model, sentence, 1, 4, length_penalty)
        assert hypotheses[0].tokens == pieces
        assert hypotheses[0].score == pytest.approx(score, abs=1e-4)
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert scores == sorted(scores, reverse=True)


def test_patience_waits_for_a_hypothesis_that_ends_later():
    model = Table(0)
    src = torch.zeros(1, 1, dtype=torch.long)
    likely, end = torch.tensor([-2.0, -9.0, -9.0, 4.0]), torch.tensor([4.0, -9.0, -9.0, -2.0])
    model.logits[:] = likely  # piece 3, which EOS may follow at any time, though it is unlikely ...
    model.logits[0, 3, 3] = end  # ... except behind two of them
    hasty, patient = (
        beam_search(model, src, src >= 0, decode_with(beam_size=2, patience=patience), **OPTIONS)[0][0]
        for patience in (1.0, 2.0)
    )
    assert hasty.tokens in ([], [3])
    assert patient.tokens == [3, 3]


def test_greedy_search_takes_the_first_end_whatever_its_patience():
    model = Table(0)
    src = torch.zeros(1, 1, dtype=torch.long)
    model.logits[:] = torch.tensor([1.0, -9.0, -9.0, 0.9])  # EOS is a little likelier than piece 3 ...
    model.logits[0, 1, 3] = torch.tensor([9.0, -9.0, -9.0, -9.0])  # ... behind which it is sure: a better mean
    greedy, wider = (
        beam_search(model, src, src >= 0, decode_with(beam_size=size, patience=2.0), **OPTIONS)[0][0] for size in (1, 2)
    )
    assert (greedy.tokens, wider.tokens) == ([], [3])


def test_samples_follow_the_distribution():
    model = Table(3)
    src = torch.zeros(20_000, 1, dtype=torch.long)
    torch.manual_seed(1)
    drawn = sample(model, src, src >= 0, DRAW, bos=1, eos=TINY_EOS, max_length=2)
    first = (model.logits[0, 0, 1]).softmax(0)  # the table doubles its logits, the temperature halves them
    second = (model.logits[0, 1, 2]).softmax(0)
    counts = Counter(map(tuple, drawn))
    assert counts[()] / len(drawn) == pytest.approx(float(first[TINY_EOS]), abs=0.02)
    assert counts[(2,)] / len(drawn) == pytest.approx(float(first[2] * second[TINY_EOS]), abs=0.02)
    assert counts[(2, 3)] / len(drawn) == pytest.approx(float(first[2] * second[3]), abs=0.02)


def test_a_sentence_is_found_the_same_alone_and_in_a_batch():
    model = Table(11)
    src = torch.arange(6).unsqueeze(1)
    together = beam_search(model, src, src >= 0, DECODING, **OPTIONS)
    alone = [
        beam_search(model, src[row : row + 1], src[row : row + 1] >= 0, DECODING, **OPTIONS)[0] for row in range(6)
    ]
    assert [found[0].tokens for found in together] == [found[0].tokens for found in alone]


def test_a_limit_is_that_of_one_sentence():
    model = Table(11)
    src = torch.arange(6).unsqueeze(1)
    limits = [2, 9, 1, 9, 30, 5]
    model.logits[..., TINY_EOS] -= 3  # long outputs
    together = beam_search(model, src, src >= 0, DECODING, **OPTIONS | {"max_length": limits})
    for row, limit in enumerate(limits):
        one = src[row : row + 1]
        (alone,) = beam_search(model, one, one >= 0, DECODING, **OPTIONS | {"max_length": limit})
        assert together[row] == alone
        assert max(len(hypothesis.tokens) + hypothesis.ended for hypothesis in alone) == limit


def test_only_the_best_pieces_are_drawn():
    model = Table(3)
    src = torch.zeros(4000, 1, dtype=torch.long)
    chances = (2 * model.logits[0, 0, 1]).softmax(0)
    best = chances.argsort(descending=True).tolist()
    share = float(chances[best[0]] + chances[best[1]] / 2)
    for changes, expected in (({"top_k": 1}, 1), ({"top_k": 3}, 3), ({"top_p": 1e-6}, 1), ({"top_p": share}, 2)):
        sampling = DRAW.model_copy(update={"temperature": 1.0, **changes})
        drawn = sample(model, src, src >= 0, sampling, bos=1, eos=TINY_EOS, max_length=1)
        assert {one[0] if one else TINY_EOS for one in drawn} == set(best[:expected])


def test_of_the_best_k_pieces_those_are_drawn_that_hold_their_share_of_the_probability():
    model = Table(0)
    src = torch.zeros(4000, 1, dtype=torch.long)
    model.logits[0, 0, 1] = torch.tensor([0.4, 0.3, 0.2, 0.1]).log() / 2  # the table doubles its logits
    # of the best three 0.4 / 0.9 and 0.7 / 0.9 of their probability; of all pieces 0.4 and 0.7
    for top_k, top_p, drawn_from in ((3, 0.75, 2), (0, 0.75, 3), (3, 0.8, 3), (2, 0.5, 1), (2, 1.0, 2)):
        sampling = SamplingParams(temperature=1.0, top_k=top_k, top_p=top_p)
        drawn = sample(model, src, src >= 0, sampling, bos=1, eos=TINY_EOS, max_length=1)
        assert {one[0] if one else TINY_EOS for one in drawn} == set(range(drawn_from)), (top_k, top_p)


def ngrams(tokens, size):
    return [tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_nothing_is_said_twice_where_that_is_forbidden(size):
    model = Table(5)
    src = torch.arange(6).unsqueeze(1)
    model.logits[..., TINY_EOS] -= 6  # long outputs
    free, bound = (
        beam_search(model, src, src >= 0, decode_with(no_repeat_ngram=no), **OPTIONS | {"max_length": 30})
        for no in (0, size)
    )
    assert any(len(set(ngrams(one[0].tokens, size))) < len(ngrams(one[0].tokens, size)) for one in free)
    for found in bound:
        for hypothesis in found:
            assert len(set(ngrams(hypothesis.tokens, size))) == len(ngrams(hypothesis.tokens, size))


def test_outputs_have_at_least_the_pieces_asked_for():
    model = Table(5)
    src = torch.arange(6).unsqueeze(1)
    model.logits[..., TINY_EOS] += 6  # short outputs
    short, longer = (beam_search(model, src, src >= 0, decode_with(min_length=least), **OPTIONS) for least in (0, 5))
    assert min(len(one[0].tokens) for one in short) < 5
    assert {len(one[0].tokens) for one in longer} == {5}


@pytest.mark.parametrize("beam_size", [1, 4])
def test_where_nothing_may_follow_the_best_so_far_stands(beam_size):
    model = Table(0)
    src = torch.arange(6).unsqueeze(1)
    decoding = decode_with(beam_size=beam_size, no_repeat_ngram=1, min_length=8)
    for hypotheses in beam_search(model, src, src >= 0, decoding, **OPTIONS):
        assert sorted(hypotheses[0].tokens) == [1, 2, 3]  # each piece once, and the end comes too early
        assert not any(one.ended for one in hypotheses)
        assert all(math.isfinite(one.score) for one in hypotheses)


def test_a_model_that_computes_no_numbers_is_told():
    model = Table(0)
    src = torch.arange(6).unsqueeze(1)
    model.logits[3] = torch.nan
    with pytest.raises(UserError, match="the model computes NaN"):
        beam_search(model, src, src >= 0, DECODING, **OPTIONS)
    with pytest.raises(UserError, match="the model computes NaN"):
        sample(model, src, src >= 0, DRAW, **OPTIONS)


def test_a_beam_that_nothing_may_follow_leaves_the_others_alone():
    model = Table(0)
    src = torch.arange(6).unsqueeze(1)
    decoding = decode_with(beam_size=4, no_repeat_ngram=2, min_length=8)
    for hypotheses in beam_search(model, src, src >= 0, decoding, **OPTIONS):
        assert len(hypotheses[0].tokens) >= 8
