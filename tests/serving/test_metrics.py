"""What the metrics say of what the model is fed, and of how sure it is."""

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.metrics import SCORED_EVERY, Metrics, _kind


@pytest.fixture
def increase(client):
    """What a request adds to each sample; scoring, which no answer waits for, is waited for."""

    def samples():
        families = text_string_to_metric_families(client.get("/metrics").text)
        return {
            (one.name, *(value for name, value in sorted(one.labels.items()) if name != "model")): one.value
            for family in families
            for one in family.samples
        }

    def ask(path, **fields):
        before = samples()
        client.post(path, json={"source": "en", "target": "de"} | fields)
        for _ in range(100):
            if not client.app.state.desk._scoring:
                break
            time.sleep(0.01)
        return {name: value - before.get(name, 0.0) for name, value in samples().items()}

    return ask


@pytest.mark.parametrize("fields", [{}, {"alternatives": 1}, {"details": True}])
def test_pieces_are_counted_by_kind_however_one_asks(increase, fields):
    added = increase("/translate", q="the king Ж", **fields)
    assert added["seq2seq_texts_total",] == 1
    assert added["seq2seq_source_pieces_total", "unknown"] == 1
    assert added["seq2seq_source_pieces_total", "known"] >= 3


def test_bytes_are_told_from_pieces():
    assert [_kind(piece) for piece in ("<0xE2>", "<unk>", "▁<0", "</s>")] == ["byte", "unknown", "known", "known"]


def test_a_share_of_all_sentences_is_scored(increase):
    added = increase("/translate", q=["the king sees the sea ."] * 2 * SCORED_EVERY)
    assert added["seq2seq_output_surprise_count",] == 2
    assert 0 < added["seq2seq_output_surprise_sum",] < 10


def test_each_50th_is_drawn_whatever_the_size_of_a_request(client):
    metrics = Metrics(client.app.state.desk.engine)
    drawn = [len(metrics.sample(size)) for size in (1, 48, 1, 1, 0, 200)]
    assert drawn == [1, 0, 0, 1, 0, 4]


def test_detected_languages_are_counted_and_unknown_ones_too(increase):
    english, italian = "The two dogs are playing in the snow.", "Due cani giocano nella neve."
    assert increase("/detect", q=english)["seq2seq_detected_languages_total", "en"] == 1
    added = increase("/translate", q=[english, italian], source="auto")
    assert added["seq2seq_detected_languages_total", "unknown"] == 1
