import getpass
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from flows import release
from flows.release import CHALLENGER, CHAMPION, RegisteredModel
from registry.ledger import FORCED, KEPT, RELEASED, ROLLED_BACK
from registry.store import NO_BARS, local_tracking_uri, open_store
from registry.versions import UNDEFINED
from seq2seq.core.errors import UserError
from seq2seq.release.params import LONGEST_NAME, ReleaseParams, digest_of_set, is_no_worse

ROOT = Path(__file__).parents[2]
NAME = "phrasebook-en-de"
PARAMS = ReleaseParams(name="{corpora}-{source}-{target}", margin=3.0, bootstrap_samples=200, seed=1)
LINES = [f"Der Zug Nummer {number} fährt um {number % 24} Uhr nach Berlin ." for number in range(200)]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """An empty store: made once, copied by each test."""
    root = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(root))
        with open_store() as store:
            store.experiment(NAME)
    shutil.copy(ROOT / "params.yaml", root)
    return root


@pytest.fixture
def client(template, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    with open_store() as store:
        store.client.create_registered_model(NAME)
    return store.client


def add_version(client, wrong, gate=LINES, **tags):
    """Register a version that gets so many lines of the gate set wrong, from the first on."""
    run = client.create_run(client.get_experiment_by_name(NAME).experiment_id)
    predictions = ["Kein Wort stimmt hier ."] * wrong + gate[wrong:]
    references = [[text] for text in gate]
    frame = pd.DataFrame({"source": gate, "references": references, "prediction": predictions})
    frame.to_parquet("gate.parquet")
    client.log_artifact(run.info.run_id, "gate.parquet", "reports/predictions/int8")
    tags = {
        "set_sha256.gate": digest_of_set(gate, references),
        "gate_bleu": str(100 - wrong / 2),
        "target_language": "de",
    } | tags
    return int(client.create_model_version(NAME, run.info.artifact_uri, run.info.run_id, tags=tags).version)


def settle(client, number):
    return release.settle(RegisteredModel(client, NAME), number, PARAMS)


def promote(client, number):
    model = RegisteredModel(client, NAME)
    model.change(lambda: model.release(number, "again", {}))


def roll_back(client):
    model = RegisteredModel(client, NAME)
    change = model.change(model.roll_back)
    return change.version, change.aliases[CHAMPION]


def aliases(client):
    return RegisteredModel(client, NAME).aliases


def by_hand(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["release", *arguments])
    release.main()
    return capsys.readouterr().out


def test_a_margin_is_the_most_that_a_lower_bound_may_lose():
    assert is_no_worse(-0.49, margin=0.5)
    assert not is_no_worse(-0.5, margin=0.5)


def test_a_model_is_named_by_its_corpora_and_languages():
    assert PARAMS.model_name(["phrasebook", "gettext"], "en", "de") == "phrasebook+gettext-en-de"
    assert PARAMS.model_name([], "en", "de") == "pairs-en-de"
    many = [f"corpus{number:03}" for number in range(300)]
    first, other = (PARAMS.model_name(names, "en", "de") for names in (many, many[::-1]))
    assert first.startswith("corpus000+corpus001+")
    assert "+290-others-" in first
    assert first.endswith("-en-de")
    assert first != PARAMS.model_name([*many[:-1], "x"], "en", "de") != other
    assert len(first) < LONGEST_NAME
    for pattern in (".", "..", ".x", "-x", "x" * 260, "ü" * 101, "{corpora}-{corpora}"):
        with pytest.raises(ValidationError):
            ReleaseParams(name=pattern, margin=0.5, bootstrap_samples=1000, seed=1)
    for pattern in ("{corpus}", "a/b", "{", "{0}", "", "x{corpora.a}", "x{corpora[a]}", "{source!r}", "{{corpora}}"):
        with pytest.raises(ValidationError):
            ReleaseParams(name=pattern, margin=0.5, bootstrap_samples=1000, seed=1)


def test_the_first_version_is_champion_and_a_better_one_replaces_it(client):
    first, better = add_version(client, wrong=20), add_version(client, wrong=2)
    assert settle(client, first).alias == CHAMPION
    decision = settle(client, better)
    assert aliases(client) == {CHAMPION: better}
    assert decision.comparisons[0].difference.low > 0
    assert RegisteredModel(client, NAME).decided(better).reason == decision.reason


def test_a_worse_version_stays_challenger(client):
    first, worse = add_version(client, wrong=2), add_version(client, wrong=20)
    settle(client, first)
    assert settle(client, worse).alias == CHALLENGER
    assert aliases(client) == {CHAMPION: first, CHALLENGER: worse}


def test_small_losses_do_not_add_up(client):
    best, slightly_worse, still_worse = (add_version(client, wrong) for wrong in (0, 2, 4))
    settle(client, best)
    assert settle(client, slightly_worse).alias == CHAMPION
    decision = settle(client, still_worse)
    passed = {one.version: is_no_worse(one.difference.low, PARAMS.margin) for one in decision.comparisons}
    assert passed == {slightly_worse: True, best: False}
    assert aliases(client) == {CHAMPION: slightly_worse, CHALLENGER: still_worse}


def test_another_gate_set_decides_nothing(client):
    first, other = add_version(client, wrong=20), add_version(client, wrong=0, gate=LINES[:100])
    settle(client, first)
    decision = settle(client, other)
    assert decision.alias == CHALLENGER
    assert "another gate set" in decision.reason


def test_the_same_sources_with_other_references_are_another_set(client):
    texts = [[text] for text in LINES]
    known = digest_of_set(LINES, texts)
    assert known != digest_of_set(LINES, [*texts[:-1], ["anders"]])
    assert known != digest_of_set(LINES, [*texts[:-1], [*texts[-1], "anders"]])
    assert digest_of_set(LINES, texts[:-1]) != digest_of_set(LINES[:-1], texts)
    assert known == digest_of_set(list(LINES), [np.array(one) for one in texts])  # as they come from a file
    assert known == hashlib.sha256(json.dumps([LINES, LINES]).encode()).hexdigest()  # as ever


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"gate_bleu": UNDEFINED}, "its BLEU on the gate set is undefined"),
        ({"gate_bleu": "0.0"}, "its BLEU on the gate set is 0, which says nothing"),
        ({"learned_nothing": "60.0 against 8.0"}, "its training learned nothing: 60.0 against 8.0"),
    ],
)
def test_a_version_of_which_nothing_good_is_known_stays_challenger_even_if_it_is_the_first(
    client, monkeypatch, capsys, tags, reason
):
    first = add_version(client, wrong=0, **tags)
    assert settle(client, first).reason.startswith(reason)
    assert aliases(client) == {CHALLENGER: first}
    with pytest.raises(UserError, match=f"version 1 is not promoted: {reason}"):
        by_hand(monkeypatch, capsys, "promote")
    by_hand(monkeypatch, capsys, "promote", "--force")
    assert aliases(client) == {CHAMPION: first}
    second = add_version(client, wrong=0, **tags)
    assert settle(client, second).alias == CHALLENGER
    good = add_version(client, wrong=0)
    assert settle(client, good).alias == CHAMPION  # equal predictions, of which the score is now known


