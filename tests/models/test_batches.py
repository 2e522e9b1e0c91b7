import numpy as np

from seq2seq.models.batches import PairedSequences, training_batches
from seq2seq.tokenizers.base import BOS, EOS, PAD

SRC = [[9] * (length % 13 + 1) + [EOS] for length in range(200)]
TGT = [[8] * (length * 7 % 17 + 1) for length in range(200)]


def test_batches_hold_every_pair_once_within_the_budget():
    pairs = PairedSequences.of(SRC, TGT)
    plan = pairs.plan(100, np.random.default_rng(0))
    assert sorted(row for rows in plan for row in rows) == list(range(200))
    for rows in plan:
        batch = pairs.batch(rows)
        assert batch.src.numel() + batch.tgt_in.numel() <= 100


def test_targets_are_shifted_and_padding_is_masked():
    batch = PairedSequences.of([[9, EOS], [9, 9, EOS]], [[7, 6], [5]]).batch(np.array([0, 1]))
    assert batch.tgt_in.tolist() == [[BOS, 7, 6], [BOS, 5, PAD]]
    assert batch.tgt_out.tolist() == [[7, 6, EOS], [5, EOS, PAD]]
    assert batch.tgt_mask.tolist() == [[True] * 3, [True, True, False]]
    assert batch.src_mask.tolist() == [[True, True, False], [True] * 3]


def test_an_epoch_is_reproducible_and_can_be_entered_in_the_middle():
    shards = [PairedSequences.of(SRC[start::3], TGT[start::3]) for start in range(3)]

    def epoch(number, skip=0):
        found = training_batches(shards, 100, seed=1, epoch=number, skip=skip)
        return [pairs.batch(rows).src.tolist() for pairs, rows in found]

    whole = epoch(2)
    assert sum(map(len, whole)) == len(SRC)
    for skip in (1, 3, len(whole) // 2, len(whole) - 1):
        assert epoch(2, skip) == whole[skip:]
    assert epoch(3) != whole


def test_shards_come_in_another_order_in_each_epoch():
    shards = [PairedSequences.of([[number, EOS]], [[number]]) for number in range(20, 30)]

    def order(epoch):
        return [int(pairs.src[0][0]) for pairs, _ in training_batches(shards, 100, seed=1, epoch=epoch)]

    assert order(0) == order(0) != order(1)
    assert sorted(order(0)) == list(range(20, 30)) != order(0)


def test_a_pair_over_the_budget_makes_a_batch_of_its_own():
    plan = PairedSequences.of([[9] * 30, [9], [9]], [[1] * 30, [1], [1]]).plan(16, None)
    assert sorted(map(len, plan)) == [1, 2]
