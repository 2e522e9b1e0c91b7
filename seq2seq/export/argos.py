"""An Argos package of a bundle, which argostranslate (https://github.com/argosopentech/argos-translate) installs.

LibreTranslate serves what argostranslate has installed. A package is a zip of one folder: ``metadata.json``, the model
in the form of CTranslate2, one SentencePiece model for both languages, and what splits texts into sentences, lest it be
downloaded.
"""

import json
import re
import tempfile
import unicodedata
import zipfile
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from seq2seq.bundles.manifest import CTRANSLATE2, TOKENIZER, Manifest, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json, replacing
from seq2seq.export.argos_sentences import write_sentence_rules
from seq2seq.text.normalization import normalise
from seq2seq.text.scripts import canonical_code, name_of, script_of
from seq2seq.tokenizers.sentencepiece import JOINT, LOG_NOTHING

ARGOS_VERSION = "1.11"  # of argostranslate; earlier ones don't look for MiniSBD's networks in a package
COMPOSED = 0x30000  # no character from here on is composed of others, or is white space or invisible
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # in place of the time, so that the same bundle gives the same bytes


def export_argos(bundle: Path, out: Path, name: str, version: str, readme: str) -> None:
    """Write a package.

    Args:
        bundle: the folder of a CTranslate2 bundle.
        out: the file to write; its folder is made where needed.
        name: of the model, which the package's folder is called by: another version takes its place.
        version: of the model, as argostranslate compares them.
        readme: Markdown for people.

    Raises:
        UserError: the bundle is none, or of a kind that argostranslate can't run.
    """
    manifest = read_manifest(bundle)
    _check(bundle, manifest, f"version {version} of '{name}'")
    source, target = (argos_code(tag) for tag in (manifest.languages.source, manifest.languages.target))
    metadata = {
        "package_version": version,
        "argos_version": ARGOS_VERSION,
        "from_code": source,
        "from_name": name_of(manifest.languages.source),
        "to_code": target,
        "to_name": name_of(manifest.languages.target),
    }
    engine = bundle / CTRANSLATE2
    parts = {
        "metadata.json": _json(metadata),
        "README.md": readme.encode(),
        "sentencepiece.model": _normalising((bundle / TOKENIZER / JOINT).read_bytes()),
        f"minisbd/{source}.onnx": write_sentence_rules(source),
    }
    for path in sorted(engine.iterdir()):
        parts[f"model/{path.name}"] = path.read_bytes()
    # our sources end with EOS, which argostranslate's tokenizer doesn't add
    parts["model/config.json"] = _json(read_json(engine / "config.json") | {"add_source_eos": True})
    folder = re.sub(r"[^\w.-]", "_", name)
    with replacing(out) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as package:
        for part, data in parts.items():
            package.writestr(zipfile.ZipInfo(f"{folder}/{part}", LONG_AGO), data, zipfile.ZIP_DEFLATED)


def argos_code(tag: str) -> str:
    """What argostranslate and LibreTranslate call a language: by two letters, such as ``zt`` for Chinese in Hant."""
    code = canonical_code(tag.partition("-")[0])
    if code == "zh" and script_of(tag) == "Hant":
        return "zt"
    return "pb" if tag == "pt-BR" else code


def _normalising(tokenizer: bytes) -> bytes:
    """A SentencePiece model that also normalises, which argostranslate doesn't do."""
    model = ModelProto()
    model.ParseFromString(tokenizer)
    model.normalizer_spec.precompiled_charsmap = _compile_rules()
    return bytes(model.SerializeToString(deterministic=True))


@cache
def _compile_rules() -> bytes:
    """:func:`~seq2seq.text.normalization.normalise` as SentencePiece's rules: what each run of characters becomes.

    Marks that stand in another order than the canonical one stay as they are.
    """
    neutral = "\u4e00"  # nothing composes with it
    rules = {}
    for char in map(chr, [*range(1, 0xD800), *range(0xE000, COMPOSED)]):  # without the halves of surrogate pairs
        rules[char] = normalise(f"{neutral}{char}{neutral}")[1:-1]
        if rules[char] == char:
            rules[unicodedata.normalize("NFD", char)] = char
    lines = [f"{_code_points(old)}\t{_code_points(new)}\n" for old, new in rules.items() if old != new]
    model = BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rules.tsv")
        file.write_text("".join(lines), encoding="ascii")
        sentencepiece.SentencePieceTrainer.train(  # the only way to its compiler
            sentence_iterator=iter([neutral]),
            model_writer=model,
            model_type="char",
            vocab_size=5,
            normalization_rule_tsv=str(file),
            minloglevel=LOG_NOTHING,
        )
    compiled = ModelProto()
    compiled.ParseFromString(model.getvalue())
    return bytes(compiled.normalizer_spec.precompiled_charsmap)


def _code_points(text: str) -> str:
    return " ".join(f"{ord(char):X}" for char in text)


def _check(bundle: Path, manifest: Manifest, called: str) -> None:
    if manifest.languages.source == manifest.languages.target:
        raise UserError(
            f"{called} reads and writes {manifest.languages.source}, but argostranslate translates between languages"
        )
    if manifest.engine != "ctranslate2":
        raise UserError(
            f"{called} is a {manifest.architecture} model for {manifest.engine}, but an Argos package holds a model of "
            "CTranslate2's, which only a Transformer becomes"
        )
    if not (bundle / TOKENIZER / JOINT).exists():
        raise UserError(
            f"{called} has a vocabulary for each language, but an Argos package holds one SentencePiece model for "
            "both; train with tokenizer.vocabulary: joint"
        )


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