def test_a_difference_that_is_undefined_promotes_nobody(client):
    gate = ["ja", "nein", "vielleicht doch"]  # a version of before undefined scores were told apart
    first, second = (add_version(client, wrong=0, gate=gate) for _ in range(2))
    assert settle(client, first).alias == CHAMPION
    decision = settle(client, second)
    assert decision.alias == CHALLENGER
    assert decision.reason.startswith("BLEU against version 1, the champion, is undefined: no reference has 4 words")


def test_rolling_back_goes_to_who_was_champion_before_not_to_the_number_before(client):
    first, second, third = (add_version(client, wrong) for wrong in (4, 2, 0))
    for number in (first, second, third):
        settle(client, number)
    for number in (first, third):
        promote(client, number)
    assert roll_back(client) == (third, first)


def test_a_version_that_is_promoted_again_is_a_predecessor_like_any_other(client):
    first, second, third = (add_version(client, wrong) for wrong in (4, 2, 0))
    for number in (first, second):
        settle(client, number)
    assert roll_back(client) == (second, first)
    promote(client, second)
    settle(client, third)
    assert roll_back(client) == (third, second)


def test_a_rolled_back_version_is_not_promoted_again_by_itself(client):
    first, second, third = (add_version(client, wrong) for wrong in (4, 2, 0))
    for number in (first, second, third):
        settle(client, number)
    assert roll_back(client) == (third, second)
    again = settle(client, third)
    assert (again.alias, again.reason.split(":")[0]) == ("", "decided before")
    assert aliases(client) == {CHAMPION: second}
    assert roll_back(client) == (second, first)
    with pytest.raises(UserError, match="version 1 of 'phrasebook-en-de' has no predecessor"):
        roll_back(client)
    promote(client, third)
    assert roll_back(client) == (third, first)


