"""Training pairs again as careless people would write them."""

import pandas as pd
import pytest

from seq2seq.text.corpus import pairs
from seq2seq.training.augmentation import AugmentationParams, augment, count_copies
from tests.trainings import direction_of

NONE = AugmentationParams(capitals=0, slips=0, bare_ends=0, seed=1)
MANY = pairs([f"Line {number} ." for number in range(2000)], [f"Zeile {number} ." for number in range(2000)], "x")


def copies(frame, **changes):
    return pd.concat(augment([frame], NONE.model_copy(update=changes)))


@pytest.mark.parametrize(
    ("kind", "source", "target", "expected"),
    [
        ("capitals", "the cat", "die Katze", [("THE CAT", "DIE KATZE", "capitals")]),
        ("capitals", "一只猫", "a cat", []),
        ("slips", "cats", "Katzen", [("cast", "Katzen", "slips")]),
        ("bare_ends", "the cat .", "die Katze!?", [("the cat", "die Katze", "bare_ends")]),
        ("bare_ends", "the cat .", "die Katze", []),
        ("bare_ends", "...", "?", []),
    ],
)
def test_a_copy_has_the_change_and_what_has_none_has_no_copy(kind, source, target, expected):
    frame = copies(pairs([source], [target], "x"), **{kind: 1.0})
    assert [tuple(row) for row in frame.itertuples(index=False)] == expected


def test_a_share_is_chosen_by_the_texts_and_the_seed_whatever_the_order():
    chosen = copies(MANY, capitals=0.1, bare_ends=0.2)
    assert chosen["origin"].value_counts().to_dict() == dict(
        count_copies([MANY[:70], MANY[70:]], NONE.model_copy(update={"capitals": 0.1, "bare_ends": 0.2}))
    )
    assert 150 < (chosen["origin"] == "capitals").sum() < 250
    assert 340 < (chosen["origin"] == "bare_ends").sum() < 460
    again = copies(MANY[::-1], capitals=0.1, bare_ends=0.2)
    assert sorted(again["source"]) == sorted(chosen["source"])
    assert sorted(copies(MANY, capitals=0.1, seed=2)["source"]) != sorted(copies(MANY, capitals=0.1)["source"])


def test_copies_stand_beside_the_real_pairs_in_training_alone(tokenizer):
    plain = direction_of(tokenizer)
    params = NONE.model_copy(update={"slips": 0.5})
    count = count_copies(plain.real(), params).total()
    direction = plain.augmented(params, count)
    epoch = [source for sources, _ in direction.encode() for source in sources]
    before = [source for sources, _ in plain.encode() for source in sources]
    assert 0 < count < len(before)
    assert len(epoch) == direction.lines == len(before) + count
    assert epoch[: len(before)] == before
    assert direction.validation is plain.validation
