"""Packages for argostranslate: what they hold answers as the bundle does, and needs no network."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec

import ctranslate2
import numpy as np
import onnxruntime
import pytest
import sentencepiece

from seq2seq import Translator
from seq2seq.bundles.manifest import MANIFEST, read_manifest, seal
from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.export.argos import argos_code, export_argos
from seq2seq.export.argos_sentences import write_sentence_rules
from seq2seq.export.ctranslate2 import export_ctranslate2
from seq2seq.text.normalization import normalise
from seq2seq.tokenizers.base import EOS
from tests.tiny_models import DECODING, LANGUAGES, ORIGIN, RUNTIME, tiny_corpus, tiny_model, tiny_tokenizer

TEXTS = list(tiny_corpus()["source"])
# argostranslate's own search
ARGOS = DECODING.model_copy(update={"beam_size": 4, "patience": 1.0, "length_penalty": 0.2})
STOCK = """
import json, socket, sys

def refuse(*given, **named):
    raise RuntimeError("the network was asked for")

socket.socket.connect = socket.getaddrinfo = refuse
from argostranslate import package, translate

package.install_from_path(sys.argv[1])
print(json.dumps([translate.translate(text, "en", "de") for text in json.loads(sys.argv[2])]))
"""


@pytest.fixture(scope="module")
def package(trained, tmp_path_factory):
    """A package and the folder of its content."""
    folder = tmp_path_factory.mktemp("argos")
    export_argos(trained[1], folder / "out" / "en_de.argosmodel", "tiny model", "7", "# Für Menschen")
    with zipfile.ZipFile(folder / "out" / "en_de.argosmodel") as content:
        content.extractall(folder)
    return folder / "out" / "en_de.argosmodel", folder / "tiny_model"


@pytest.fixture(scope="module")
def outputs(trained):
    return Translator.load(trained[1], RUNTIME).translate(TEXTS, ARGOS)


def test_what_a_package_holds_answers_as_the_bundle_does(package, outputs):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(package[1] / "sentencepiece.model"))
    engine = ctranslate2.Translator(str(package[1] / "model"), compute_type="float32", intra_threads=1)
    found = engine.translate_batch(pieces.encode(TEXTS, out_type=str), beam_size=4, length_penalty=0.2)
    assert [pieces.decode(one.hypotheses[0]) for one in found] == outputs


@pytest.mark.parametrize(
    "text",
    [
        "cafe\u0301 Gro\u0308\u00dfe",
        "a\u00a0b\tc \u2009 d",
        "so\u00adft \u200be\ufeff",
        "\u212b\u1100\u1161",
        "a▁b",
        " ",
    ],
)
def test_a_package_normalises_as_we_do(package, tokenizer, text):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(package[1] / "sentencepiece.model"))
    assert [*pieces.encode(text), EOS] == tokenizer.encode_source([text])[0]
    assert pieces.normalize(text).replace("▁", " ").strip() == normalise(text)


def test_a_package_says_what_it_is(package):
    facts = json.loads((package[1] / "metadata.json").read_text())
    languages = {"from_code": "en", "from_name": "English", "to_code": "de", "to_name": "German"}
    assert facts == {"package_version": "7", "argos_version": "1.11"} | languages
    assert (package[1] / "README.md").read_text() == "# Für Menschen"
    assert [argos_code(tag) for tag in ("zho", "zh-Hans", "zh-TW", "pt-BR", "pt", "sr-Latn")] == [
        "zh",
        "zh",
        "zt",
        "pb",
        "pt",
        "sr",
    ]


def test_the_same_bundle_gives_the_same_bytes(package, trained, tmp_path):
    export_argos(trained[1], tmp_path / "again", "tiny model", "7", "# Für Menschen")
    assert (tmp_path / "again").read_bytes() == package[0].read_bytes()


@pytest.fixture(scope="module")
def split():
    """Splits a text as MiniSBD does with a package's network."""
    session = onnxruntime.InferenceSession(write_sentence_rules("en"), providers=["CPUExecutionProvider"])
    numbers = json.loads(session.get_modelmeta().custom_metadata_map["vocab"])["_unit2id"]

    def sentences(text):
        units = [[numbers.get(char, numbers["<UNK>"]) for char in text] + [numbers["<PAD>"]]]
        features = np.zeros((1, len(units[0]), 0), np.float32)
        (scores,) = session.run(None, {"units": np.array(units), "features": features})
        ends = np.flatnonzero(scores.argmax(axis=2)[0, : len(text) - 1] == 2) + 1
        parts = np.split(np.array(list(text)), ends)
        return ["".join(part).strip() for part in parts]

    return sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello there.", "How are you?", "I'm fine!"],
        ["He met Dr. Smith and J. R. Smith in Jan. 2020.", "It was nice."],
        ["Am 3. Mai und am 24. Mai kam er.", "Es war 1990.", "Dann ging er."],
        ['She said "Go!"', "Then she left.", '(She said "No.")', "And so on...", "It ended."],
        ["“Wait!” he said.", "Who? me.", "It is his father's.", "Yes."],
        ["Привет.", "Как дела?"],
        ["他来了。", "你好吗？", "“很好！”", "他说。", "结束"],
        ["no mark"],
    ],
)
def test_sentences_end_where_people_end_them(split, sentences):
    spaced = " " if sentences[0].isascii() or sentences[0] < "一" else ""
    assert split(spaced.join(sentences)) == sentences


def refusal(bundle, tmp_path):
    with pytest.raises(UserError) as error:
        export_argos(bundle, tmp_path / "out", "tiny", "7", "")
    assert not (tmp_path / "out").exists()
    return str(error.value)


def test_what_argostranslate_can_not_run_is_refused(bundle, float_engine, tmp_path):
    assert "is a transformer model for pytorch" in refusal(bundle, tmp_path)
    shutil.copytree(float_engine, tmp_path / "same")
    (tmp_path / "same" / MANIFEST).unlink()
    languages = LANGUAGES.model_copy(update={"target": "en"})
    seal(tmp_path / "same", read_manifest(float_engine).model_copy(update={"languages": languages}))
    assert "reads and writes en" in refusal(tmp_path / "same", tmp_path)
    separate = tiny_tokenizer(tmp_path / "tokenizer", "separate")
    save_model(tmp_path / "separate", tiny_model(separate), separate, LANGUAGES, ORIGIN, "translation")
    export_ctranslate2(tmp_path / "separate", tmp_path / "fast", "float32")
    assert "train with tokenizer.vocabulary: joint" in refusal(tmp_path / "fast", tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("argostranslate"), reason="argostranslate is not installed")
def test_argostranslate_answers_as_we_do_without_a_network(package, outputs, tmp_path):
    places = {name: str(tmp_path / name) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    texts = [*TEXTS, "\n".join(TEXTS)]
    answered = subprocess.run(
        [sys.executable, "-c", STOCK, package[0], json.dumps(texts)],
        env=os.environ | places | {"ARGOS_COMPUTE_TYPE": "float32"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(answered.stdout) == [*outputs, "\n".join(outputs)]
