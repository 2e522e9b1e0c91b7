import pandas as pd
import pytest

from seq2seq.bundles.pytorch import save_model
from seq2seq.decoding.params import SamplingParams
from seq2seq.synthesis import back_translation
from seq2seq.synthesis.back_translation import back_translate
from seq2seq.synthesis.params import BackTranslationParams, choose_lines
from seq2seq.text.corpus import write_corpus
from seq2seq.training.data import read_direction
from tests.tiny_models import CLEANING, DECODING, LANGUAGES, RUNTIME, tiny_corpus, tiny_model

DRAW = SamplingParams(temperature=1.0, top_k=0, top_p=1.0)
BEAM = BackTranslationParams(enabled=True, search="beam", sampling=DRAW, ratio=1.0, upsample=1, tag=True, seed=1)
SAMPLING = BEAM.model_copy(update={"search": "sampling"})
LINES = list(tiny_corpus()["target"])
LENIENT = CLEANING.model_copy(update={"max_words": 100, "max_length_ratio": 1000.0})


@pytest.fixture(scope="module")
def backward(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "backward"
    reverse = tokenizer.reverse()
    save_model(folder, tiny_model(reverse), reverse, LANGUAGES.reverse(), {}, "translation")
    return folder


def make(backward, work, params):
    work.mkdir(exist_ok=True)
    return pd.concat(back_translate(backward, LINES, params, LENIENT, DECODING, RUNTIME, work), ignore_index=True)


@pytest.mark.parametrize("params", [BEAM, SAMPLING], ids=["beam", "sampling"])
def test_a_killed_run_resumed_makes_the_same_pairs(backward, tmp_path, monkeypatch, params):
    monkeypatch.setattr(back_translation, "SHARD_LINES", 10)
    whole = make(backward, tmp_path / "whole", params)
    work = tmp_path / "killed"
    work.mkdir()
    unfinished = back_translate(backward, LINES, params, LENIENT, DECODING, RUNTIME, work)
    next(unfinished), next(unfinished)
    unfinished.close()
    shards = {file.name: file.stat().st_mtime_ns for file in work.glob("shard-*")}
    assert len(shards) == 2
    pd.testing.assert_frame_equal(make(backward, work, params), whole)
    assert all((work / name).stat().st_mtime_ns == time for name, time in shards.items())


def test_pairs_hold_the_real_target_and_where_they_came_from(backward, tmp_path):
    made = make(backward, tmp_path / "work", BEAM)
    assert list(made["target"]) == [line for line in LINES if line in set(made["target"])]
    assert set(made["origin"]) == {"synthetic"}
    assert made["source"].str.strip().ne("").all()


def test_pairs_are_held_to_what_is_asked_of_real_ones(backward, tmp_path, monkeypatch):
    said = {LINES[0]: "the cat " * 20, LINES[1]: LINES[1], LINES[2]: " ", LINES[3]: "one that is good"}
    monkeypatch.setattr(back_translation, "_sources", lambda _, lines, *__: [said.get(line, "x y z") for line in lines])
    kept = LENIENT.model_copy(update={"max_length_ratio": 3.0})
    (made,) = back_translate(backward, LINES, BEAM, kept, DECODING, RUNTIME, tmp_path)
    assert list(made["target"]) == LINES[3:]
    assert made["source"].iloc[0] == "one that is good"


def test_sampling_draws_another_source_for_another_seed(backward, tmp_path):
    first = make(backward, tmp_path / "first", SAMPLING)
    other = make(backward, tmp_path / "other", SAMPLING.model_copy(update={"seed": 2}))
    assert list(first["source"]) != list(other["source"])


def test_sampling_draws_another_source_in_each_shard(backward, tmp_path, monkeypatch):
    monkeypatch.setattr(back_translation, "SHARD_LINES", 10)
    lines = LINES[:10] * 2
    shards = list(back_translate(backward, lines, SAMPLING, CLEANING, DECODING, RUNTIME, tmp_path))
    first, second = (list(shard["source"]) for shard in shards)
    assert first != second


def test_lines_that_the_backward_model_cannot_read_at_once_are_counted(backward, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(back_translation, "SHARD_LINES", 2)
    lines = [LINES[0], "die Katze sieht " * 40, LINES[1]]
    told = "back-translate: 1 of 3 lines are longer than the 64 pieces that the backward model reads; such"
    for _ in range(2):  # made, and found finished
        list(back_translate(backward, lines, BEAM, CLEANING, DECODING, RUNTIME, tmp_path))
        assert told in capsys.readouterr().out


def test_the_choice_of_lines_depends_on_lines_and_seed_alone():
    lines = [f"line {number}" for number in range(100)]
    chosen = choose_lines(lines, 10, seed=1)
    assert choose_lines([*reversed(lines), "line 3", *chosen], 10, seed=1) == chosen
    assert len(set(chosen)) == 10
    assert choose_lines(lines, 10, seed=2) != chosen
    assert len(choose_lines(lines, 1000, seed=1)) == 100
    assert choose_lines(lines, 0, seed=1) == []


@pytest.mark.parametrize(("synthetic_lines", "times"), [(2, 3), (0, 1)])
def test_real_pairs_are_read_as_often_as_asked_beside_synthetic_ones_and_once_alone(
    tokenizer, tmp_path, synthetic_lines, times
):
    real, made = tiny_corpus()[:4], tiny_corpus()[4 : 4 + synthetic_lines]
    for name, frame in {"train": real, "validation": real, "made": made}.items():
        write_corpus(tmp_path / name, [frame])
    tokenizer.save(tmp_path / "tokenizer")
    mix = BEAM.model_copy(update={"upsample": 3})
    direction = read_direction(tmp_path, tmp_path / "made", tmp_path / "tokenizer", LANGUAGES, mix)
    assert list(pd.concat(direction.real())["source"]) == list(real["source"]) * times
    assert sum(map(len, direction.synthetic())) == synthetic_lines
    assert direction.lines == 4 * times + synthetic_lines
