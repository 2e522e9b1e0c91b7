"""What nothing needs is removed, and nothing else is."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import collect
from flows.cache import USED, Cache, outputs_of_stages, tracked_data
from flows.reproduce import reproduce
from flows.runs import resolve
from flows.workspace import open_workspace
from registry import retention
from registry.store import open_store
from registry.versions import RegisteredModel
from seq2seq.core.errors import TransientError
from seq2seq.core.files import sha256_tree
from tests.toy_project import REPOSITORY
from tests.toy_versions import NAME, compute, dvc, git, learning_rate, make_project, register


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Five versions: 1 of a commit before, 2 of a copy that finished, 3 of one that is the newest, 4 and 5 later on."""
    toy = make_project(tmp_path_factory.mktemp("template") / "a toy")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(toy)
        patch.setenv("MLFLOW_TRACKING_URI", "")
        compute(toy)
        assert register(toy) == 1
        (toy / "presets" / "wide.yaml").write_text("train: {lr: 3}\n")
        for number, preset in ((2, "slow"), (3, "wide")):
            tree, _ = resolve(toy, [preset], [])
            with open_workspace(toy, tree, [preset], [], "", print) as workspace:
                dvc(workspace.folder, "checkout", "data/tracked.txt")
                compute(workspace.folder)
            assert register(workspace.folder) == number
        for number in (4, 5):
            learning_rate(toy, number)
            compute(toy)
            assert register(toy) == number
    return toy


