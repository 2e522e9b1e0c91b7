import shutil
import sys

import mlflow
import pandas as pd
import pytest

from flows.release import settle
from registry import gate_outputs
from registry.judging import judge
from registry.ledger import CHALLENGER, CHAMPION
from registry.versions import RegisteredModel
from seq2seq.core.errors import UserError
from seq2seq.metrics.external import ScorerParams
from seq2seq.release.params import LimitsParams
from tests.registered_versions import NAME, PARAMS, SOURCES, TARGETS, add_version

UNKNOWN_FLOOR = "how well giving the translation of the nearest training sentence would do was not recorded"


def decide(client, number, **changes):
    """Settle a version under other params than the tests' own."""
    return settle(RegisteredModel(client, NAME), number, PARAMS.model_copy(update=changes))


def aliases(client):
    return RegisteredModel(client, NAME).aliases


def test_the_first_version_is_champion_and_a_better_one_replaces_it(client):
    first, better = add_version(client, wrong=20), add_version(client, wrong=2)
    assert decide(client, first).alias == CHAMPION
    decision = decide(client, better)
    assert aliases(client) == {CHAMPION: better}
    assert decision.evidence["answer"] == "no worse"
    assert decision.evidence["against"]["1"]["low"] > 0
    assert "BLEU against version 1, the champion, between" in decision.reason
    assert "BLEU can't be seen on 200 lines" in decision.reason
    assert RegisteredModel(client, NAME).decided(better).reason == decision.reason


def test_a_worse_version_stays_challenger(client):
    first, worse = add_version(client, wrong=2), add_version(client, wrong=20)
    decide(client, first)
    decision = decide(client, worse)
    assert decision.alias == CHALLENGER
    assert decision.evidence["answer"] == "worse"
    assert aliases(client) == {CHAMPION: first, CHALLENGER: worse}


@pytest.mark.parametrize("undecided", [CHALLENGER, CHAMPION])
def test_where_the_gate_set_is_too_small_to_tell_params_decide(client, undecided):
    first, equal = add_version(client, wrong=10, lines=60), add_version(client, wrong=11, lines=60)
    decide(client, first)
    decision = decide(client, equal, undecided=undecided)  # 1.6 BLEU on 60 lines, between 0 and 4.7
    assert decision.alias == undecided
    assert decision.evidence["answer"] == "cannot tell"
    assert "can't tell whether it is worse by 3; about " in decision.reason
    assert f"release.undecided makes it {undecided}" in decision.reason.split("; ")


def test_small_losses_do_not_add_up(client):
    best, slightly_worse, still_worse = (add_version(client, wrong) for wrong in (0, 2, 4))
    decide(client, best)
    assert decide(client, slightly_worse).alias == CHAMPION
    decision = decide(client, still_worse)
    roles = {version: against["role"] for version, against in decision.evidence["against"].items()}
    assert roles == {"1": "the best ever released", "2": "the champion"}
    assert decision.evidence["against"]["2"]["high"] == 0  # by itself it would pass
    assert decision.evidence["against"]["1"]["high"] < 0
    assert aliases(client) == {CHAMPION: slightly_worse, CHALLENGER: still_worse}


def test_a_version_that_does_no_better_than_copying_or_looking_up_is_never_released(client):
    copying = add_version(client, wrong=0, targets=SOURCES)
    decision = decide(client, copying)
    assert decision.alias == CHALLENGER
    assert decision.reason.startswith("it is no better than copying the source: BLEU 100.0 on the gate set")
    looking_up = add_version(client, wrong=20, nearest=TARGETS)
    decision = decide(client, looking_up)
    assert decision.alias == CHALLENGER
    assert decision.reason.startswith("it is no better than giving the translation of the nearest training sentence: ")
    assert decide(client, add_version(client, wrong=20, nearest=TARGETS[::-1])).alias == CHAMPION


