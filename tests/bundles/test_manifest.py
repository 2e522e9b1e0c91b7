import json
import shutil

import pytest
import torch

from seq2seq.bundles.manifest import MANIFEST, bundle_digest, read_manifest
from seq2seq.bundles.pytorch import load_model, save_model
from seq2seq.core.errors import UserError
from seq2seq.export.ctranslate2 import export_ctranslate2
from seq2seq.inference.translator import Translator
from tests.tiny_models import (
    LANGUAGES,
    ORIGIN,
    RUNTIME,
    tiny_model,
    tiny_tokenizer,
)


def test_a_bundle_survives_a_round_trip_and_a_move(bundle, tokenizer, tmp_path):
    shutil.copytree(bundle, tmp_path / "moved")
    model, loaded = load_model(tmp_path / "moved")
    original = dict(tiny_model(tokenizer).named_parameters())
    assert all(torch.equal(weight, original[name]) for name, weight in model.named_parameters())
    assert loaded.source_pieces == tokenizer.source_pieces
    assert read_manifest(tmp_path / "moved").origin == ORIGIN


def test_the_same_model_makes_the_same_bundle(bundle, tokenizer, tmp_path):
    save_model(tmp_path / "again", tiny_model(tokenizer), tokenizer, LANGUAGES, ORIGIN, "translation")
    assert bundle_digest(tmp_path / "again") == bundle_digest(bundle)
    for quantization in ("float32", "int8"):
        for name in ("first", "second"):
            export_ctranslate2(bundle, tmp_path / name / quantization, quantization)
        digests = {bundle_digest(tmp_path / name / quantization) for name in ("first", "second")}
        assert len(digests) == 1


def test_a_bundle_holds_no_pickle_and_no_path(bundle, float_engine):
    for folder in (bundle, float_engine):
        for file in (path for path in folder.rglob("*") if path.is_file()):
            assert file.suffix not in (".pt", ".pkl", ".pickle")
            assert str(folder.parent).encode() not in file.read_bytes()


def test_int8_is_smaller_and_names_the_bundle_it_came_from(bundle, float_engine, tmp_path):
    export_ctranslate2(bundle, tmp_path / "int8", "int8")
    manifest = read_manifest(tmp_path / "int8")
    assert (manifest.engine, manifest.quantization) == ("ctranslate2", "int8")
    assert manifest.origin == ORIGIN | {"bundle": bundle_digest(bundle)}
    sizes = [(folder / "ctranslate2" / "model.bin").stat().st_size for folder in (tmp_path / "int8", float_engine)]
    assert sizes[0] < sizes[1]


def tampered(folder, name, change):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    return folder


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("weights.safetensors", lambda data: data[:-4] + b"1234", "weights.safetensors is damaged or belongs"),
        ("tokenizer/joint.model", lambda data: data + b" ", "joint.model is damaged or belongs to another bundle"),
        (MANIFEST, lambda data: data[:100], "bundle.json is damaged"),
        (MANIFEST, lambda data: data.replace(b'"format": 2', b'"format": 1'), "or of another version; make it again"),
    ],
)
def test_what_does_not_belong_together_is_refused(bundle, tmp_path, name, change, message):
    shutil.copytree(bundle, tmp_path / "bundle")
    with pytest.raises(UserError, match=message):
        load_model(tampered(tmp_path / "bundle", name, change))


def test_weights_of_another_vocabulary_are_refused_even_if_the_manifest_names_them(bundle, tmp_path):
    small = tiny_tokenizer(tmp_path / "tokenizer", "separate")
    save_model(tmp_path / "other", tiny_model(small), small, LANGUAGES, ORIGIN, "translation")
    shutil.copytree(bundle, tmp_path / "mixed")
    shutil.copy(tmp_path / "other" / "weights.safetensors", tmp_path / "mixed")
    manifest = json.loads((tmp_path / "mixed" / MANIFEST).read_text())
    manifest["files"]["weights.safetensors"] = read_manifest(tmp_path / "other").files["weights.safetensors"]
    (tmp_path / "mixed" / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="weights and tokenizer don't belong together"):
        load_model(tmp_path / "mixed")


def test_a_bundle_of_another_version_says_which_part_is_missing(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "old")
    manifest = json.loads((tmp_path / "old" / MANIFEST).read_text())
    del manifest["model"]["norm"]
    (tmp_path / "old" / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"bundle\.json: 'model\.norm' is missing"):
        load_model(tmp_path / "old")


def test_a_folder_without_a_bundle_says_so(tmp_path):
    with pytest.raises(UserError, match=r"is no bundle: it has no bundle\.json"):
        Translator.load(tmp_path, RUNTIME)
