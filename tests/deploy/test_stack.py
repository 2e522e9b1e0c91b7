"""What compose.yaml starts, as processes: PostgreSQL, MLflow, Prefect, the service, and Prometheus.

Prometheus tells when the service is broken on purpose. Only addresses, ports and folders differ.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML

from registry.ledger import CHAMPION
from seq2seq.bundles.manifest import bundle_digest
from tests.tiny_models import DECODING, RUNTIME
from tests.toy_project import REPOSITORY

NAME = "phrasebook-en-de"
PASSWORD = "secret"
NOBODY = 65534
SENTENCE = {"q": "the king sees a book .", "source": "en", "target": "de"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def find(program):
    """A program on PATH or where Debian keeps PostgreSQL's."""
    places = [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    found = shutil.which(program, path=os.pathsep.join(places))
    if found is None:
        pytest.skip(f"{program} is not here")
    return found


def wait_for(what, seconds=240):
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := what():
                return found
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, f"nothing after {seconds} seconds"
        time.sleep(0.5)


class Stack:
    """The services of compose.yaml as processes."""

    def __init__(self, folder):
        self.folder = folder
        self.compose = YAML(typ="safe").load(REPOSITORY / "compose.yaml")["services"]
        names = ("postgres", "mlflow", "prefect", "service", "prometheus")
        sockets = [socket.socket() for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        self.ports = {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
        for one in sockets:
            one.close()
        self.processes = {}

    def url(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def place(self, text):
        """A text of compose.yaml with this machine's addresses and folders."""
        for pattern, here in {
            r"\$\{POSTGRES_PASSWORD\}": PASSWORD,
            r"\$\{\w+:-([^}]*)\}": r"\1",
            "@postgres/": f"@127.0.0.1:{self.ports['postgres']}/",
            r"\bmlflow:5000": f"127.0.0.1:{self.ports['mlflow']}",
            r"(?:prefect|127\.0\.0\.1):4200": f"127.0.0.1:{self.ports['prefect']}",
            "--port=5000": f"--port={self.ports['mlflow']}",
            "--port=4200": f"--port={self.ports['prefect']}",
            r"0\.0\.0\.0": "127.0.0.1",
            "=/artifacts": f"={self.folder}/artifacts",
            "=/prometheus": f"={self.folder}/metrics",
            "/etc/prometheus/seq2seq": f"{self.folder}/rules",
        }.items():
            text = re.sub(pattern, here, text)
        return text

    def command(self, name):
        return [self.place(part) for part in self.compose[name]["command"]]

    def environment(self, name):
        given = {key: self.place(value) for key, value in self.compose[name].get("environment", {}).items()}
        return os.environ | {"PYTHONPATH": str(REPOSITORY), "PREFECT_HOME": str(self.folder / "prefect")} | given

    def start(self, name, command, **options):
        with (self.folder / f"{name}.log").open("a") as log:
            self.processes[name] = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, **({"env": self.environment(name)} | options)
            )

    def serve(self):
        command = [sys.executable, "-m", "serving", *self.command("service")]
        self.start("service", [*command, f"--port={self.ports['service']}", "--poll-seconds=1"], cwd=self.folder)
        wait_for(lambda: httpx.get(self.url("service") + "/ready").is_success)

    def stop(self, name, number=signal.SIGTERM):
        process = self.processes.pop(name)
        os.killpg(process.pid, number)
        process.wait(60)

    def firing(self):
        """The alerts that Prometheus tells of."""
        found = httpx.get(self.url("prometheus") + "/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}

    def value(self, query):
        found = httpx.get(self.url("prometheus") + "/api/v1/query", params={"query": query}).json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("stack"))
    shutil.copy(REPOSITORY / "params.yaml", stack.folder)
    yield stack
    for name in reversed(list(stack.processes)):
        stack.stop(name, signal.SIGINT if name == "postgres" else signal.SIGTERM)


@pytest.fixture(scope="module")
def postgres(stack):
    """A database server of its own; it refuses to run as root."""
    psycopg2 = pytest.importorskip("psycopg2")
    as_user = {"user": NOBODY, "group": NOBODY, "cwd": "/"} if os.getuid() == 0 else {}
    folder = Path(f"/tmp/seq2seq-postgres-{os.getpid()}")  # pytest's folders are closed to others
    folder.mkdir(mode=0o700)
    if as_user:
        shutil.chown(folder, NOBODY, NOBODY)
    try:
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        options = ["--username=seq2seq", "--auth=scram-sha-256", f"--pwfile={folder}/password", "--no-sync"]
        made = [find("initdb"), *options, f"--pgdata={folder}/data"]
        subprocess.run(made, check=True, capture_output=True, **as_user)
        port = str(stack.ports["postgres"])
        place = ["-D", f"{folder}/data", "-p", port, "-k", str(folder), "-c", "listen_addresses=127.0.0.1"]
        stack.start("postgres", [find("postgres"), *place], **as_user)

        def connect():
            try:
                return psycopg2.connect(
                    host="127.0.0.1", port=port, user="seq2seq", password=PASSWORD, dbname="postgres"
                )
            except psycopg2.OperationalError:
                return None

        connection = wait_for(connect, 60)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE mlflow")  # POSTGRES_DB
            cursor.execute((REPOSITORY / "deploy" / "postgres" / "databases.sql").read_text())
        connection.close()
        yield
        stack.stop("postgres", signal.SIGINT)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def registry(stack, postgres, trained):
    """MLflow's client; two versions, of which the second is not what it says."""
    stack.start("mlflow", [*stack.command("mlflow"), "--workers=1"], cwd=stack.folder)
    wait_for(lambda: httpx.get(stack.url("mlflow") + "/health").is_success)
    client = MlflowClient(stack.url("mlflow"), stack.url("mlflow"))
    client.create_registered_model(NAME)
    run = client.create_run(client.create_experiment(NAME)).info
    client.log_artifacts(run.run_id, str(trained[1]), "model/artifacts/int8")
    facts = {"decoding": DECODING.model_dump_json(), "runtime": RUNTIME.model_dump_json()}
    for digest in (bundle_digest(trained[1]), "0" * 64):
        client.create_model_version(
            NAME, f"{run.artifact_uri}/model", run.run_id, tags=facts | {"bundle_sha256": digest}
        )
    client.set_registered_model_alias(NAME, CHAMPION, "1")
    yield client
    stack.stop("mlflow")


def test_prefect_runs_on_postgresql_and_takes_the_deployments(stack, postgres):
    stack.start("prefect", stack.command("prefect"), cwd=stack.folder)
    wait_for(lambda: httpx.get(stack.url("prefect") + "/api/health").is_success)
    subprocess.run(
        stack.command("deployments"),
        cwd=REPOSITORY,
        env=stack.environment("deployments"),
        check=True,
        capture_output=True,
        timeout=240,
    )
    found = httpx.post(stack.url("prefect") + "/api/deployments/filter", json={}).json()
    assert {one["name"] for one in found} >= {"manual", "nightly"}
    stack.stop("prefect")


def test_prometheus_tells_when_the_service_is_broken(stack, registry):
    stack.serve()
    shutil.copytree(REPOSITORY / "deploy" / "prometheus", stack.folder / "rules")
    config, rules = stack.folder / "rules" / "prometheus.yaml", stack.folder / "rules" / "rules.yaml"
    config.write_text(
        config.read_text().replace("service:8080", f"127.0.0.1:{stack.ports['service']}").replace("15s", "1s")
    )
    rules.write_text(re.sub(r"for: \d+m", "for: 1s", rules.read_text()))
    listen = f"--web.listen-address=127.0.0.1:{stack.ports['prometheus']}"
    stack.start("prometheus", [find("prometheus"), *stack.command("prometheus"), listen])
    service = stack.url("service")

    assert httpx.post(f"{service}/translate", json=SENTENCE, timeout=60).headers["x-model-version"] == "1"
    wait_for(lambda: stack.value(f'seq2seq_texts_total{{model="{NAME}"}}') == 1, 60)
    assert stack.value('up{job="service"}') == 1
    assert stack.firing() == set()

    registry.set_registered_model_alias(NAME, CHAMPION, "2")
    wait_for(lambda: stack.firing() == {"ChampionNotServed"}, 120)
    assert httpx.post(f"{service}/translate", json=SENTENCE, timeout=60).headers["x-model-version"] == "1"
    registry.set_registered_model_alias(NAME, CHAMPION, "1")
    wait_for(lambda: stack.firing() == set(), 120)

    stack.stop("service", signal.SIGKILL)
    wait_for(lambda: stack.firing() == {"ServiceDown"}, 60)
    stack.serve()
    wait_for(lambda: stack.firing() == set(), 60)
    stack.stop("service")
    stack.stop("prometheus")