def test_promotion_by_hand_obeys_the_gate_unless_forced(client, monkeypatch, capsys):
    first, worse = add_version(client, wrong=2), add_version(client, wrong=20)
    for number in (first, worse):
        settle(client, number)
    with pytest.raises(UserError, match=r"version 2 is not promoted: .* BLEU .*; --force promotes it all the same"):
        by_hand(monkeypatch, capsys, "promote")
    assert aliases(client) == {CHAMPION: first, CHALLENGER: worse}
    assert "version 2 of phrasebook-en-de is the champion now" in by_hand(monkeypatch, capsys, "promote", "--force")
    assert aliases(client) == {CHAMPION: worse}
    assert "already" in by_hand(monkeypatch, capsys, "promote", "--version", "2")
    assert "version 1 of phrasebook-en-de is the champion again" in by_hand(monkeypatch, capsys, "rollback")
    table = by_hand(monkeypatch, capsys, "history", "--name", NAME).splitlines()
    assert table[0].startswith("version  alias")
    assert table[1].split()[:3] == ["1", CHAMPION, "99.0"]
    assert table[2].split()[:2] == ["2", "90.0"]
    assert table[4].startswith("when (UTC)")
    assert [line[19:].split("  ")[1] for line in table[5:]] == [RELEASED, KEPT, FORCED, ROLLED_BACK]
    forced = RegisteredModel(client, NAME).entries[2]
    assert forced.forced
    assert forced.reason.startswith("promoted by hand against the gate: -")
    assert forced.evidence["comparisons"][0]["delta"] < -5  # what was measured
    assert forced.who["user"] == getpass.getuser()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["history", "--name", "a/b"], "no version of 'a/b' is registered; known models: phrasebook-en-de"),
        (["rollback"], "no version of 'phrasebook-en-de' is registered"),
        (["promote", "--version", "9"], "has no version 9; it has 1"),
        (["promote"], "has no challenger; say --version N"),
    ],
)
def test_what_does_not_exist_is_named(client, monkeypatch, capsys, arguments, message):
    if arguments[0] == "promote":
        add_version(client, wrong=0)
    with pytest.raises(UserError, match=message):
        by_hand(monkeypatch, capsys, *arguments)


def test_the_task_promotes_and_returns_the_history(client):
    number = add_version(client, wrong=2)
    decision, history = release.release.fn(NAME, number, PARAMS)
    assert (decision.version, decision.alias) == (number, CHAMPION)
    assert [(row["version"], row["alias"]) for row in history] == [(str(number), CHAMPION)]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_bars_are_for_terminals_alone_and_not_for_their_children(client, monkeypatch, terminal):
    (name,) = NO_BARS
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with open_store():
        assert os.environ.get(name) == (None if terminal else "False")  # None is MLflow's default: they are drawn
