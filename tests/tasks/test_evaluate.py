import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.core.files import sha256_tree
from seq2seq.core.params import load_section
from seq2seq.decoding.params import DecodingParams
from seq2seq.evaluation.baselines import nearest_targets, read_training
from seq2seq.evaluation.evaluate import score_sets
from seq2seq.evaluation.held_out import read_gate, read_test_sets
from seq2seq.export.ctranslate2 import export_ctranslate2
from seq2seq.inference.splitter import Splitter
from seq2seq.inference.translator import Translator
from seq2seq.metrics.scores import EvaluationParams
from seq2seq.text.corpus import pairs, write_corpus
from seq2seq.text.perturbations import with_slip
from tasks import evaluate
from tests.tiny_models import LANGUAGES, RUNTIME, SMALL, tiny_corpus, tiny_model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def workspace(tokenizer, tmp_path_factory):
    """A cleaned corpus of two test sets, and a float32 and an int8 bundle."""
    root = tmp_path_factory.mktemp("workspace")
    shutil.copy(ROOT / "params.yaml", root)
    corpus = tiny_corpus()
    for name, frame in {
        "train": corpus[12:],
        "gate": corpus[:3],
        "validation": corpus[5:7],
        "test/second": corpus[3:7],
        "test/first": corpus[7:12],
    }.items():
        write_corpus(root / "data/clean" / name, [frame])
    save_model(root / "models/forward", tiny_model(tokenizer), tokenizer, LANGUAGES, {}, "translation")
    export_ctranslate2(root / "models/forward", root / "models/int8", "int8")
    return root


def run(workspace, monkeypatch, out, bundle="int8", *flags):
    monkeypatch.chdir(workspace)
    paths = ["--bundle", f"models/{bundle}", "--corpus", "data/clean"]
    results = ["--predictions", f"{out}/predictions", "--scores", f"{out}/scores.json"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *paths, *results, *flags])
    evaluate.main()
    return json.loads((workspace / out / "scores.json").read_text())


@pytest.mark.parametrize(
    ("sets", "names"), [("[validation]", ["validation"]), ("[test, validation]", ["first", "second", "validation"])]
)
def test_a_search_need_not_score_the_test_sets(workspace, tmp_path, monkeypatch, sets, names):
    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    params = tmp_path / "params.yaml"
    params.write_text(params.read_text().replace("sets: [test]", f"sets: {sets}"))
    scores = run(tmp_path, monkeypatch, "out")
    assert list(scores["tests"]) == names
    assert sorted(path.stem for path in (tmp_path / "out/predictions").iterdir()) == sorted([*names, "gate"])


@pytest.mark.parametrize("bundle", ["forward", "int8"])
def test_keeps_what_the_model_says_to_each_set_and_scores_it(workspace, monkeypatch, bundle):
    scores = run(workspace, monkeypatch, bundle, bundle)

    assert list(scores) == ["tests", "gate"]
    assert {name: score["sentences"] for name, score in scores["tests"].items()} == {"first": 5, "second": 4}
    assert scores["gate"]["sentences"] == 3
    translator = Translator.load(workspace / "models" / bundle, RUNTIME)
    decoding = load_section(workspace / "params.yaml", "decoding", DecodingParams)
    sets = read_test_sets(workspace / "data/clean") | {"gate": read_gate(workspace / "data/clean")}
    for name, kept in sets.items():
        found = pd.read_parquet(workspace / bundle / "predictions" / f"{name}.parquet")
        assert list(found.columns) == ["source", "references", "origin", "prediction"]
        assert found["source"].tolist() == kept["source"].tolist()
        assert list(map(list, found["references"])) == kept["references"].tolist()
        assert found["prediction"].tolist() == translator.translate(kept["source"].tolist(), decoding)


def test_the_gate_set_is_translated_in_capitals_and_with_slips_where_that_is_asked_for(workspace, monkeypatch):
    run(workspace, monkeypatch, "perturbed", "int8", "--perturbed")
    gate = pd.read_parquet(workspace / "perturbed" / "predictions" / "gate.parquet")
    translator = Translator.load(workspace / "models" / "int8", RUNTIME)
    decoding = load_section(workspace / "params.yaml", "decoding", DecodingParams)
    assert gate["capitals"].tolist() == translator.translate(gate["source"].str.upper().tolist(), decoding)
    assert gate["slips"].tolist() == translator.translate(gate["source"].map(with_slip).tolist(), decoding)


def test_the_targets_of_one_source_are_references_of_one_output(workspace, tmp_path, monkeypatch):
    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    frame = tiny_corpus()[7:12]
    twice = frame.assign(target="noch eine Möglichkeit")
    plain = run(tmp_path, monkeypatch, "plain", "int8", "--training", "data/clean/train")
    write_corpus(tmp_path / "data/clean/test/first", [frame, twice])
    scores = run(tmp_path, monkeypatch, "out", "int8", "--training", "data/clean/train")
    before, after = (found["tests"]["first"] for found in (plain, scores))
    assert (before["sentences"], before["references"]) == (5, 5)
    assert (after["sentences"], after["references"]) == (5, 10)
    assert "nrefs:2" in after["signature"]
    assert scores["baselines"]["tests"]["first"]["copy_source"]["references"] == 10
    assert scores["tests"]["second"] == plain["tests"]["second"]
    first, second = (pd.read_parquet(tmp_path / out / "predictions/first.parquet") for out in ("plain", "out"))
    assert second["prediction"].tolist() == first["prediction"].tolist()
    expected = [[target, "noch eine Möglichkeit"] for target in frame["target"]]
    assert list(map(list, second["references"])) == expected

    outputs = pd.Series(["noch eine Möglichkeit"] * 5)
    perfect = score_sets(
        {"first": second.assign(prediction=outputs, truncated=False)},
        "de",
        load_section(tmp_path / "params.yaml", "evaluation", EvaluationParams),
    )
    assert (perfect["first"]["chrf"], perfect["first"]["exact_match"]) == (100, 100)


