"""The flow on a toy project: real DVC, a real Prefect server."""

import json
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import torch
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from prefect.settings import get_current_settings
from prefect.testing.utilities import prefect_test_harness

from flows import pipeline as flow
from flows.retries import RETRIES
from flows.summary import describe
from registry.judging import Decision
from seq2seq.core.errors import UserError
from tests.toy_project import REPOSITORY, executed, make_toy_project

# DVC's own use of its dependency pygtrie
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

STAGES = {"first", "left", "right", "last"}
QUICKLY = 10.0  # seconds of computing in which a user's mistake must be told; a busy machine takes longer by the clock
PATIENCE = 60.0  # seconds by the clock, beside whatever other work
ENDS = 240.0  # seconds in which a command has ended, on whatever machine


@pytest.fixture(scope="module", autouse=True)
def server():
    with prefect_test_harness(server_startup_timeout=120):
        yield get_current_settings().api.url


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """One MLflow store for all toys: making one takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db")
        yield


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.chdir(make_toy_project(tmp_path / "toy"))
    return tmp_path / "toy"


def run(presets=(), overrides=()):
    return flow.pipeline(presets, overrides, return_state=True)


@contextmanager
def command(server, *arguments, **variables):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)} | variables
    if server is not None:
        environment["PREFECT_API_URL"] = server
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.pipeline", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:  # of a test that failed
        process.terminate()
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def handled(number, handler):
    """A block whose child processes inherit this: who starts the tests in the background has them ignore SIGINT."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def task_runs(state):
    """The task runs of a flow run by name, as the server tells them once it knows them all."""
    of_run = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        for _ in range(100):
            found = {one.name: one for one in client.read_task_runs(task_run_filter=of_run)}
            ended = [name for name, one in found.items() if one.end_time or one.state_name == "NotReady"]
            if set(ended) >= STAGES:
                return found
            time.sleep(0.1)
    raise AssertionError(f"the server knows {found} only")


def states(state):
    return {name: one.state_name for name, one in task_runs(state).items()}


def alive(pid):
    """Whether a process is at work; one that ended may stay in the table as a zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
    return state.strip()[:1] not in ("", "Z")


def test_changed_stages_run_in_order_and_unchanged_ones_are_cached(toy):
    first = run()
    assert first.is_completed()
    order = executed(toy)
    assert (order[0], order[-1], set(order)) == ("first", "last", STAGES)
    assert states(first) == dict.fromkeys(STAGES, "Completed")

    assert states(run()) == dict.fromkeys(STAGES, "Cached")
    assert executed(toy) == order

    (toy / "out" / "left.txt").unlink()
    assert states(run())["left"] == "Cached"  # restored from DVC's cache
    assert (toy / "out" / "left.txt").exists()
    assert executed(toy) == order

    params = (toy / "params.yaml").read_text()
    (toy / "params.yaml").write_text(params.replace("beam_size: 5", "beam_size: 6"))
    assert states(run()) == dict.fromkeys(STAGES, "Cached") | {"last": "Completed"}
    assert executed(toy) == [*order, "last"]


CODE = """
  code:
    cmd: mkdir code && grep -v '^#' source.py > code/first.txt
    deps: [source.py]
    outs: [code]
