"""Old pairs among the new ones."""

import pandas as pd
import pytest

from seq2seq.core.errors import UserError
from seq2seq.synthesis.params import BackTranslationParams
from seq2seq.text.corpus import pairs, write_corpus
from seq2seq.training.data import read_direction
from seq2seq.training.old_pairs import mix_old
from tests.tiny_models import LANGUAGES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """12 new pairs and, behind and before them, 30 and 10 old ones."""
    place = tmp_path_factory.mktemp("corpus")
    frames = [
        pairs([f"{name} {number}" for number in range(count)], ["x"] * count, name)
        for name, count in (("older", 30), ("new", 12), ("old", 10))
    ]
    write_corpus(place / "train", frames, rows=9)
    write_corpus(place / "validation", frames[:1])
    return place


def test_old_pairs_make_up_their_share_of_an_epoch_and_come_from_everywhere(folder, tokenizer):
    old = mix_old(folder / "train", ["old", "older"], 0.4)
    assert str(old) == "12 new pairs and 8 of 40 old ones (old, older), 40% of an epoch"
    synthesis = BackTranslationParams.model_construct(upsample=1, tag=True)
    tokenizer.save(folder / "tokenizer")
    direction = read_direction(folder, None, folder / "tokenizer", LANGUAGES, synthesis, old)
    epoch = pd.concat(direction.real())
    assert direction.lines == len(epoch) == 20
    assert epoch["source"].tolist()[:6] == [f"older {number}" for number in (4, 9, 14, 19, 24, 29)]
    assert epoch["origin"].tolist() == ["older"] * 6 + ["new"] * 12 + ["old"] * 2
    assert len(pd.concat(direction.real())) == 20  # and again


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (0.9, 40), (0.25, 4)])
def test_of_the_old_pairs_there_are_never_more_than_there_are(folder, share, kept):
    assert mix_old(folder / "train", ["old", "older"], share).kept == kept


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        (["oldest"], "has no pairs of oldest; it has some of new, old, older"),
        (["new", "old", "older"], "names all that there is"),
    ],
)
def test_old_corpora_that_are_not_there_or_all_there_is_are_told(folder, corpora, message):
    with pytest.raises(UserError, match=message):
        mix_old(folder / "train", corpora, 0.3)
