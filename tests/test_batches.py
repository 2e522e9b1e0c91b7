import numpy as np

from seq2seq.batches import PairedSequences, training_batches
from seq2seq.tokenizer import BOS, EOS, PAD

SRC = [[9] * (length % 13 + 1) + [EOS] for length in range(200)]
TGT = [[8] * (length * 7 % 17 + 1) for length in range(200)]


def test_batches_hold_every_pair_once_within_the_budget():
    pairs = PairedSequences(SRC, TGT, 64)
    plan = pairs.plan(100, np.random.default_rng(0))
    assert sorted(row for rows in plan for row in rows) == list(range(200))
    for rows in plan:
        batch = pairs.batch(rows)
        assert batch.src.numel() + batch.tgt_in.numel() <= 100


def test_targets_are_shifted_and_padding_is_masked():
    batch = PairedSequences([[9, EOS], [9, 9, EOS]], [[7, 6], [5]], 64).batch(np.array([0, 1]))
    assert batch.tgt_in.tolist() == [[BOS, 7, 6], [BOS, 5, PAD]]
    assert batch.tgt_out.tolist() == [[7, 6, EOS], [5, EOS, PAD]]
    assert batch.tgt_mask.tolist() == [[True] * 3, [True, True, False]]
    assert batch.src_mask.tolist() == [[True, True, False], [True] * 3]


def test_an_epoch_is_reproducible_and_can_be_entered_in_the_middle():
    pairs = PairedSequences(SRC, TGT, 64)
    whole = [batch.src.tolist() for batch in training_batches(pairs, 100, seed=1, epoch=2)]
    assert [batch.src.tolist() for batch in training_batches(pairs, 100, seed=1, epoch=2, skip=3)] == whole[3:]
    assert [batch.src.tolist() for batch in training_batches(pairs, 100, seed=1, epoch=3)] != whole


def test_pairs_that_are_too_long_are_left_out_and_counted():
    pairs = PairedSequences([[9] * 5, [9] * 6, [9]], [[1], [1], [1] * 5], 5)
    assert (len(pairs), pairs.left_out) == (1, 2)


def test_a_pair_over_the_budget_makes_a_batch_of_its_own():
    plan = PairedSequences([[9] * 30, [9], [9]], [[1] * 30, [1], [1]], 64).plan(16, None)
    assert sorted(map(len, plan)) == [1, 2]
