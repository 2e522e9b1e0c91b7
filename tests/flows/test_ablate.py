import pandas as pd
import pytest

from flows.ablate import CLEANING, PREDICTIONS, SCORES, WHOLE, ablate, find_parts, needed, tabulate
from flows.runs import resolve
from flows.stages import Stage
from seq2seq.core.errors import UserError
from seq2seq.core.files import write_json
from seq2seq.metrics.scores import score
from seq2seq.settings import check_parameters
from tests.toy_project import REPOSITORY

SOURCES = [f"sentence {number}" for number in range(40)]
RIGHT = [f"der Satz mit der Nummer {number}" for number in range(40)]


def settings(*overrides):
    return check_parameters(*resolve(REPOSITORY, [], overrides))


def test_each_filter_that_is_on_can_be_left_out():
    parts = find_parts(settings("cleaning.near_duplicate_similarity=0.8", "cleaning.drop_broken=false"))
    assert parts["max_words"] == "cleaning.max_words=100000"
    assert parts["drop_identical"] == "cleaning.drop_identical=false"
    assert parts["near_duplicate_similarity"] == "cleaning.near_duplicate_similarity=0.0"
    assert not {"drop_broken", "max_repeats", "workers", "held_out_percent", "phrasebook"} & parts.keys()


def test_scorers_and_corpora_are_left_out_one_by_one():
    scorers = "cleaning.scorers=[{name: one, command: a, below: 1}, {name: two, command: b, quantile: 0.1}]"
    given = (scorers, "corpora.names=[gettext, multi30k]", 'corpora.remote=["opus:A/v1", "sacrebleu:wmt22"]')
    parts = find_parts(settings(*given))
    assert [one.name for one in settings(*given, parts["scorer_one"]).cleaning.scorers] == ["two"]
    assert settings(*given, parts["gettext"]).corpora.names == ["multi30k"]
    assert settings(*given, parts["A-v1"]).corpora.remote == ["sacrebleu:wmt22"]
    assert not any("wmt22" in name for name in parts)


def test_a_corpus_with_filters_of_its_own_is_refused_before_anything_runs():
    given = ["corpora.names=[gettext, multi30k]", "cleaning.corpora={gettext: {max_words: 50}}"]
    with pytest.raises(UserError, match=r"gettext can't be left out while cleaning\.corpora names it"):
        ablate(REPOSITORY, [], given, [])


def test_every_part_is_a_setting_that_can_be_run():
    for assignment in find_parts(settings()).values():
        assert settings(assignment) != settings()


def test_no_stage_runs_but_those_that_the_goal_needs_and_that_changed():
    stages = [
        Stage("code", (), True),
        Stage("clean", ("code",), False),
        Stage("train", ("clean",), False),
        Stage("evaluate", ("train",), False),
        Stage("register", ("evaluate",), False),
    ]
    assert needed(stages, "evaluate") == ["clean", "train", "evaluate"]
    assert needed(stages, "clean") == ["clean"]
    assert needed(stages[1:], "code") == []


@pytest.fixture
def folders(tmp_path):
    """Three runs: the whole, one whose outputs are better, one with another validation set."""

    def make(name, sources, outputs):
        folder = tmp_path / name
        references = [[text] for text in RIGHT]
        (folder / PREDICTIONS).parent.mkdir(parents=True)
        frame = pd.DataFrame({"source": sources, "references": references, "prediction": outputs})
        frame.to_parquet(folder / PREDICTIONS)
        write_json(folder / SCORES, {"tests": {"validation": score(outputs, references, "de", samples=100, seed=1)}})
        write_json(folder / CLEANING, {"web": {"train": {"kept": 1200}, "mono": {"kept": 5}}, "held_out": {}})
        return folder

    half = [text if place % 2 else "ganz anders" for place, text in enumerate(RIGHT)]
    return {
        WHOLE: make("whole", SOURCES, half),
        "markup": make("markup", SOURCES, RIGHT),
        "web": make("web", SOURCES[::-1], RIGHT),
    }


def test_the_table_has_bleu_and_a_paired_difference_on_the_same_lines_alone(folders):
    whole, better, other = tabulate(folders, settings())
    assert (whole["training pairs"], whole["against the whole"]) == ("1,200", "")
    assert (better["BLEU"], better["95 % interval"]) == ("100.00", "100.00 to 100.00")
    assert better["against the whole"].startswith(f"+{100 - float(whole['BLEU']):.2f} (+")
    assert "other lines" in other["against the whole"]
