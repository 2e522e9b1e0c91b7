"""The Dockerfile's images hold what they need. No engine runs here: hadolint reads the file (make lint), and the
service runs with nothing but the distributions that its image has."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.toy_project import REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
GROUP = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]["serving"]
# what the image lacks is as if it weren't installed
WITHOUT = """
import sys, runpy
from importlib.abc import MetaPathFinder
class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
"""


def installed_with(names):
    """The distributions that pip installs for some, with all that they require."""
    found = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        extras = requirement.extras or {""}
        if (canonicalize_name(requirement.name), frozenset(extras)) in found:
            continue
        found.add((canonicalize_name(requirement.name), frozenset(extras)))
        for line in metadata.requires(requirement.name) or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return {name for name, _ in found}


@pytest.fixture(scope="module")
def without():
    """Code that hides each module of no distribution of the group serving."""
    present = installed_with(GROUP)
    absent = {
        module
        for module, distributions in metadata.packages_distributions().items()
        if present.isdisjoint(map(canonicalize_name, distributions))
    }
    assert {"torch", "pandas", "pyarrow", "dvc", "prefect"} <= absent
    return WITHOUT.format(absent=absent)


def test_the_service_answers_with_the_packages_of_its_image(without, trained):
    arguments = ["serving", "--bundle", str(trained[1]), "--port", "0"]
    code = f"{without}\nsys.argv = {arguments}\nrunpy.run_module('serving', run_name='__main__')"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, process.communicate()[1]
        form = {"q": "<p>the <b>king</b> sees a book .</p>", "source": "auto", "target": "de", "format": "html"}
        answers = [
            httpx.post(f"{found[0]}/translate", data=form),
            httpx.post(
                f"{found[0]}/translate", json={"q": "the king", "source": "en", "target": "de", "details": True}
            ),
            httpx.post(f"{found[0]}/detect", json={"q": "the king sees a book"}),
            httpx.post(f"{found[0]}/invocations", content="source\nthe king\n", headers={"Content-Type": "text/csv"}),
        ]
        process.terminate()
    assert [answer.status_code for answer in answers] == [200] * 4


def test_the_registrys_client_has_its_packages(without):
    needed = "mlflow, mlflow.artifacts, registry.champion, registry.store, sqlalchemy.exc"
    code = f"{without}\nimport {needed}\nmlflow.MlflowClient"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_lock_pins_the_packages_of_the_service():
    lock = (REPOSITORY / "requirements.lock").read_text()
    pinned = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)", lock, re.MULTILINE)}
    assert installed_with(GROUP) <= pinned


def test_each_image_runs_as_nobody_special_and_the_service_says_how_it_is():
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.M | re.S))
    assert {"pipeline", "service"} <= stages.keys()
    for name in ("pipeline", "service"):
        assert re.findall(r"^USER (.+)$", stages[name], re.MULTILINE)[-1] == "1000"
    assert re.search(r"HEALTHCHECK .*\n? .*/live", stages["service"])
