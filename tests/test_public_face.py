"""``from seq2seq import ...``: what the library shows, and that showing it loads nothing."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import seq2seq

HEAVY = ("torch", "pandas", "pydantic", "ctranslate2", "sentencepiece")


def test_importing_it_loads_nothing_heavy():
    program = f"import sys, seq2seq; print([name for name in {HEAVY!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


@pytest.mark.parametrize("name", seq2seq.__all__)
def test_every_name_is_what_its_home_has(name):
    assert getattr(seq2seq, name) is getattr(importlib.import_module(seq2seq._HOMES[name]), name)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'seq2seq' has no attribute 'Translater'"):
        seq2seq.Translater  # noqa: B018
    assert not hasattr(seq2seq, "torch")


def test_type_checkers_see_the_names_in_the_same_homes():
    tree = ast.parse(Path(seq2seq.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    told = {name.name: node.module for node in block.body for name in node.names}
    assert told == seq2seq._HOMES
    assert sorted(told) == sorted(seq2seq.__all__) == seq2seq.__all__