@pytest.fixture
def toy(template, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setattr(retention, "QUIET", -1e9)  # whatever has ended is quiet
    root = tmp_path / "a toy"
    shutil.copytree(template, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


def run(toy, keep, dry_run=False):
    said = []
    collect.collect(toy, keep, dry_run, said.append)
    return said


def versions():
    with open_store() as store:
        return sorted(int(version.version) for version in store.client.search_model_versions(f"name = '{NAME}'"))


def make_champion(number):
    with open_store() as store:
        model = RegisteredModel(store.client, NAME)
        model.change(lambda: model.release(number, "for the test", {}))


def lock_of(number, folder):
    """The dvc.lock that a version keeps."""
    folder.mkdir(exist_ok=True)
    with open_store() as store:
        run_id = store.client.get_model_version(NAME, str(number)).run_id
        return outputs_of_stages(store.client.download_artifacts(run_id, "dvc.lock", str(folder)))


def files_of(toy, stages):
    cache = Cache(toy)
    return {path for outputs in stages.values() for path in cache.expand(outputs.values())}


# version 5 is the checkout's, and 3 is of the copy that started last
@pytest.mark.parametrize(
    ("keep", "champions", "stay"),
    [(1, [], [3, 5]), (1, [1, 4], [1, 3, 4, 5]), (2, [], [2, 3, 4, 5]), (9, [], [1, 2, 3, 4, 5])],
)
def test_all_that_a_version_that_stays_needs_is_there_afterwards(toy, tmp_path, keep, champions, stay):
    for number in champions:
        make_champion(number)
    locks = {number: lock_of(number, tmp_path / str(number)) for number in range(1, 6)}
    needed = {number: files_of(toy, stages) for number, stages in locks.items()}
    assert len(set(map(frozenset, needed.values()))) == 5  # no two need the same
    run(toy, keep)
    assert versions() == stay
    cache = Cache(toy)
    tracked = cache.expand(tracked_data(toy).values())
    assert set(cache.files()) == set().union(*(needed[number] for number in stay), tracked)
    assert cache.lacks(tracked_data(toy)) == []
    shutil.rmtree(cache.folder.parents[1] / "runs")
    assert reproduce(toy, str(stay[0]), NAME, None, False)
    assert not (toy / "runs" / f"toy@{stay[0]}" / "executed.log").exists()


def contents(folder):
    """All but what who only looks may write: locks, DVC's notes, and MLflow's database."""
    files = [path for path in folder.rglob("*") if path.is_file() and "tmp" not in path.relative_to(folder).parts]
    return {path: path.read_bytes() for path in files if path.suffix not in (".db", ".lock")}


def test_a_dry_run_lists_what_a_real_one_removes_and_removes_nothing(toy):
    before = contents(toy), versions()
    listed = run(toy, 1, dry_run=True)
    assert (contents(toy), versions()) == before
    removed = run(toy, 1)
    assert removed[:-1] == listed[:-1]
    assert listed[-1].replace("would be", "were") == removed[-1]
    size = sum(int(line.split()[0].replace(",", "")) for line in listed[:-1])
    assert size > 0 and listed[-1].startswith(f"{size:,} bytes in {len(listed) - 1:,} places")
    assert f"{toy / 'runs' / 'slow'}  (a finished run, not one of the newest 1)" in "\n".join(listed)
    assert not (toy / "runs" / "slow").exists() and (toy / "runs" / "wide").exists()
    assert run(toy, 1) == ["0 bytes in 0 places were removed"]


def test_what_is_unfinished_stays_and_is_named(toy):
    (toy / "runs" / "slow" / "reports" / "registration.json").unlink()
    work = toy / ".work" / "train"
    for name in ("finished", "unfinished"):
        (work / name).mkdir(parents=True)
        (work / name / "checkpoint").write_text("x")
    (work / "finished" / "finished").touch()
    said = run(toy, 1)
    assert said[0].startswith(f"{toy / 'runs' / 'slow'} stays, as its run didn't finish or isn't in this registry")
    assert (toy / "runs" / "slow").exists()
    assert [path.name for path in work.iterdir()] == ["unfinished"]


def test_branches_and_edits_of_dvc_lock_keep_what_they_name(toy):
    lock = (toy / "dvc.lock").read_text()
    git(toy, "checkout", "--quiet", "-b", "other")
    git(toy, "add", "--force", "dvc.lock")
    git(toy, "commit", "--quiet", "--message=x")
    (toy / "dvc.lock").unlink()
    git(toy, "checkout", "--quiet", "--force", "-")
    with open_store() as store:
        store.client.delete_registered_model(NAME)
    shutil.rmtree(toy / "runs")
    run(toy, 1)
    (toy / "dvc.lock").write_text(lock)
    assert Cache(toy).lacks(tracked_data(toy)) == []
    assert files_of(toy, outputs_of_stages(toy / "dvc.lock")) <= set(Cache(toy).files())
    assert len(Cache(toy).files()) < 12


def test_runs_without_a_version_go_once_they_are_quiet(toy, monkeypatch):
    with open_store() as store:
        experiment = store.experiment(NAME)
        ended, active, open_run = [store.client.create_run(experiment).info.run_id for _ in range(3)]
        for run_id in (ended, active):
            store.client.log_metric(run_id, "loss", 1.0, timestamp=int(time.time() * 1000) + (run_id == active) * 10**7)
            store.client.set_terminated(run_id)
    monkeypatch.setattr(retention, "QUIET", -(10**6))
    said = "\n".join(run(toy, 9))
    assert f"runs:/{ended}  (a run without a version)" in said
    assert active not in said and open_run not in said
    with open_store() as store:
        left = {one.info.run_id for one in store.client.search_runs([experiment])}
    assert {active, open_run} <= left and ended not in left and len(left) == 7


def test_a_cache_outside_of_the_checkout_is_left_alone(toy, tmp_path):
    (toy / ".dvc" / "cache").rename(tmp_path / "shared")
    (toy / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {tmp_path / 'shared'}\n")
    before = sha256_tree(tmp_path / "shared")
    said = run(toy, 1)
    assert "is outside of this checkout, where others may use it: nothing in it is removed" in said[0]
    assert sha256_tree(tmp_path / "shared") == before


def test_nothing_is_removed_while_a_run_is_at_work(toy):
    tree, _ = resolve(toy, ["slow"], [])
    with (
        open_workspace(toy, tree, ["slow"], [], "", print),
        pytest.raises(TransientError, match="while a run is at work"),
    ):
        run(toy, 1)
    with (toy / USED).open("ab") as lock:  # what collect holds makes a run wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from pathlib import Path; from flows.cache import using_cache\n"
                "with using_cache(Path(), lambda line: print(line, flush=True)): print('begins', flush=True)",
            ],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "are being removed; waiting" in waiting.stdout.readline()
        assert waiting.poll() is None
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert waiting.communicate()[0] == "begins\n"


def test_nothing_is_removed_while_dvc_runs_a_stage(toy):
    (toy / "model.py").write_text("import time; open('started', 'w').close(); time.sleep(600)")
    (toy / ".gitignore").open("a").write("started\n")
    command = [sys.executable, "-m", "dvc", "repro", "model"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(command, cwd=toy, env=environment, start_new_session=True) as at_work:
        try:
            while not (toy / "started").exists():
                assert at_work.poll() is None
                time.sleep(0.1)
            with pytest.raises(TransientError, match=r"nothing is removed while `.*dvc.* repro model` is at work in"):
                run(toy, 1)
        finally:
            os.killpg(at_work.pid, 9)
    assert versions() == [1, 2, 3, 4, 5]