@pytest.mark.parametrize(
    ("version", "changes", "reason"),
    [
        ({"learned_nothing": "60.0 against 8.0"}, {}, "its training learned nothing: 60.0 against 8.0"),
        (
            {"non_commercial": "captions"},
            {"require_commercial": True},
            "it learned from captions, whose licence forbids commercial use (release.require_commercial)",
        ),
        (
            {"unknown_start": "0123456789"},
            {"require_commercial": True},
            "it goes on from bundle 01234567, which isn't registered here: which licences bind that, nobody can tell "
            "(release.require_commercial)",
        ),
        (
            {"metrics": {"speed/int8/latency_ms": 31.0, "speed/int8/size_mb": 4.0}},
            {"limits": LimitsParams(latency_ms=30, start_seconds=0, size_mb=5, peak_rss_mb=0)},
            "its latency_ms is 31, over release.limits.latency_ms of 30",
        ),
        (
            {},
            {"limits": LimitsParams(latency_ms=0, start_seconds=2, size_mb=0, peak_rss_mb=0)},
            "its start_seconds was not measured, and release.limits.start_seconds is 2",
        ),
        (
            {"wrong": 200},
            {},
            f"it is no better than copying the source: BLEU 0.1 on the gate set, against 0.1; {UNKNOWN_FLOOR}",
        ),
    ],
)
def test_what_no_champion_may_be_is_told_even_of_the_first_version(client, version, changes, reason):
    number = add_version(client, **{"wrong": 0} | version)
    decision = decide(client, number, **changes)
    assert (decision.alias, decision.reason) == (CHALLENGER, reason)
    if changes:
        assert judge(RegisteredModel(client, NAME), number, PARAMS).alias == CHAMPION


def test_by_a_number_that_is_undefined_nobody_is_promoted_and_another_metric_may_decide(client):
    short = ["ja", "nein", "vielleicht doch"]
    first = add_version(client, wrong=0, lines=3, targets=short)
    decision = decide(client, first)
    assert decision.alias == CHALLENGER
    assert decision.reason == "its BLEU on the gate set is undefined: " + decision.reason.partition("undefined: ")[2]
    assert "4 words" in decision.reason
    assert judge(RegisteredModel(client, NAME), first, PARAMS.model_copy(update={"metric": "chrf"})).alias == CHAMPION


DISTANCE = r"""
import sys
for line in sys.stdin:
    source, output, reference = line.rstrip("\n").split("\t")
    print(-10.0 * (output != reference))
"""


def test_another_programs_numbers_decide_where_they_are_the_metric(client, tmp_path):
    (tmp_path / "scorer.py").write_text(DISTANCE)
    command = f"{sys.executable} {tmp_path / 'scorer.py'}"
    scorer = ScorerParams(name="nearness", command=command, higher_is_better=True)
    by_it = PARAMS.model_copy(update={"metric": "nearness"})
    first, better, worse = (add_version(client, wrong) for wrong in (40, 2, 80))
    model = RegisteredModel(client, NAME)
    assert settle(model, first, by_it, [scorer]).evidence["score"] == -2.0  # a score below 0 may be good
    decision = settle(model, better, by_it, [scorer])
    assert decision.alias == CHAMPION
    assert "nearness against version 1, the champion, between" in decision.reason
    assert settle(model, worse, by_it.model_copy(update={"margin": 1.0}), [scorer]).evidence["answer"] == "worse"
    with pytest.raises(UserError, match="there is no metric 'nearness'; use bleu, chrf, ter, exact_match, or a name"):
        judge(model, worse, by_it)
    (tmp_path / "scorer.py").write_text("print(1)")
    with pytest.raises(UserError, match=r"the scorer nearness .* wrote 1 lines for 200; it has to write one number"):
        judge(model, worse, by_it, [scorer])


def test_ter_is_better_when_it_is_lower(client):
    first = add_version(client, wrong=20, metrics={"int8/gate/ter": 10.0})
    better = add_version(client, wrong=2, metrics={"int8/gate/ter": 1.0})
    worse = add_version(client, wrong=40, metrics={"int8/gate/ter": 20.0})
    assert decide(client, first, metric="ter").alias == CHAMPION
    assert decide(client, better, metric="ter").alias == CHAMPION
    decision = decide(client, worse, metric="ter")
    assert decision.alias == CHALLENGER
    assert decision.evidence["against"]["2"]["delta"] < 0


