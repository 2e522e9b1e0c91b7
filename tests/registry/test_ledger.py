"""The ledger: complete and true whoever decides, at once with whom, and wherever the power fails."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mlflow
import pytest

from flows import history, release
from registry import ledger, turns
from registry.ledger import (
    BY_HAND,
    CHALLENGER,
    CHAMPION,
    FOUND,
    LONGEST_VALUE,
    RELEASED,
    ROLLED_BACK,
    Entry,
    holders,
    reigns,
    write_entry,
)
from registry.store import local_tracking_uri, open_store
from registry.turns import SIGN, take_turn
from registry.versions import RegisteredModel
from seq2seq.core.command_line import USER_ERROR, run
from seq2seq.core.errors import TransientError, UserError

NAMES = (f"model{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    root = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(root))
        with open_store() as store:
            yield store.client


@pytest.fixture(scope="module")
def remote(server_address):
    return mlflow.MlflowClient(server_address, server_address)


def new_model(client, versions):
    """A registered model of its own, with so many versions of which nobody decided yet."""
    name = next(NAMES)
    client.create_registered_model(name)
    for _ in range(versions):
        client.create_model_version(name, "s3://nowhere/model")
    return name


def promote(client, name, number, reason="it is good"):
    model = RegisteredModel(client, name)
    return model.change(lambda: None if model.aliases.get(CHAMPION) == number else model.release(number, reason, {}))


def keep(client, name, number):
    model = RegisteredModel(client, name)
    return model.change(lambda: None if model.decided(number) else model.keep(number, "it is bad", {}))


def roll_back(client, name):
    model = RegisteredModel(client, name)
    return model.change(model.roll_back)


def decisions(client, name):
    return [(entry.what, entry.version, entry.moves) for entry in RegisteredModel(client, name).entries]


def check(client, name):
    """Aliases are as the ledger tells, each decision began where the one before ended, and nothing else is left."""
    model = RegisteredModel(client, name)
    assert holders(model.entries) == model.aliases
    told = {}
    for entry in model.entries:
        assert {alias: before for alias, (before, _) in entry.moves.items()} == {
            alias: told.get(alias) for alias in entry.moves
        }
        told |= {alias: after for alias, (_, after) in entry.moves.items()}
    assert not [tag for tag in model.tags if tag.startswith(SIGN)]
    assert not ledger.parts_without_entry(model.tags)


def test_four_reigns_of_two_versions_are_four_and_tell_who_was_champion_when(client):
    name = new_model(client, 2)
    promote(client, name, 1)
    promote(client, name, 2)
    roll_back(client, name)
    promote(client, name, 2)
    check(client, name)
    model = RegisteredModel(client, name)
    found = reigns(model.entries)
    assert [reign.version for reign in found] == [1, 2, 1, 2]
    assert [reign.until for reign in found] == [*(reign.since for reign in found[1:]), None]
    assert [entry.what for entry in model.entries] == [RELEASED, RELEASED, ROLLED_BACK, RELEASED]
    for reign in found:
        told = history.describe_champion(model, reign.since.when)
        assert told.startswith(f"version {reign.version} of {name} was champion at ")
        assert f"since {reign.since.when:%Y-%m-%d %H:%M:%S} UTC" in told
    before = found[0].since.when - timedelta(microseconds=1)
    assert "isn't known: its ledger begins at" in history.describe_champion(model, before)
    moment = found[1].since.when - timedelta(microseconds=1)
    assert "version 1 of" in history.describe_champion(model, moment)


def test_a_decision_too_long_for_a_tag_is_kept_whole(client):
    name = new_model(client, 1)
    reason = "größer als 5 000 Bytes, 长 " * 1000
    promote(client, name, 1, reason)
    model = RegisteredModel(client, name)
    assert model.entries[0].reason == reason
    assert max(len(value.encode()) for value in model.tags.values()) <= LONGEST_VALUE
    check(client, name)


def test_entries_stay_in_order_where_another_machines_clock_is_ahead(client):
    name = new_model(client, 2)
    promote(client, name, 1)
    (first,) = RegisteredModel(client, name).entries
    ahead = datetime.now(UTC) + timedelta(hours=1)
    moves = {CHAMPION: (1, 2)}
    write_entry(client, name, Entry(ahead, RELEASED, 2, moves, first.who, "", {}, forced=False, turn="x"))
    client.set_registered_model_alias(name, CHAMPION, "2")
    roll_back(client, name)
    assert [entry.version for entry in RegisteredModel(client, name).entries] == [1, 2, 2]
    check(client, name)


class Killed(BaseException):
    pass


class Mortal:
    """A client whose process dies before its ``last``-th write, counted from 1."""

    def __init__(self, client, last, die):
        self.client, self.last, self.die = client, last, die
        self.writes = 0

    def __getattr__(self, name):
        method = getattr(self.client, name)

        def call(*arguments, **options):
            self.writes += name.startswith(("set_", "delete_"))
            if self.writes >= self.last:
                self.die()
            return method(*arguments, **options)

        return call


def die():
    raise Killed


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


LONG = "long " * 3000
COMMANDS = {
    "promote": lambda client, name: promote(client, name, 2, LONG),
    "keep": lambda client, name: keep(client, name, 3),
    "roll back": roll_back,
    "after a move by hand": lambda client, name: promote(client, name, 2),
}


def prepare(client, command):
    name = new_model(client, 3)
    promote(client, name, 1)
    keep(client, name, 2)
    if command == "roll back":
        promote(client, name, 3)
    if command == "after a move by hand":
        client.set_registered_model_alias(name, CHAMPION, "3")
        client.delete_registered_model_alias(name, CHALLENGER)
    return name


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_before_any_write_the_next_command_ends_in_the_same_place(client, command):
    name = prepare(client, command)
    alive = Mortal(client, last=1000, die=die)
    COMMANDS[command](alive, name)
    expected = decisions(client, name)
    assert alive.writes >= 4
    for last in range(1, alive.writes + 1):
        name = prepare(client, command)
        already = len(RegisteredModel(client, name).entries)
        with pytest.raises(Killed):
            COMMANDS[command](Mortal(client, last, die), name)
        RegisteredModel(client, name).mend()  # such as history does
        check(client, name)
        if len(decisions(client, name)) < len(expected):
            COMMANDS[command](client, name)
        assert decisions(client, name) == expected
        assert len(expected) > already
        check(client, name)


@pytest.mark.slow
def test_killed_by_the_system_on_a_server_the_next_command_ends_in_the_same_place(remote):
    for last in (1, 2, 3, 4, 5):  # sign, second part, first part, alias, sign
        name = new_model(remote, 1)
        if (child := os.fork()) == 0:
            try:
                promote(Mortal(remote, last, kill), name, 1, LONG[: LONGEST_VALUE + 10])
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        promote(remote, name, 1, LONG[: LONGEST_VALUE + 10])
        assert decisions(remote, name) == [(RELEASED, 1, {CHAMPION: (None, 1)})]
        check(remote, name)


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_two_releases_at_once_are_one_after_the_other(server_address, remote, monkeypatch, rounds):
    monkeypatch.setattr(turns, "_place", lambda: "")  # as two machines, which can't see each other's processes
    monkeypatch.setattr(turns, "SHORTEST_PAUSE", 0.01)
    name = new_model(remote, 3)
    promote(remote, name, 1)
    for done in range(1, 2 * rounds + 1, 2):
        champion = RegisteredModel(remote, name).aliases[CHAMPION]
        both = {1, 2, 3} - {champion}
        planned, start = {}, threading.Barrier(2)

        def release_one(number, planned=planned, start=start):
            model = RegisteredModel(mlflow.MlflowClient(server_address, server_address), name)

            def plan():
                planned[number] = model.aliases[CHAMPION]
                return model.release(number, f"better than {planned[number]}", {})

            start.wait()
            model.change(plan)

        threads = [threading.Thread(target=release_one, args=(number,)) for number in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        new = RegisteredModel(remote, name).entries[done:]
        assert {entry.version for entry in new} == both
        assert len(new) == 2
        for entry in new:  # judged against who was champion when it took over
            assert entry.moves[CHAMPION][0] == planned[entry.version]
    check(remote, name)


def test_an_unfinished_change_of_another_machine_is_waited_for_and_then_taken_for_dead(client, monkeypatch, capsys):
    monkeypatch.setattr(turns, "LEASE", 0.3)
    name = new_model(client, 1)
    owner = {"user": "ada", "host": "elsewhere", "pid": os.getpid(), "place": "another kernel"}
    client.set_registered_model_tag(name, f"{SIGN}20260101T000000.000000Z.00000000", json.dumps(owner))
    promote(client, name, 1)
    assert capsys.readouterr().err == f"ada on elsewhere is changing {name}; waiting, at most 0.3 seconds\n"
    check(client, name)


def test_who_is_slower_than_others_wait_decides_nothing(client, monkeypatch):
    look = turns._look
    monkeypatch.setattr(turns, "_look", lambda *arguments: (replace(look(*arguments)[0], until=0.0), None))
    name = new_model(client, 1)
    with pytest.raises(TransientError, match="took more than 30 seconds"):
        promote(client, name, 1)
    assert decisions(client, name) == []
    check(client, name)


def test_a_failure_after_the_decision_is_finished_by_the_next_command_and_not_taken_for_a_move_by_hand(client):
    class Faulty(Mortal):
        def __getattr__(self, name):
            self.die = self.fail if name == "set_registered_model_alias" else list
            return super().__getattr__(name)

        def fail(self):
            raise TransientError

    name = new_model(client, 1)
    with pytest.raises(TransientError):
        promote(Faulty(client, 0, None), name, 1)
    RegisteredModel(client, name).mend()
    assert decisions(client, name) == [(RELEASED, 1, {CHAMPION: (None, 1)})]
    check(client, name)


def test_a_process_is_dead_only_where_one_could_see_it_and_it_is_gone():
    child = subprocess.Popen(["true"])
    child.wait()
    here = {"place": turns._place()}
    assert turns._is_dead("x", here | {"pid": child.pid})
    assert not turns._is_dead("x", {"place": "another kernel", "pid": child.pid})
    assert not turns._is_dead("x", {"place": "", "pid": child.pid})
    assert not turns._is_dead("x", here | {"pid": os.getppid()})
    assert turns._is_dead("x", here | {"pid": os.getpid()})  # our own, which no thread of ours holds


def test_a_turn_that_failed_before_it_decided_anything_leaves_no_sign(client):
    name = new_model(client, 1)
    with pytest.raises(UserError), take_turn(client, name):
        raise UserError
    check(client, name)


def test_what_was_moved_by_hand_is_entered_once_at_the_next_command(client):
    name = new_model(client, 3)
    promote(client, name, 1)
    keep(client, name, 2)
    client.set_registered_model_alias(name, CHAMPION, "3")
    client.delete_registered_model_alias(name, CHALLENGER)
    for _ in range(2):
        RegisteredModel(client, name).mend()
    assert decisions(client, name)[2:] == [
        (BY_HAND, 3, {CHAMPION: (1, 3)}),
        (BY_HAND, 2, {CHALLENGER: (2, None)}),
    ]
    check(client, name)
    model = RegisteredModel(client, name)
    told = history.describe_champion(model, model.entries[1].when)
    assert f"version 1 of {name} was champion" in told
    assert "perhaps not any more: between" in told
    assert "at the latest since" in history.describe_champion(model, model.entries[2].when)
    client.delete_model_version(name, "3")
    model = RegisteredModel(client, name)
    model.mend()
    assert decisions(client, name)[4:] == [(BY_HAND, 3, {CHAMPION: (3, None)})]
    assert "had no champion" in history.describe_champion(model, datetime.now(UTC))
    with pytest.raises(UserError, match="has no champion; promote a version first"):
        roll_back(client, name)


def test_a_registry_without_a_ledger_is_entered_as_it_is_found(client):
    name = new_model(client, 4)
    tags = {
        1: {"released": "2026-01-01", "decision": CHAMPION},
        2: {"released": "2026-01-03", "decision": CHAMPION, "rolled_back": "2026-01-04"},
        3: {"released": "2026-01-02", "decision": CHAMPION},
    }
    for number, told in tags.items():
        for key, value in told.items():
            client.set_model_version_tag(name, str(number), key, value)
    client.set_registered_model_alias(name, CHAMPION, "3")
    model = RegisteredModel(client, name)
    model.mend()
    assert decisions(client, name) == [(FOUND, 3, {CHAMPION: (None, 3)})]
    assert model.released() == [1, 2, 3]
    assert [bool(model.decided(number)) for number in (1, 2, 3, 4)] == [True, True, True, False]
    change = roll_back(client, name)
    assert (change.version, change.aliases) == (3, {CHAMPION: 1})
    check(client, name)


def test_a_new_registry_has_nothing_to_find(client):
    name = new_model(client, 1)
    RegisteredModel(client, name).mend()
    assert decisions(client, name) == []


def by_hand(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["release", *arguments])
    release.main()
    return capsys.readouterr().out


@pytest.fixture(params=[0o555, 0o777], ids=["folder", "file"])
def read_only(client, monkeypatch, request):
    """A registry that this process may only read, whose champion was moved by hand; and what gives back its rights."""
    name = new_model(client, 2)
    promote(client, name, 1)
    client.set_registered_model_alias(name, CHAMPION, "2")
    root = Path(tempfile.mkdtemp())
    database = root / "mlflow.db"
    shutil.copy(client.tracking_uri.removeprefix("sqlite:///"), database)
    database.chmod(0o444)
    root.chmod(request.param)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    user = os.geteuid()
    if user == 0:  # who may write everywhere
        os.seteuid(65534)
    yield name
    os.seteuid(user)
    root.chmod(0o755)
    shutil.rmtree(root)


def test_history_needs_no_right_to_write_and_enters_nothing_then(read_only, monkeypatch, capsys):
    told = by_hand(monkeypatch, capsys, "history", "--name", read_only)
    assert "not entered into the ledger: moved by hand: champion was given to version 2" in told
    again = by_hand(monkeypatch, capsys, "history", "--name", read_only, "--at", f"{datetime.now(UTC):%FT%T.%f}")
    assert f"version 1 of {read_only} was champion at" in again
    assert "moved by hand" in again
    monkeypatch.setattr(sys, "argv", ["release", "rollback", "--name", read_only])
    with pytest.raises(SystemExit) as ended:
        run(release.main)
    assert ended.value.code == USER_ERROR
    assert re.fullmatch("error: .*(Permission denied|may only be read).*", capsys.readouterr().err.splitlines()[-1])
