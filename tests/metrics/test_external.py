import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from seq2seq.core.errors import UserError
from seq2seq.metrics.external import External, ScorerParams, run_scorer
from seq2seq.metrics.resampling import paired_difference

SOURCES = ["one", "two\tor", "three"]
OUTPUTS = ["eins", "zw\nei", "d"]
REFERENCES = [["eins"], ["zwo", "zwei mal zwei"], ["drei\u2028!"]]
SHARED = "import sys\nlines = [line.rstrip('\\n').split('\\t') for line in sys.stdin]\n"


def scorer(tmp_path: Path, code: str, higher_is_better: bool = True) -> ScorerParams:
    """A program that has the fields of each line in ``lines``."""
    path = tmp_path / "a scorer.py"
    path.write_text(SHARED + code)
    command = shlex.join([sys.executable, str(path)])
    return ScorerParams(name="own", command=command, higher_is_better=higher_is_better)


def test_a_program_reads_three_fields_a_line_and_of_several_references_the_best_counts(tmp_path):
    seen = tmp_path / "seen"
    code = f"open({str(seen)!r}, 'w').write(repr(lines))\nfor line in lines: print(len(line[2]))"
    highest = run_scorer(scorer(tmp_path, code), SOURCES, OUTPUTS, REFERENCES)
    assert seen.read_text() == repr(
        [
            ["one", "eins", "eins"],
            ["two or", "zw ei", "zwo"],
            ["two or", "zw ei", "zwei mal zwei"],
            ["three", "d", "drei !"],
        ]
    )
    assert highest.tolist() == [4, 13, 6]
    lowest = run_scorer(scorer(tmp_path, code, higher_is_better=False), SOURCES, OUTPUTS, REFERENCES)
    assert lowest.tolist() == [4, 3, 6]


def test_its_mean_is_a_metric_like_any_other(tmp_path):
    code = "for source, output, reference in lines: print(len(output))"
    metric = External(scorer(tmp_path, code, higher_is_better=False), ["s"] * 40)
    references = [["r"]] * 40
    short = metric.statistics(["o" * (1 + number % 3) for number in range(40)], references)
    long = metric.statistics(["o" * (2 + number % 5) for number in range(40)], references)
    assert metric.score(short.sum(axis=0)) == pytest.approx(np.mean([1 + number % 3 for number in range(40)]))
    difference = paired_difference(metric, short, long, samples=200, seed=1)
    assert 0 < difference.low < difference.delta < difference.high


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("sys.exit(3)", "failed with exit status 3"),
        ("print(1)", "wrote 1 lines for 4; it has to write one number a line"),
        ("for line in lines: print(1)\nprint('done')", "wrote 5 lines for 4"),
        ("print(1)\nprint('good')\nprint(1)\nprint(1)", "wrote 'good' in line 2, which is not a finite number"),
        ("print(1)\nprint(1)\nprint(1)\nprint('nan')", "wrote 'nan' in line 4, which is not a finite number"),
        ("print(1)\nprint(1)\nprint('inf')\nprint(1)", "wrote 'inf' in line 3, which is not a finite number"),
        ("print(1)\nprint()\nprint(1)\nprint(1)", "wrote '' in line 2"),
    ],
)
def test_what_a_program_does_wrong_is_told_in_a_line_with_its_command(tmp_path, code, problem):
    one = scorer(tmp_path, code)
    with pytest.raises(UserError) as caught:
        run_scorer(one, SOURCES, OUTPUTS, REFERENCES)
    assert problem in str(caught.value)
    assert f"the scorer own ({one.command})" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_program_that_reads_nothing_and_ends_is_no_traceback(tmp_path):
    path = tmp_path / "own.py"
    path.write_text("raise SystemExit(4)")
    one = ScorerParams(name="own", command=f"{sys.executable} {path}", higher_is_better=True)
    many = 100_000
    with pytest.raises(UserError, match="exit status 4"):
        run_scorer(one, ["s" * 10] * many, ["o" * 10] * many, [["r"]] * many)


def test_a_program_that_is_not_there_or_can_not_run_is_told(tmp_path):
    missing = ScorerParams(name="own", command="no-such-program --fast", higher_is_better=True)
    with pytest.raises(UserError, match=r"own \(no-such-program --fast\): there is no program 'no-such-program'"):
        missing.check()
    with pytest.raises(UserError, match="can't be started: No such file or directory"):
        run_scorer(missing, SOURCES, OUTPUTS, REFERENCES)
    plain = tmp_path / "notes.txt"
    plain.write_text("no program")
    with pytest.raises(UserError, match="there is no program"):
        ScorerParams(name="own", command=str(plain), higher_is_better=True).check()
    ScorerParams(name="own", command=f"{sys.executable} x.py", higher_is_better=True).check()


@pytest.mark.parametrize(
    ("name", "command", "problem"),
    [
        ("bleu", "true", "that name is taken"),
        ("prediction", "true", "that name is taken"),
        ("capitals", "true", "that name is taken"),
        ("COMET", "true", "should match pattern"),
        ("a_low", "true", "should match pattern"),
        ("own", " ", "write the command that scores"),
        ("own", "run 'half", "can't be cut into words"),
    ],
)
def test_names_and_commands_are_checked(name, command, problem):
    with pytest.raises(ValidationError, match=problem):
        ScorerParams(name=name, command=command, higher_is_better=True)