"""


@pytest.mark.parametrize("presets", [(), ("wide",)], ids=["default", "preset"])
def test_an_edited_comment_costs_no_stage_but_code_a_process(toy, monkeypatch, presets):
    started = []
    run_stage = flow.run_stage
    monkeypatch.setattr(flow, "run_stage", lambda name, *others: started.append(name) or run_stage(name, *others))
    stages = (toy / "dvc.yaml").read_text().replace("deps: [work.py]", "deps: [work.py, code/first.txt]")
    (toy / "dvc.yaml").write_text(stages.rstrip() + CODE)
    (toy / "source.py").write_text("x = 1\n")
    subprocess.run(["git", "add", "."], check=True)
    assert states(run(presets)) == dict.fromkeys({"code", *STAGES}, "Completed")
    assert sorted(started) == sorted({"code", *STAGES})
    started.clear()
    (toy / "source.py").write_text("# why\nx = 1\n")
    assert states(run(presets)) == dict.fromkeys(STAGES, "Cached") | {"code": "Completed"}
    assert started == ["code"]


def test_a_users_mistake_is_told_at_once_and_stops_only_what_depends_on_it(toy):
    (toy / "left.fails").write_text("UserError 9")
    state = run()
    assert (state.name, state.message) == (flow.BAD_INPUT, "left: left can't")
    runs = task_runs(state)
    assert {name: one.state_name for name, one in runs.items()} == {
        "first": "Completed",
        "left": flow.BAD_INPUT,
        "right": "Completed",
        "last": "NotReady",
    }
    assert runs["left"].run_count == 1
    assert "last" not in executed(toy)


@pytest.mark.parametrize(("failures", "ends"), [(1, "Completed"), (9, flow.UNAVAILABLE)])
def test_a_network_fault_is_tried_again(toy, monkeypatch, caplog, failures, ends):
    monkeypatch.setattr(flow, "run_one", flow.run_one.with_options(retry_delay_seconds=0))
    (toy / "first.fails").write_text(f"TransientError {failures}")
    state = run()
    assert states(state)["first"] == ends
    assert executed(toy).count("first") == 1 + min(failures, RETRIES)
    assert state.name == ends
    assert "Traceback" not in caplog.text
    assert "NoneType" not in caplog.text


def test_a_bug_is_not_tried_again(toy):
    (toy / "first.fails").write_text("RuntimeError 9")
    state = run()
    assert (state.name, executed(toy)) == ("Failed", ["first"])
    assert state.message == "first: RuntimeError: first can't"


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_stage_that_is_killed_is_told_with_the_last_line_of_its_log(toy, monkeypatch, shell):
    if not Path(shell).exists():
        pytest.skip(f"there is no {shell}")
    monkeypatch.setenv("SHELL", shell)  # DVC runs a stage's command in it
    (toy / "first.fails").write_text("9 9")
    state = run()
    assert (state.name, executed(toy)) == ("Failed", ["first"])
    # a shell that only waits for the command, as dash does, says "Killed" itself
    ends = r"work.py first, exited with (-9; .* log: first is at work|137; .* log: .*Killed.*)$"
    assert re.search(ends, state.message)


def test_independent_stages_run_side_by_side(toy):
    (toy / "left.meets").write_text("right")
    (toy / "right.meets").write_text("left")
    assert run().is_completed()


def write_reports(toy):
    (toy / "reports").mkdir()
    (toy / "reports" / "index.html").write_text("<p>")
    score = {
        "bleu": 1.0,
        "bleu_low": 0.5,
        "bleu_high": 1.5,
        "bleu_lc": 2.0,
        "chrf": 3.0,
        "ter": 4.0,
        "exact_match": 5.0,
    }
    (toy / "reports" / "quality.json").write_text(json.dumps({"float32": {"flickr": score}}))


def artifacts_of(state):
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        return {one.key: str(one.data) for one in client.read_artifacts(artifact_filter=of_run)}


def test_logs_and_results_reach_prefect(toy):
    write_reports(toy)
    state = run()
    run_id = state.state_details.flow_run_id
    artifacts = artifacts_of(state)
    said = {f"{name} is at work" for name in STAGES}
    with get_client(sync_client=True) as client:
        for _ in range(100):  # logs are sent in batches
            lines = [log.message for log in client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))]
            if said <= set(lines):
                break
            time.sleep(0.1)
    assert said <= set(lines)
    assert not [line for line in lines if "git add" in line or "dvc push" in line]
    assert (toy / "reports" / "index.html").as_uri() in artifacts["report"]
    assert json.loads(artifacts["scores"])[0]["95 % interval"] == "0.5 to 1.5"
    assert {row["stage"]: row["state"] for row in json.loads(artifacts["stages"])} == dict.fromkeys(STAGES, "Completed")


def test_a_failed_run_shows_no_scores_of_an_earlier_one(toy, monkeypatch):
    write_reports(toy)
    (toy / "left.fails").write_text("UserError 9")
    records = []
    keep = [lambda record: records.append(record) or True]
    monkeypatch.setattr(logging.getLogger("prefect.task_runs"), "filters", keep)
    artifacts = artifacts_of(run())
    said = [(record.levelname, record.getMessage()) for record in records]
    assert ["BadInput" in message for level, message in said if level == "ERROR"] == [True]
    assert ("INFO", "not run, as a stage before it failed") in said
    assert artifacts.keys() == {"stages"}
    assert {row["stage"]: row["state"] for row in json.loads(artifacts["stages"])}["left"] == flow.BAD_INPUT


def test_the_summary_says_what_became_of_the_version_and_what_to_type(toy):
    write_reports(toy)
    (toy / "reports" / "registration.json").write_text(json.dumps({"name": "toy", "version": 1}))
    text = describe(toy, Decision(1, "", "decided before: it was better"))
    assert "toy version 1 is neither champion nor challenger now: decided before: it was better" in text
    assert re.search(r"-m flows\.inspect FILE --name NAME +# your own pairs", text)
    assert "toy version 2 is champion: so it is" in describe(toy, Decision(2, "champion", "so it is"))


def test_the_summary_has_rouge_where_it_was_scored(toy):
    write_reports(toy)
    assert describe(toy, None).splitlines()[0].split()[-3:] == ["TER", "exact", "match"]
    quality = json.loads((toy / "reports" / "quality.json").read_text())
    quality["float32"]["flickr"] |= {"rouge1": 50.04, "rouge2": 40.0, "rougeL": 45.0, "signature": "ROUGE"}
    (toy / "reports" / "quality.json").write_text(json.dumps(quality))
    header, row = describe(toy, None).splitlines()[:2]
    assert header.split()[-5:] == ["exact", "match", "ROUGE-1", "ROUGE-2", "ROUGE-L"]
    assert row.split()[-5:] == ["4.0", "5.0", "50.0", "40.0", "45.0"]


REGISTER = """
import json, pathlib
reports = pathlib.Path("reports")
reports.mkdir(exist_ok=True)
(reports / "registration.json").write_text(json.dumps({"name": "toy", "version": 7}))
with open("executed.log", "a") as log:
    log.write("recorded\\n")
