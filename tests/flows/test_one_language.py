"""Presets whose source and target are both English, small, through the stages."""

import importlib
import shlex
import shutil
import sys

import pytest

from flows.runs import resolve
from flows.summary import describe
from seq2seq.bundles.manifest import read_manifest
from seq2seq.core.files import read_json
from seq2seq.core.params import dump_yaml, overlay, read_yaml
from seq2seq.release.params import registered_name
from seq2seq.text.corpus import read_corpus
from tests.toy_project import REPOSITORY

STAGES = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
TRAINING = [
    "tokenizer", "train_backward", "back_translate", "train", "evaluate", "candidates", "choose",
    "evaluate_released", "report",
]  # fmt: skip
SMALL = {
    "generated": {"train_pairs": 400, "held_out_pairs": 30},
    "tokenizer": {"vocabulary_size": 800},
    "transformer": {"encoder_layers": 1, "decoder_layers": 1, "width": 32, "heads": 2, "feed_forward": 64},
    "train": {"max_updates": 10, "validate_every": 5, "batch_tokens": 1024},
    "decoding": {"beam_size": 1},
    "evaluation": {"bootstrap_samples": 100},
    "runtime": {"threads": 1},
}
SPEED = {"sentences_per_second": 10.0, "slowest": 9.0, "fastest": 11.0, "size_mb": 4.0, "peak_rss_mb": 300.0}
SPEED |= {"latency_ms": 12.0, "latency_p95_ms": 19.5, "start_seconds": 2.5}


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Lay a preset over the params in a folder of the test's own; return what runs a stage there, in this process."""
    (tmp_path / "data" / "pairs").mkdir(parents=True)
    shutil.copy(REPOSITORY / "data/catalogue.yaml", tmp_path / "data/catalogue.yaml")
    (tmp_path / "code").mkdir()
    for program in ("pretrained", "train", "back_translate"):
        (tmp_path / "code" / f"{program}.txt").write_text("the fingerprint of a stage's code\n")
    monkeypatch.chdir(tmp_path)

    def run(stage):
        tree = read_yaml(tmp_path / "params.yaml")
        command = STAGES[stage]["cmd"].replace("${corpora.pairs}", tree["corpora"]["pairs"])
        module, *flags = shlex.split(command.partition("-m ")[2])
        monkeypatch.setattr(sys, "argv", [module, *flags])
        importlib.import_module(module).main()

    def lay(preset, *stages):
        tree, _ = resolve(REPOSITORY, [preset], [])
        (tmp_path / "params.yaml").write_text(dump_yaml(overlay(tree, SMALL, "the test")))
        for stage in stages:
            run(stage)
        return tmp_path

    return lay


@pytest.mark.parametrize(("preset", "kept_identical"), [("correction", True), ("dialogue", False)])
def test_right_sentences_and_repeated_answers_stay(start, preset, kept_identical):
    folder = start(preset, "download", "clean")
    training = read_corpus(folder / "data/clean/train")
    assert (training["source"] == training["target"]).any() == kept_identical
    filters = read_json(folder / "reports/cleaning.json")[preset]["train"]["filters"]
    assert {name: entry["dropped"] for name, entry in filters.items() if entry["dropped"]} == {}
    assert len(training) == SMALL["generated"]["train_pairs"]


def test_summaries_go_through_all_stages(start, monkeypatch):
    monkeypatch.setattr("seq2seq.candidates.measure.time_bundles", lambda engines, *_: dict.fromkeys(engines, SPEED))
    folder = start("summarization", "download", "clean", *TRAINING)
    assert read_json(folder / "reports/cleaning.json")["summaries"]["train"]["kept"] == 400
    assert {read_manifest(folder / "models" / name).task for name in ("forward", "int8")} == {"summarization"}
    quality = read_json(folder / "reports/quality.json")
    assert all(0 <= quality[model]["summaries_test"]["rougeL"] <= 100 for model in ("float32", "int8"))
    baselines = read_json(folder / "reports/scores/float32.json")["baselines"]["tests"]["summaries_test"]
    assert 0 < baselines["lead_sentence"]["rouge2"] < 30
    assert "Summarization: English" in (folder / "reports/index.html").read_text()
    assert registered_name(folder / "params.yaml") == "summaries-en-en"
    assert "ROUGE-L" in describe(folder, None)