SCORER = r"""
import sys
for line in sys.stdin:
    source, output, reference = line.rstrip("\n").split("\t")
    print(abs(len(output) - len(reference)))
"""


def set_scorer(folder, command, higher_is_better=False):
    params = folder / "params.yaml"
    scorer = {"name": "length", "command": command, "higher_is_better": higher_is_better}
    params.write_text(params.read_text().replace("scorers: []", f"scorers: [{json.dumps(scorer)}]"))


def test_a_program_scores_every_set_and_its_numbers_are_kept(workspace, tmp_path, monkeypatch, capsys):
    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    (tmp_path / "scorer.py").write_text(SCORER)
    set_scorer(tmp_path, f"{sys.executable} scorer.py")
    scores = run(tmp_path, monkeypatch, "out")
    for name, found in (scores["tests"] | {"gate": scores["gate"]}).items():
        frame = pd.read_parquet(tmp_path / "out/predictions" / f"{name}.parquet")
        references = [texts[0] for texts in frame["references"]]
        lengths = zip(frame["prediction"], references, strict=True)
        assert frame["length"].tolist() == [abs(len(output) - len(text)) for output, text in lengths]
        assert found["length"] == round(frame["length"].mean(), 2)
        assert found["length_low"] <= found["length"] <= found["length_high"]
    said = capsys.readouterr().out
    assert f"length {scores['tests']['first']['length']:.1f} (" in said


def test_a_missing_scorer_is_told_before_anything_is_translated(workspace, tmp_path, monkeypatch):
    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    set_scorer(tmp_path, "no-such-program --fast")
    shutil.rmtree(tmp_path / "models")
    with pytest.raises(UserError, match=r"length \(no-such-program --fast\): there is no program 'no-such-program'"):
        run(tmp_path, monkeypatch, "out")


def test_sources_without_text_and_sources_that_are_cut_are_counted_and_do_no_harm(
    workspace, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(Splitter, "splits", False)  # as where source and target are one language
    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    corpus = tiny_corpus()
    odd = pairs(["\u200b", "the cat sees " * 60, ""], ["die Katze", "die Katze sieht", ""], "odd")
    write_corpus(tmp_path / "data/clean/test/first", [corpus[7:12], odd])
    for bundle in ("forward", "int8"):
        scores = run(tmp_path, monkeypatch, bundle, bundle, "--training", "data/clean/train")
        assert {name: score["truncated"] for name, score in scores["tests"].items()} == {"first": 1, "second": 0}
        assert scores["gate"]["truncated"] == 0
        found = pd.read_parquet(tmp_path / bundle / "predictions/first.parquet")["prediction"].tolist()
        assert [bool(one) for one in found] == [True] * 5 + [False, True, False]
        told = [line for line in capsys.readouterr().out.splitlines() if "pieces" in line]
        assert len(told) == 1
        assert told[0].startswith(f"first: 1 of 8 sources are longer than the {SMALL.max_length} pieces")


def test_training_pairs_bring_baselines_and_change_nothing_else(workspace, monkeypatch):
    plain = run(workspace, monkeypatch, "plain")
    beside = run(workspace, monkeypatch, "beside", "int8", "--training", "data/clean/train")

    baselines = beside.pop("baselines")
    assert beside == plain
    assert set(baselines["tests"]) == {"first", "second"}
    gate = pd.read_parquet(workspace / "beside" / "predictions" / "gate.parquet")
    training = read_training(workspace / "data/clean/train")
    assert gate["nearest_sentence"].tolist() == nearest_targets(training, gate["source"].tolist())
    for found in baselines["tests"].values():
        assert found["copy_source"]["sentences"] == found["nearest_sentence"]["sentences"]
        assert found["nearest_sentence"]["bleu"] > found["copy_source"]["bleu"]
        assert found["overlap"]["longest"] >= 2


def test_the_same_bundle_gives_the_same_bytes(workspace, monkeypatch):
    run(workspace, monkeypatch, "once")
    run(workspace, monkeypatch, "again")

    assert sha256_tree(workspace / "once") == sha256_tree(workspace / "again")


def test_without_test_sets_it_says_which_stage_to_run(workspace, tmp_path):
    with pytest.raises(UserError, match="holds no test set; run the stage clean"):
        read_test_sets(tmp_path)


def test_an_empty_gate_set_is_a_users_error(tmp_path):
    write_corpus(tmp_path / "gate", [])

    with pytest.raises(UserError, match="gate has no lines"):
        read_gate(tmp_path)