def test_a_slice_that_is_clearly_worse_blocks_and_says_so(client):
    first = add_version(client, wrong=0)
    decide(client, first)
    without_numbers = [text.replace(f" {number} ", " ") for number, text in enumerate(TARGETS)]
    losing = add_version(client, wrong=0)
    replace_outputs(client, losing, without_numbers)
    decision = decide(client, losing, margin=100)
    assert decision.alias == CHALLENGER
    assert "clearly worse than version 1 on the slice 'numbers kept': " in decision.reason
    assert decision.evidence["slices"]["numbers kept"]["lines"] == 200


def replace_outputs(client, number, outputs):
    run_id = RegisteredModel(client, NAME).version(number).run_id
    frame = pd.DataFrame({"source": SOURCES, "references": [[text] for text in TARGETS], "prediction": outputs})
    frame.to_parquet("gate.parquet")
    client.log_artifact(run_id, "gate.parquet", "reports/predictions/int8")


class Parrot(mlflow.pyfunc.PythonModel):
    """Knows the first half of the gate set by heart."""

    def predict(self, context, model_input, params=None):
        known = dict(zip(SOURCES, TARGETS[:100], strict=False))
        return pd.DataFrame({"target": [known.get(source, "Kein Wort stimmt .") for source in model_input["source"]]})


def let_answer(client, number, tmp_path):
    """Store a model where a version has none."""
    folder = tmp_path / "parrot"
    mlflow.pyfunc.save_model(folder, python_model=Parrot(), pip_requirements=[])
    for path in folder.iterdir():
        client.log_artifact(RegisteredModel(client, NAME).version(number).run_id, str(path))


def test_on_another_gate_set_the_champion_translates_again(client, tmp_path, capsys):
    """The registered model is called, not what was recorded of it."""
    first = add_version(client, wrong=0, lines=50)
    decide(client, first)
    let_answer(client, first, tmp_path)
    decision = decide(client, add_version(client, wrong=60))
    assert "version 1 translates 200 lines of another gate set" in capsys.readouterr().out
    assert decision.alias == CHAMPION, decision.reason  # it has 60 wrong lines, the champion 100
    assert decision.evidence["lines"] == 200
    assert decision.evidence["against"]["1"]["low"] > 0
    assert "sources with capitals" not in decision.evidence["slices"]  # recorded of the champion alone
    decision = decide(client, add_version(client, wrong=150))
    assert (decision.alias, decision.evidence["answer"]) == (CHALLENGER, "worse")


def test_a_champion_that_no_longer_answers_is_told_of_and_not_replaced_by_chance(client, tmp_path):
    first = add_version(client, wrong=0, lines=50)
    decide(client, first)
    let_answer(client, first, tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "python_model.pkl").write_bytes(b"no pickle")
    client.log_artifact(RegisteredModel(client, NAME).version(first).run_id, str(tmp_path / "broken/python_model.pkl"))
    decision = decide(client, add_version(client, wrong=60))
    assert decision.alias == CHALLENGER
    assert "version 1, the champion" in decision.reason
    assert "its model no longer answers: " in decision.reason
    assert "\n" not in decision.reason


def test_outputs_that_were_recorded_before_lines_had_several_references_are_read(client):
    number = add_version(client, wrong=3)
    model = RegisteredModel(client, NAME)
    frame = pd.DataFrame({"source": SOURCES, "target": TARGETS, "prediction": TARGETS})
    frame.to_parquet("gate.parquet")
    client.log_artifact(model.version(number).run_id, "gate.parquet", "reports/predictions/int8")
    assert gate_outputs.recorded_outputs(model, number)["references"].tolist() == [[text] for text in TARGETS]


def test_the_best_ever_whose_run_was_deleted_is_left_out_aloud(client):
    best, champion = add_version(client, wrong=0), add_version(client, wrong=1)
    decide(client, best)
    decide(client, champion)
    run_id = RegisteredModel(client, NAME).version(best).run_id
    shutil.rmtree(client.get_run(run_id).info.artifact_uri.removeprefix("file://"))
    decision = decide(client, add_version(client, wrong=1))
    assert decision.alias == CHAMPION
    assert "version 1, the best ever released, can't be compared: " in decision.reason
