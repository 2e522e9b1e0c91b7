"""What a model learns from, in pieces."""

import pytest

from seq2seq.tokenizers.base import BT, EOS
from seq2seq.training.data import EpochStores
from seq2seq.training.distributed import ALONE
from tests.tiny_models import (
    TRAINING,
    tiny_corpus,
    tiny_tokenizer,
)
from tests.trainings import direction_of


def test_synthetic_sources_alone_bear_the_tag(tokenizer):
    corpus = tiny_corpus()
    for tag in (True, False):
        parts = list(direction_of(tokenizer, corpus[:3], corpus[3:5], tag=tag).encode())
        tagged = [source[0] == BT for sources, _ in parts for source in sources]
        assert tagged == [False, False, False, tag, tag]
    backward = direction_of(tokenizer, corpus[:3], corpus[3:5]).reverse()
    assert (backward.languages.source, backward.languages.target) == ("de", "en")
    assert backward.validation["source"].tolist() == corpus["target"].tolist()
    sources, targets = zip(*backward.encode(), strict=True)
    assert sources[0] == [[*one, EOS] for one in tokenizer.encode_target(corpus["target"][:3].tolist())]
    assert targets[0] == [one[:-1] for one in tokenizer.encode_source(corpus["source"][:3].tolist())]


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
def test_words_are_cut_anew_in_each_epoch_and_alike_in_the_same(tmp_path, algorithm):
    tokenizer = tiny_tokenizer(tmp_path / "tokenizer", algorithm=algorithm)
    corpus = tiny_corpus()

    def sources(work, epoch, alpha=0.3):
        work.mkdir(exist_ok=True)
        params = TRAINING.model_copy(update={"subword_sampling": alpha, "seed": 7})
        store = EpochStores(direction_of(tokenizer), params, 64, work, ALONE, "train")(epoch)
        assert [path.name for path in work.glob("tokens-*")] == [f"tokens-{epoch if alpha else 0:06d}"]
        return [store[0].src[row].tolist() for row in range(len(store[0]))]

    first, second = sources(tmp_path / "a", 0), sources(tmp_path / "a", 1)
    assert first != second
    assert second == sources(tmp_path / "b", 1)
    assert sources(tmp_path / "c", 0, alpha=0.0) == sources(tmp_path / "c", 1, alpha=0.0)
    texts = [tokenizer.reverse().decode_target([pieces[:-1]])[0] for pieces in second]
    assert texts == corpus["source"].tolist()


def test_targets_are_cut_anew_too_and_another_seed_cuts_otherwise(tokenizer, tmp_path):
    def pieces(work, seed):
        work.mkdir()
        params = TRAINING.model_copy(update={"subword_sampling": 0.3, "seed": seed})
        pairs = EpochStores(direction_of(tokenizer), params, 64, work, ALONE, "train")(0)[0]
        return [[one.tolist() for one in side] for side in (pairs.src, pairs.tgt)]

    (sources, targets), others = pieces(tmp_path / "7", 7), pieces(tmp_path / "8", 8)
    assert targets != tokenizer.encode_target(tiny_corpus()["target"].tolist())
    assert tokenizer.decode_target(targets) == tiny_corpus()["target"].tolist()
    assert others[0] != sources
    assert others[1] != targets
