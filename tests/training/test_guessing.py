import math

import pytest
import torch
import torch.nn.functional as F

from seq2seq.models.batches import PairedSequences
from seq2seq.tokenizers.base import EOS
from seq2seq.training.guessing import unigram_loss


def pairs_of(*targets):
    return PairedSequences.of([[EOS]] * len(targets), list(targets))


def test_guessing_costs_what_counting_by_hand_gives():
    training = [pairs_of([7, 7], [8]), pairs_of([7])]  # of 10 pieces: 7 three times, 8 once, EOS three times
    probability = {7: 4 / 17, 8: 2 / 17, EOS: 4 / 17, 9: 1 / 17}
    expected = -sum(math.log(probability[piece]) for piece in (8, 9, EOS, EOS)) / 4
    assert unigram_loss(training, pairs_of([8, 9], []), 10) == pytest.approx(expected)


def test_guessing_costs_what_validations_compute_of_a_model_whose_logits_are_the_frequencies():
    training, validation = pairs_of([5, 6, 6], [6]), pairs_of([6, 5], [9, 6, 6])
    counts = torch.bincount(torch.tensor([5, 6, 6, EOS, 6, EOS]), minlength=12) + 1
    batch = validation.batch(range(2))
    targets = batch.tgt_out[batch.tgt_mask]
    expected = F.cross_entropy(counts.log().expand(len(targets), -1), targets)
    assert unigram_loss([training], validation, 12) == pytest.approx(expected.item())
