"""What makes a version: all that an answer depends on, and nothing else."""

import json
from pathlib import Path

import pandas as pd
import pytest

from registry.store import open_store
from seq2seq.core.files import read_json, write_json
from tests.outputs import NAME, run_register


def test_a_model_scored_on_another_gate_set_stays_one_version_and_that_is_said(project, monkeypatch, capsys):
    first = run_register(monkeypatch)
    assert "notice" not in capsys.readouterr().out
    frame = pd.read_parquet("reports/predictions/int8/gate.parquet")
    frame.head(5).to_parquet("reports/predictions/int8/gate.parquet")
    assert run_register(monkeypatch) == first
    assert "version 1 serves this very model, scored on another gate set" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "old", "new", "versions"),
    [
        ("models/decoding.json", '"beam_size": 5', '"beam_size": 1', 2),
        ("models/decoding.json", '"length_penalty": 1.0', '"length_penalty": 0.5', 2),
        ("models/decoding.json", '"length_penalty": 1.0', '"length_penalty": 1', 1),
        ("params.yaml", "threads: 2", "threads: 1", 2),
        ("params.yaml", "rounds: 3", "rounds: 4", 1),
        ("code/served.txt", "translator.py 1234", "translator.py 5678", 2),
    ],
)
def test_what_is_served_makes_the_version(project, monkeypatch, file, old, new, versions):
    first = run_register(monkeypatch)
    before = Path(file).read_text()
    assert old in before
    Path(file).write_text(before.replace(old, new, 1))
    other = run_register(monkeypatch)
    assert other["version"] == versions
    assert (other["served_sha256"] == first["served_sha256"]) == (other == first) == (versions == 1)
    assert other["bundle_sha256"] == first["bundle_sha256"]
    assert json.loads(Path("reports/release.json").read_text())["served_sha256"] == other["served_sha256"]
    Path(file).write_text(before)
    assert run_register(monkeypatch) == first


def test_a_version_of_a_registry_that_knew_bundles_alone_is_found(project, monkeypatch):
    first = run_register(monkeypatch)
    with open_store() as opened:
        for tag in ("served_sha256", "runtime", "library_sha256"):
            opened.client.delete_model_version_tag(NAME, "1", tag)
        raw = json.dumps(read_json(Path("models/decoding.json")))
        opened.client.set_model_version_tag(NAME, "1", "decoding", raw)
    assert run_register(monkeypatch) == first
    write_json(Path("models/decoding.json"), read_json(Path("models/decoding.json")) | {"beam_size": 1})
    assert run_register(monkeypatch)["version"] == 2
