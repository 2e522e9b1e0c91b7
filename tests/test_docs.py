"""What the docs tell people to type, click and import is there."""

import ast
import importlib.util
import re
import shlex

import pytest

import seq2seq
from flows.runs import resolve
from seq2seq.core.params import Section
from seq2seq.settings import Parameters, check_parameters
from tests.toy_project import REPOSITORY

PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md"), REPOSITORY / "data/pairs/README.md"]
TEXTS = {str(page.relative_to(REPOSITORY)): page.read_text(encoding="utf-8") for page in PAGES}
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FLAGS = ("--preset", "--set")
PLACEHOLDER = re.compile("NAME|FILE|SECTION")
ROOMS = "|".join(["benchmarks", "data", "docs", "flows", "presets", "registry", "seq2seq", "tasks", "tests"])

pages = pytest.mark.parametrize("page", TEXTS)


def commands(text):
    """The lines to type, without what stands around them in a table or a sentence."""
    lines = [line for language, block in BLOCK.findall(text) if language != "python" for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    return [line.strip() for line in "\n".join(lines).replace("\\\n", " ").splitlines()]


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", TEXTS[page])):
        if target.startswith(("http:", "https:")):
            continue
        path, _, anchor = target.partition("#")
        file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target


@pages
def test_files_that_are_named_exist(page):
    for name in re.findall(rf"`((?:{ROOMS})/[\w./-]+\.\w+)`", TEXTS[page]):
        if not PLACEHOLDER.search(name):
            assert (REPOSITORY / name).exists(), name


@pages
def test_modules_and_targets_to_run_exist(page):
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in commands(TEXTS[page]):
        for module in re.findall(r"python -m ([\w.]+)", command):
            assert importlib.util.find_spec(module), command
        for target in re.findall(r"^make ([a-z-]+)", command):
            assert target in targets, command


@pages
def test_runs_that_are_shown_have_valid_parameters(page):
    for command in commands(TEXTS[page]):
        words = shlex.split(command, comments=True) if "-m flows.pipeline" in command else []
        presets, overrides = ([words[n + 1] for n, word in enumerate(words) if word == flag] for flag in FLAGS)
        if not any(map(PLACEHOLDER.match, [*presets, *overrides])):
            check_parameters(*resolve(REPOSITORY, presets, overrides))


def test_presets_in_tables_exist():
    known = {path.stem for path in (REPOSITORY / "presets").glob("*.yaml")}
    shapes = re.search(r"^\| preset \|.*?\n\n", TEXTS["docs/training.md"], re.DOTALL | re.MULTILINE)
    assert shapes
    named = {
        name for row in shapes[0].strip().splitlines()[2:] for name in re.findall(r"`([\w-]+)`", row.split("|")[1])
    }
    assert named
    assert named <= known


def test_python_runs_as_typed(bundle, float_engine, tmp_path, monkeypatch, capsys):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "forward").symlink_to(bundle)
    (tmp_path / "models" / "int8").symlink_to(float_engine)
    (tmp_path / "params.yaml").symlink_to(REPOSITORY / "params.yaml")
    monkeypatch.chdir(tmp_path)
    blocks = [block for language, block in BLOCK.findall(TEXTS["README.md"]) if language == "python"]
    assert blocks
    exec("\n".join(blocks), {})  # one after another, as a reader would
    assert capsys.readouterr().out


def test_python_takes_the_public_names():
    for page, text in TEXTS.items():
        for language, block in BLOCK.findall(text):
            for node in ast.walk(ast.parse(block if language == "python" else "")):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seq2seq"):
                    assert node.module == "seq2seq", page
                    assert {alias.name for alias in node.names} <= set(seq2seq.__all__), page


def knobs(section, path=""):
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from knobs(field.annotation, f"{path}{name}.")
        else:
            yield f"{path}{name}", field.description or ""


def test_each_knob_says_in_a_sentence_what_it_does():
    assert [name for name, text in knobs(Parameters) if not re.fullmatch(r"[A-Z].* .*\.", text)] == []
