import resource

import numpy as np
import pytest

from seq2seq.training import token_store
from seq2seq.training.token_store import TokenStore, write_token_store

RANDOM = np.random.default_rng(0)
SRC = [[*RANDOM.integers(5, 50, size=RANDOM.integers(1, 9)).tolist(), 3] for _ in range(500)]
TGT = [RANDOM.integers(5, 50, size=RANDOM.integers(1, 9)).tolist() for _ in range(500)]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(token_store, "PAIRS_PER_SHARD", 100)
    parts = [(SRC[:200], TGT[:200]), (SRC[200:], TGT[200:])]
    write_token_store(tmp_path / "store", parts, 500, max_length=8)
    return TokenStore(tmp_path / "store")


def pairs_of(shards):
    return [(src.tolist(), tgt.tolist()) for shard in shards for src, tgt in zip(shard.src, shard.tgt, strict=True)]


def test_every_pair_that_is_short_enough_is_in_one_shard(store):
    short = [(src, tgt) for src, tgt in zip(SRC, TGT, strict=True) if len(src) <= 8 and len(tgt) < 8]
    assert len(store) == 5
    assert sorted(pairs_of(store)) == sorted(short)
    assert (store.pairs, store.left_out) == (len(short), 500 - len(short))


def test_each_shard_is_a_sample_of_the_whole(store):
    place = {tuple(src): number for number, src in enumerate(SRC)}
    for shard in store:
        places = [place[tuple(src.tolist())] for src in shard.src]
        assert 50 < len(places) < 150
        assert 180 < np.mean(places) < 320


def test_the_same_pairs_make_the_same_store(store, tmp_path, monkeypatch):
    write_token_store(tmp_path / "again", [(SRC, TGT)], 500, max_length=8)
    assert sorted(pairs_of(TokenStore(tmp_path / "again"))) == sorted(pairs_of(store))


def test_a_store_has_more_shards_than_files_may_be_open(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        write_token_store(tmp_path / "store", [(SRC, TGT)], 23_000_000, max_length=10)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    store = TokenStore(tmp_path / "store")
    assert len(store) == 351
    assert sorted(pairs_of(store)) == sorted(zip(SRC, TGT, strict=True))


def test_a_store_of_nothing_has_no_pairs(tmp_path):
    write_token_store(tmp_path / "store", [], 0, max_length=8)
    assert pairs_of(TokenStore(tmp_path / "store")) == []
