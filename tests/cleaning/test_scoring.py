import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from seq2seq.cleaning.explain import explain
from seq2seq.cleaning.params import CleaningParams
from seq2seq.cleaning.prepare import prepare
from seq2seq.cleaning.scoring import PairScorer, drop_low_scores
from seq2seq.cleaning.tally import Tally
from seq2seq.core.errors import UserError
from seq2seq.text.corpus import pairs, read_corpus, write_corpus
from tests.tiny_models import CLEANING, LANGUAGES

NUMBER_IN_SOURCE = "for line in sys.stdin: print(line.split('\\t')[0].split()[-1])"


def scorer(code: str = NUMBER_IN_SOURCE, **limits: float) -> PairScorer:
    command = shlex.join([sys.executable, "-IS", "-c", f"import sys\n{code}"])
    return PairScorer(name="own", command=command, **limits)


def write(folder: Path, numbers: list[float]) -> None:
    """Pairs that end in these numbers, in partitions of 3."""
    targets = [f"hier der Satz {place}" for place in range(len(numbers))]
    write_corpus(folder, [pairs([f"a sentence {number}" for number in numbers], targets, "web")], rows=3)


def left(folder: Path) -> list[float]:
    return [float(source.split()[-1]) for source in read_corpus(folder)["source"]]


@pytest.mark.parametrize(
    ("limits", "stay"),
    [
        ({"below": 3}, [5, 3, 9, 4, 7]),  # the limit itself stays
        ({"quantile": 0.5}, [5, 9, 4, 7]),
        ({"quantile": 0.01}, [5, 3, 9, 2, 4, 2, 7]),  # one has to go, the lowest
        ({"below": -1}, [5, 3, 9, 1, 2, 4, 2, 7]),
    ],
)
def test_pairs_with_low_numbers_are_dropped_counted_and_shown(tmp_path, limits, stay):
    write(tmp_path / "web", [5, 3, 9, 1, 2, 4, 2, 7])
    tally = Tally()
    drop_low_scores(tmp_path / "web", scorer(**limits), tally)
    assert left(tmp_path / "web") == stay
    assert tally.filters["scorer_own"].count == 8 - len(stay)
    assert len(tally.filters["scorer_own"].examples) == min(3, 8 - len(stay))
    told = tally.report()["scores"]["own"]
    assert (told["lowest"], told["median"], told["highest"]) == (1, 3.5, 9)
    assert told["kept_from"] <= min(stay)


def test_the_program_runs_once_a_corpus_and_not_for_an_empty_one(tmp_path):
    runs = tmp_path / "runs"
    once = scorer(f"open({str(runs)!r}, 'a').write('x')\n{NUMBER_IN_SOURCE}", below=0)
    write(tmp_path / "web", [1, 2, 3, 4, 5, 6, 7])
    write(tmp_path / "none", [])
    for name in ("web", "none"):
        drop_low_scores(tmp_path / name, once, Tally())
    assert runs.read_text() == "x"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("sys.exit(3)", "failed with exit status 3"),
        ("print(1)", "wrote 1 lines for 4; it has to write one number a line"),
        ("for line in sys.stdin: print('good')", "wrote 'good' in line 1, which is not a finite number"),
    ],
)
def test_what_a_program_does_wrong_is_one_line_and_the_corpus_stays(tmp_path, code, problem):
    write(tmp_path / "web", [1, 2, 3, 4])
    with pytest.raises(UserError) as caught:
        drop_low_scores(tmp_path / "web", scorer(code, below=2), Tally())
    assert problem in str(caught.value)
    assert left(tmp_path / "web") == [1, 2, 3, 4]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    raw = tmp_path / "raw"
    for name in ("news", "web"):
        write(raw / "train" / name, [0.1, 0.2, 0.3, 0.8, 0.9] if name == "web" else [0.15, 0.25])
        for place in ("validation", "gate", "test"):
            write(raw / place / name, [0.0])
    return raw


def clean(raw: Path, **changes: Any) -> tuple[list[float], dict[str, Any]]:
    shutil.rmtree(raw.parent / "clean", ignore_errors=True)
    params = CleaningParams.model_validate(CLEANING.model_dump() | {"drop_held_out_targets": False} | changes)
    report = prepare(raw, raw.parent / "clean", params, LANGUAGES)
    return left(raw.parent / "clean" / "train"), report


def test_a_scorer_filters_every_corpus_or_one_alone_and_the_counts_add_up(raw):
    half = {"scorers": [scorer(below=0.5).model_dump()]}
    assert clean(raw, **half)[0] == [0.8, 0.9]
    stay, report = clean(raw, corpora={"web": half})
    assert stay == [0.15, 0.25, 0.8, 0.9]
    assert "scores" not in report["news"]["train"]
    tally = report["web"]["train"]
    assert tally["lines_in"] == sum(entry["dropped"] for entry in tally["filters"].values()) + tally["kept"]


def test_a_program_that_is_missing_for_one_corpus_is_told_before_anything_is_read(raw):
    missing = {"name": "own", "command": "no-such-program", "below": 0}
    shutil.rmtree(raw / "train" / "web")  # even then
    write(raw / "train" / "web", [])
    with pytest.raises(UserError, match=r"the scorer own \(no-such-program\): there is no program"):
        clean(raw, corpora={"web": {"scorers": [missing]}})


def test_a_scorer_has_one_limit_and_a_name_of_its_own():
    for limits in ({}, {"below": 1, "quantile": 0.5}):
        with pytest.raises(ValidationError, match="set below or quantile, one of them"):
            scorer(**limits)
    twice = [scorer(below=1).model_dump(), scorer(quantile=0.1).model_dump()]
    with pytest.raises(ValidationError, match="two scorers have the same name"):
        CleaningParams.model_validate(CLEANING.model_dump() | {"scorers": twice})


def test_explain_runs_the_scorers():
    def told(**limits: float) -> str:
        return explain("grade 3\tNote 3", CLEANING.model_copy(update={"scorers": [scorer(**limits)]}), LANGUAGES)[-2]

    assert told(below=2) == "scorer_own: keeps it, 3"
    assert told(below=4) == "scorer_own: DROPS it, 3"
    assert told(quantile=0.1) == "scorer_own: 3; it drops the lowest 0.1 of each corpus"