"""


def test_every_run_ends_with_registration_and_release(toy, monkeypatch):
    (toy / "tasks").mkdir()
    (toy / "tasks" / "register.py").write_text(REGISTER)
    with (toy / "dvc.yaml").open("a") as stages:
        stages.write("  register:\n    cmd: python work.py register last\n    deps: [out/last.txt]\n")
        stages.write("    outs: [out/register.txt]\n")
    released = []

    def release(name, version, params, _scorers):
        released.append((name, version, params.margin))
        return Decision(version, "champion", "so it is"), [{"version": "7"}]

    monkeypatch.setattr(flow, "release", release)
    for times in (1, 2):
        assert run().is_completed()
        assert executed(toy).count("recorded") == times
        assert released == [("toy", 7, 0.9)] * times
    assert executed(toy).count("register") == 1

    (toy / "reports" / "release.json").write_text(json.dumps({"sets": {}}))
    asked = []
    monkeypatch.setattr(flow, "is_registered", lambda _store, *files: asked.append(files) or True)
    assert run().is_completed()
    assert executed(toy).count("recorded") == 2  # today's store has it
    assert asked == [({"sets": {}}, {"name": "toy", "version": 7})]
    assert released == [("toy", 7, 0.9)] * 3

    (toy / "first.fails").write_text("UserError 9")
    (toy / "out" / "first.txt").unlink()
    (toy / "work.py").write_text((toy / "work.py").read_text() + "\n")
    assert run().name == flow.BAD_INPUT
    assert executed(toy).count("recorded") == 2  # a run that failed registers nothing


def snapshot(toy):
    kept = [toy / "params.yaml", toy / "dvc.lock", *(toy / "out").iterdir()]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept}


def test_a_preset_leaves_the_checkout_alone_and_going_back_executes_nothing(toy):
    run()
    before = snapshot(toy)
    ran = executed(toy)
    copies = toy / "runs"
    assert run(["slow"]).is_completed()
    assert "!" in (copies / "slow" / "out" / "first.txt").read_text()
    assert set(executed(copies / "slow")) == STAGES
    assert run(["wide"]).is_completed()
    assert executed(copies / "wide") == ["last"]  # the rest comes from the shared cache

    assert states(run()) == dict.fromkeys(STAGES, "Cached")
    assert states(run(["slow"])) == dict.fromkeys(STAGES, "Cached")
    assert (executed(toy), snapshot(toy)) == (ran, before)
    assert len(executed(copies / "slow")) == len(STAGES)


@pytest.mark.slow
def test_two_presets_run_at_once(toy, server):
    (toy / "first.meets").write_text("../slow/first ../wide/first")
    subprocess.run(["git", "add", "first.meets"], cwd=toy, check=True)
    with command(server, "--preset", "slow") as slow, command(server, "--preset", "wide") as wide:
        outputs = [process.communicate(timeout=ENDS)[0] for process in (slow, wide)]
    assert [slow.returncode, wide.returncode] == [0, 0], outputs
    assert [set(executed(toy / "runs" / name)) for name in ("slow", "wide")] == [STAGES, STAGES]


@pytest.mark.parametrize(
    ("ignored", "number"), [(False, signal.SIGINT), pytest.param(True, signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_an_interrupted_flow_ends_its_stages(toy, server, ignored, number):
    (toy / "first.waits").write_text("600")
    handler = signal.SIG_IGN if ignored else signal.default_int_handler
    with handled(signal.SIGINT, handler), command(server) as process:
        started = toy / "first.started"
        while not (started.exists() and started.read_text()):
            time.sleep(0.1)
            assert process.poll() is None
        if ignored:  # as a shell has it for what it starts in the background: Ctrl-C is for others
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
        process.send_signal(number)
        output = process.communicate(timeout=ENDS)[0]
    assert process.returncode not in (0, 1), output
    assert not alive(started.read_text())


MISTAKES = [
    (["--preset", "slwo"], "there is no preset 'slwo' in presets/; did you mean 'slow'?"),
    (["--set", "train.lrr=1"], "--set train.lrr=1: train: unknown key 'lrr'; did you mean 'lr'?"),
    (["--set", "train.lr=7"], "params.yaml with --set train.lr=7: 'train.lr' is 7: input should be less than"),
    (["--set", "corpora.names=[gettxt]"], "corpora.names: unknown corpus 'gettxt'; did you mean 'gettext'?"),
    (["--set", "languages.target=fr"], "corpus 'phrasebook' has no text in 'fr'; it has de, en, zh"),
    (["--set", "corpora.pairs=mine.tsv"], "corpora.pairs: mine.tsv does not exist; name a file of pairs"),
    (["--set", "train.start=nowhere"], "train.start: nowhere is no bundle, as it has no bundle.json; set it to"),
    (["--set", "train.lr"], "--set train.lr: write it as SECTION.KEY=VALUE"),
    (["--set", "model.architecture=pretrained"], "params.yaml: pretrained.model is empty; set pretrained.model to"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_wrong_command_line_is_told_before_anything_starts(toy, monkeypatch, arguments, message):
    monkeypatch.setattr(sys, "argv", ["pipeline", *arguments])
    with pytest.raises(UserError, match=re.escape(message)):
        flow.main()
    assert executed(toy) == []


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://127.0.0.1:9", r"no MLflow store answers at http://127\.0\.0\.1:9: start its server"),
        ("ftp://there", "MLFLOW_TRACKING_URI is ftp://there; set it to http://HOST:PORT"),
    ],
)
def test_an_mlflow_store_that_will_not_answer_is_told_before_anything_starts(toy, monkeypatch, uri, message):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(sys, "argv", ["pipeline"])
    started = time.monotonic()
    with pytest.raises(UserError, match=message):
        flow.main()
    assert time.monotonic() - started < PATIENCE
    assert executed(toy) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_cuda_device_that_is_not_there_is_told_before_anything_starts(toy, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pipeline", "--set", "runtime.device=cuda"])
    with pytest.raises(UserError, match="PyTorch sees no CUDA device"):
        flow.main()
    assert executed(toy) == []


def test_an_error_is_one_line_with_status_2_and_quick(toy, server):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with command(server, "--set", "train.lrr=1") as process:
        output = process.communicate(timeout=ENDS)[0]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (process.returncode, output) == (2, f"error: {MISTAKES[1][1]}\n")
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < QUICKLY


def test_without_a_prefect_server_a_run_brings_its_own(toy, tmp_path):
    (toy / "first.fails").write_text("UserError 9")
    with command(None, PREFECT_HOME=str(tmp_path / "prefect")) as process:
        output = process.communicate(timeout=ENDS)[0]
    assert process.returncode == 2
    assert "Task run 'first' - first is at work" in output
    assert output.splitlines()[-1] == "error: first: first can't"  # told again at the end
    assert "Traceback" not in output
    assert "telemetry" not in output
    (url,) = re.findall(r"View at (http://[^/]+)/", output)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.slow
def test_a_killed_run_takes_the_server_that_it_brought_with_it(toy, tmp_path):
    (toy / "first.waits").write_text("60")
    with command(None, PREFECT_HOME=str(tmp_path / "prefect")) as process:
        url = next(found[1] for line in process.stdout if (found := re.search(r"View at (http://[^/]+)/", line)))
        assert httpx.get(f"{url}/api/health").is_success
        process.kill()
    deadline = time.monotonic() + 60
    with pytest.raises(httpx.TransportError):
        while time.monotonic() < deadline:
            httpx.get(f"{url}/api/health")
            time.sleep(0.1)


def test_params_are_checked_whole_in_a_deployment_too(toy):
    (toy / "params.yaml").write_text((toy / "params.yaml").read_text() + "\nmodle: {}\n")
    state = run()
    assert (state.name, executed(toy)) == (flow.BAD_INPUT, [])
    assert "unknown section 'modle'; did you mean 'model'?" in state.message


def test_an_mlflow_store_that_will_not_answer_is_told_in_a_deployment_too(toy, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    state = run()
    assert (state.name, executed(toy)) == (flow.BAD_INPUT, [])
    assert "no MLflow store answers at http://127.0.0.1:9" in state.message


@pytest.mark.parametrize("how", ["by a preset", "in the params"])
def test_pairs_that_do_not_exist_are_told_in_a_deployment_too(toy, how):
    overrides = ["corpora.pairs=mine.tsv"] if how == "by a preset" else []
    params = (toy / "params.yaml").read_text()
    if not overrides:
        (toy / "params.yaml").write_text(params.replace("pairs: data/pairs", "pairs: mine.tsv"))
    state = run(overrides=overrides)
    assert (state.name, executed(toy)) == (flow.BAD_INPUT, [])
    assert "corpora.pairs: mine.tsv does not exist" in state.message


def test_a_folder_without_the_project_is_a_users_mistake(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run().name == flow.BAD_INPUT
    assert list(Path().iterdir()) == []
