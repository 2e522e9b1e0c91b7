import itertools
import math

import pytest
import torch

from seq2seq.search import State, beam_search
from seq2seq.tokenizer import BOS, EOS, PAD
from tests.models import tiny_model, tiny_pairs

TINY_EOS = 0


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
    model, src = Table(seed), torch.arange(5).unsqueeze(1)
    options = {"bos": 1, "eos": TINY_EOS, "length_penalty": length_penalty, "max_length": 4}
    found = beam_search(model, src, src >= 0, beam_size=4**4, **options)
    for sentence, hypotheses in enumerate(found):
        score, pieces = brute_force(model, sentence, 1, 4, length_penalty)
        assert hypotheses[0].tokens == pieces
        assert hypotheses[0].score == pytest.approx(score, abs=1e-4)
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert scores == sorted(scores, reverse=True)


@torch.inference_mode()
def test_beam_one_is_greedy(tokenizer):
    model, pairs = tiny_model(tokenizer), tiny_pairs(tokenizer)
    batch = pairs.batch(pairs.plan(300, None)[0])
    options = {"bos": BOS, "eos": EOS, "length_penalty": 1.0, "max_length": 12}
    found = beam_search(model, batch.src, batch.src_mask, beam_size=1, **options)
    for row, hypotheses in enumerate(found):
        tokens = [BOS]
        while len(tokens) <= 12:
            hidden = model(batch.src[row : row + 1], batch.src_mask[row : row + 1], torch.tensor([tokens]))
            tokens.append(int(model.project(hidden[0, -1]).argmax()))
            if tokens[-1] == EOS:
                break
        assert hypotheses[0].tokens == [token for token in tokens[1:] if token != EOS]


def test_a_sentence_is_found_the_same_alone_and_in_a_batch():
    model, src = Table(11), torch.arange(6).unsqueeze(1)
    options = {"bos": 1, "eos": TINY_EOS, "length_penalty": 1.0, "max_length": 9, "beam_size": 3}
    together = beam_search(model, src, src >= 0, **options)
    alone = [beam_search(model, src[row : row + 1], src[row : row + 1] >= 0, **options)[0] for row in range(6)]
    assert [found[0].tokens for found in together] == [found[0].tokens for found in alone]


def test_source_padding_does_not_change_the_output(tokenizer):
    model, pairs = tiny_model(tokenizer), tiny_pairs(tokenizer)
    batch = pairs.batch(pairs.plan(300, None)[0])
    padded = torch.cat([batch.src, torch.full((len(batch.src), 5), PAD)], dim=1)
    options = {"bos": BOS, "eos": EOS, "length_penalty": 1.0, "max_length": 12, "beam_size": 4}
    expected = beam_search(model, batch.src, batch.src_mask, **options)
    found = beam_search(model, padded, padded != PAD, **options)
    assert [one[0].tokens for one in found] == [one[0].tokens for one in expected]
