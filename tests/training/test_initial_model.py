"""The stages with a model to train further, as dvc.yaml calls them: one of Hugging Face, or a bundle of ours."""

import importlib
import re
import shlex
import sys

import pandas as pd
import pytest

from flows.runs import resolve
from seq2seq.bundles.manifest import bundle_digest, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json
from seq2seq.core.params import dump_yaml, read_yaml
from seq2seq.core.runtime import RuntimeParams
from seq2seq.inference.translator import Translator
from seq2seq.text.corpus import write_corpus
from tests.pretrained_models import KINDS
from tests.tiny_models import DECODING, tiny_corpus
from tests.toy_project import REPOSITORY

STAGES = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
SMALL = [
    "train.batch_tokens=512",
    "train.validate_every=10",
    "decoding.max_length_factor=0.5",
    "evaluation.bootstrap_samples=100",
    "runtime.threads=1",
    "choice.candidate=int8",
]
CORPORA = {
    "train": tiny_corpus(),
    "validation": tiny_corpus()[:8],
    "gate": tiny_corpus()[8:16],
    "test/tiny": tiny_corpus()[16:24],
    "mono": tiny_corpus()[:0],
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, frame in CORPORA.items():
        write_corpus(tmp_path / "data" / "clean" / name, [frame])
    write_corpus(tmp_path / "data" / "synthetic", [])
    (tmp_path / "code").mkdir()
    for program in ("pretrained", "train", "back_translate"):
        (tmp_path / "code" / f"{program}.txt").write_text("the fingerprint of a stage's code\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("seq2seq.candidates.measure.time_bundles", lambda engines, *_: {key: {} for key in engines})
    return tmp_path


def run(monkeypatch, *stages):
    for name in stages:
        module, *arguments = shlex.split(STAGES[name]["cmd"].partition(" -m ")[2])
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        importlib.import_module(module).main()


@pytest.mark.parametrize(
    ("kind", "presets", "changes"),
    [
        ("t5", ["t5"], ["train.max_updates=60", "train.lr=1e-2"]),
        ("t5", ["t5", "lora"], ["train.max_updates=20"]),
        ("bert2bert", ["bert2bert"], ["train.max_updates=20"]),
        ("bert2bert", ["bert2bert", "lora"], ["train.max_updates=20"]),
    ],
    ids=["t5", "lora", "bert2bert", "bert2bert-lora"],
)
def test_the_stages_train_a_model_from_a_folder_further(project, monkeypatch, kind, presets, changes):
    model = KINDS[kind](project / "model")
    length = "pretrained.max_length=100"  # positions of the tiny BERT
    tree, _ = resolve(REPOSITORY, presets, [*SMALL, *changes, length, f"pretrained.model={model}"])
    (project / "params.yaml").write_text(dump_yaml(tree))
    run(
        monkeypatch,
        "pretrained",
        "tokenizer",
        "train_backward",
        "train",
        "evaluate",
        "candidates",
        "choose",
        "evaluate_released",
    )
    assert [path.name for path in (project / "models/backward").iterdir()] == ["nothing.txt"]
    first, last = (read_manifest(project / "models" / name) for name in ("pretrained", "forward"))
    assert (last.architecture, read_manifest(project / "models/int8").quantization) == ("pretrained", "int8")
    assert last.model == first.model | {"dropout": 0.1, "max_length": 100}
    assert "lora" not in str(last)
    curve = pd.read_csv(project / "reports/curves/forward.csv")
    assert curve["validation_loss"].iloc[-1] < curve["validation_loss"].iloc[0]
    for scores in ("float32", "int8"):
        assert "bleu" in read_json(project / f"reports/scores/{scores}.json")["tests"]["tiny"]
    translator = Translator.load(project / "models/forward", RuntimeParams(device="cpu", precision="auto", threads=1))
    assert translator.tokenizer.facts.prefix == tree["pretrained"]["prefix"]
    assert any(translator.translate(list(tiny_corpus()["source"][:8]), DECODING))


def test_back_translation_begins_with_the_same_weights(project, monkeypatch):
    write_corpus(project / "data" / "clean" / "mono", [tiny_corpus()[:8]])
    changes = [f"train{one}.max_updates=20" for one in ("", "_backward")] + ["train_backward.batch_tokens=512"]
    changes += ["back_translation.enabled=true", f"pretrained.model={KINDS['marian'](project / 'model')}"]
    tree, _ = resolve(REPOSITORY, ["t5"], [*SMALL, *changes, 'pretrained.prefix=""', "pretrained.max_length=100"])
    (project / "params.yaml").write_text(dump_yaml(tree))
    run(monkeypatch, "pretrained", "tokenizer", "train_backward", "back_translate", "train")
    forward, backward = (read_manifest(project / "models" / name) for name in ("forward", "backward"))
    assert (backward.languages.source, backward.languages.target) == ("de", "en")
    assert backward.model == forward.model


def test_a_training_goes_on_from_a_bundle_with_its_tokenizer_and_shape(project, monkeypatch, trained, capsys):
    bundle, fast = trained
    digest = bundle_digest(bundle)

    def begin(start, *changes):
        tree, _ = resolve(REPOSITORY, [], [*SMALL, "train.max_updates=10", f"train.start={start}", *changes])
        (project / "params.yaml").write_text(dump_yaml(tree))
        run(monkeypatch, "pretrained", "tokenizer", "train")
        return pd.read_csv(project / "reports/curves/forward.csv")["validation_loss"].iloc[0]

    continued = begin(f"{bundle}#sha256={digest}")
    assert bundle_digest(project / "models/pretrained") == digest
    pieces = [folder / "joint.model" for folder in (project / "models/tokenizer", bundle / "tokenizer")]
    assert pieces[0].read_bytes() == pieces[1].read_bytes()
    first, last = (read_manifest(folder) for folder in (bundle, project / "models/forward"))
    assert (last.model, last.origin["start"]) == (first.model | {"dropout": 0.1}, digest)
    told = capsys.readouterr().out
    assert "section tokenizer has no say" in told
    assert f"goes on from bundle {digest}" in told
    before = float(re.search(r"validation loss is ([\d.]+) before the first update", told)[1])
    assert continued < before
    assert "its shape is the bundle's: transformer.max_length 64, not 256; transformer.width 32, not 128;" in told

    begin(f"{bundle}#sha256={digest}", "train.lr=0.5", "train.warmup_updates=1", "augmentation.slips=1")
    told = capsys.readouterr()
    assert "goes on from had a lower validation loss, " in told.err
    assert "of the real pairs again, changed: 36 slips\n" in told.out
    assert ", 72 pairs, on cpu" in told.out
    assert read_json(project / "reports/mixing.json") == {"copies": {"slips": {"pairs": 36, "share": 1.0}}, "seed": 1}
    shape = [f"transformer.{key}={value}" for key, value in first.model.items()]
    afresh = begin('""', *shape, "tokenizer.vocabulary_size=90", "tokenizer.byte_fallback=false")
    assert (project / "models/tokenizer/joint.model").read_bytes() == pieces[1].read_bytes()
    assert continued < 0.5 * afresh
    assert "start" not in read_manifest(project / "models/forward").origin

    for start, message in [
        (bundle, f"or set it to {bundle}#sha256={digest}"),
        (f"{bundle}#sha256={'0' * 64}", f"is another bundle today; correct it to {bundle}#sha256={digest}"),
        (fast, "is a ctranslate2 bundle in float32, which can't be trained; set it to"),
        ("nowhere", "train.start: nowhere is no bundle"),
    ]:
        with pytest.raises(UserError, match=message):
            begin(start)
