import pytest

from seq2seq.recipes import SIZES, Amount, choose


def chosen(pairs, words_per_pair=20, characters=80):
    choices = choose(Amount(pairs, words_per_pair * pairs, characters))
    return {f"{one.section}.{one.key}": one.value for one in choices}


def test_more_pairs_get_a_larger_model_and_less_dropout():
    few, some, many = (chosen(pairs) for pairs in (5_000, 29_000, 5_000_000))
    for key in ("tokenizer.vocabulary_size", "transformer.width", "train.batch_tokens"):
        assert few[key] <= some[key] <= many[key]
        assert few[key] < many[key]
    assert few["transformer.dropout"] > many["transformer.dropout"]


@pytest.mark.parametrize("size", SIZES)
def test_a_vocabulary_gives_characters_half_of_its_pieces_at_most(size):
    pieces = chosen(size.pairs, characters=5_000)["tokenizer.vocabulary_size"]
    assert pieces >= size.pieces
    assert (pieces - 261) / 2 >= 5_000


def test_long_texts_are_trained_on_for_more_updates_than_short_ones():
    short, long = (chosen(29_000, words)["train.max_updates"] for words in (8, 60))
    assert short < long
    assert all(
        chosen(29_000, words)["train.warmup_updates"] <= chosen(29_000, words)["train.max_updates"] / 4
        for words in (2, 60)
    )


def test_few_pairs_hold_out_a_larger_share():
    assert chosen(3_000)["cleaning.held_out_percent"] > chosen(29_000)["cleaning.held_out_percent"]
