import getpass
import hashlib
import json
import os
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from flows import release
from flows.release import CHALLENGER, CHAMPION, RegisteredModel
from registry.ledger import FORCED, KEPT, RELEASED, ROLLED_BACK
from registry.store import NO_BARS, open_store
from seq2seq.core.errors import UserError
from seq2seq.release.params import LONGEST_NAME, ReleaseParams, digest_of_set
from tests.registered_versions import NAME, PARAMS, TARGETS, add_version


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
            ReleaseParams(**PARAMS.model_dump() | {"name": pattern})
    for pattern in ("{corpus}", "a/b", "{", "{0}", "", "x{corpora.a}", "x{corpora[a]}", "{source!r}", "{{corpora}}"):
        with pytest.raises(ValidationError):
            ReleaseParams(**PARAMS.model_dump() | {"name": pattern})


def test_the_same_sources_with_other_references_are_another_set(client):
    texts = [[text] for text in TARGETS]
    known = digest_of_set(TARGETS, texts)
    assert known != digest_of_set(TARGETS, [*texts[:-1], ["anders"]])
    assert known != digest_of_set(TARGETS, [*texts[:-1], [*texts[-1], "anders"]])
    assert digest_of_set(TARGETS, texts[:-1]) != digest_of_set(TARGETS[:-1], texts)
    assert known == digest_of_set(list(TARGETS), [np.array(one) for one in texts])  # as they come from a file
    assert known == hashlib.sha256(json.dumps([TARGETS, TARGETS]).encode()).hexdigest()  # as ever


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
    assert forced.evidence["against"]["1"]["delta"] < -5  # what was measured
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
    decision, history = release.release.fn(NAME, number, PARAMS, [])
    assert (decision.version, decision.alias) == (number, CHAMPION)
    assert [(row["version"], row["alias"]) for row in history] == [(str(number), CHAMPION)]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_bars_are_for_terminals_alone_and_not_for_their_children(client, monkeypatch, terminal):
    (name,) = NO_BARS
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with open_store():
        assert os.environ.get(name) == (None if terminal else "False")  # None is MLflow's default: they are drawn
