"""The deployments of prefect.yaml, with a real Prefect server and worker."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.toy_project import REPOSITORY, executed, make_toy_project

ONE_DAY = 24 * 60 * 60


@contextmanager
def process(log, *arguments, **options):
    with log.open("w") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "prefect", *arguments], stdout=output, stderr=subprocess.STDOUT, **options
        )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(120)  # a worker that is busy ends late


def until(condition, seconds, logs):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail("\n".join(path.read_text() for path in logs))
        time.sleep(0.3)
    return found


def answers(url):
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.HTTPError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_schedule_fires_once_and_its_run_finishes(tmp_path):
    toy = make_toy_project(tmp_path / "toy")
    for room in ("flows", "tasks", "registry", "seq2seq"):
        shutil.copytree(REPOSITORY / room, toy / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "prefect.yaml", toy)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}/api"
    environment = os.environ | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    logs = [tmp_path / "server.log", tmp_path / "worker.log"]

    def prefect(*arguments):
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(command, cwd=toy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def finished():
        return [one for one in client.read_flow_runs() if one.end_time]

    with process(logs[0], "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui", env=environment):
        until(lambda: answers(url), 240, logs)
        prefect("work-pool", "create", "seq2seq", "--type", "process")
        begun = time.monotonic()
        prefect("deploy", "--all")
        lead = 10 + 3 * (time.monotonic() - begun)  # seconds: the next command must be done before then
        soon = (datetime.now(UTC) + timedelta(seconds=lead)).isoformat()
        prefect("deploy", "--name", "nightly", "--interval", str(ONE_DAY), "--anchor-date", soon)
        worker = ("worker", "start", "--pool", "seq2seq", "--type", "process")
        with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
            deployed = {one.name: one for one in client.read_deployments()}
            assert deployed.keys() == {"manual", "nightly"}
            assert not deployed["manual"].schedules
            with process(logs[1], *worker, cwd=tmp_path, env=environment):
                (run,) = until(finished, lead + 240, logs)
    assert (run.state_name, run.deployment_id) == ("Completed", deployed["nightly"].id)
    assert set(executed(toy)) == {"first", "left", "right", "last"}
