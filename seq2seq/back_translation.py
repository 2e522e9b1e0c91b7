"""Back-translation: real target text, with sources that a backward model makes up.

Sennrich et al. 2016, https://arxiv.org/abs/1511.06709; sampling: Edunov et al. 2018,
https://arxiv.org/abs/1808.09381; tags: Caswell et al. 2019, https://arxiv.org/abs/1906.06442.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import ctranslate2
import pandas as pd
from pydantic import Field

from seq2seq.bundle import TOKENIZER, read_manifest
from seq2seq.corpus import pairs
from seq2seq.ctranslate2_engine import CTranslate2Engine
from seq2seq.decoding import DecodingParams
from seq2seq.export import export_ctranslate2
from seq2seq.files import read_json, replacing, write_json
from seq2seq.params import Section
from seq2seq.progress import Progress
from seq2seq.runtime import RuntimeParams
from seq2seq.tokenizer import Tokenizer
from seq2seq.translator import Translator

SHARD_LINES = 1000  # of finished work that a kill can't take back


class BackTranslationParams(Section):
    """How synthetic pairs are made and mixed in."""

    enabled: bool = Field(description="switches train_backward and back_translate off")
    search: Literal["beam", "sampling"] = Field(description="beam as in section decoding, or sampling")
    sampling_temperature: float = Field(gt=0, le=2, description="of sampling; below 1 is more careful")
    ratio: float = Field(gt=0, le=100, description="synthetic pairs at most per real pair")
    tag: bool = Field(description="mark synthetic sources with the piece <bt>")
    seed: int = Field(ge=0, description="of the choice of lines and of sampling")

    def reason_to_skip(self, mono_lines: int) -> str:
        """Say why there is nothing to translate back; nothing where there is."""
        if not self.enabled:
            return "back_translation.enabled is false"
        return "" if mono_lines else "no corpus has monolingual target text"


def choose_lines(lines: list[str], count: int, seed: int) -> list[str]:
    """Take ``count`` distinct lines by hash, in the order of their hashes: the same whatever their order was."""

    def rank(line: str) -> bytes:
        return hashlib.blake2b(line.encode(), digest_size=8, salt=seed.to_bytes(8, "big")).digest()

    return sorted(set(lines), key=lambda line: (rank(line), line))[:count]


def back_translate(
    bundle: Path,
    lines: list[str],
    params: BackTranslationParams,
    decoding: DecodingParams,
    runtime: RuntimeParams,
    work: Path,
) -> Iterator[pd.DataFrame]:
    """Yield synthetic pairs for target ``lines``, shard by shard; shards finished in ``work`` are not made again.

    Args:
        bundle: the backward model (target to source), a PyTorch bundle.
        lines: real target text.
        params: how to search.
        decoding: beam and batch sizes.
        runtime: device and threads.
        work: folder of unfinished work.
    """
    engine = work / "engine"
    if not engine.exists():
        with replacing(engine) as partial:
            export_ctranslate2(bundle, partial, "float32")
    with Progress("back-translate", len(lines), "sentences") as progress:
        for number, start in enumerate(range(0, len(lines), SHARD_LINES)):
            targets, file = lines[start : start + SHARD_LINES], work / f"shard-{number:05d}.json"
            if not file.exists():
                write_json(file, _sources(engine, targets, params, decoding, runtime, number))
            sources = read_json(file)
            progress.add(len(targets))
            made = [(source, target) for source, target in zip(sources, targets, strict=True) if source.strip()]
            yield pairs([source for source, _ in made], [target for _, target in made], "synthetic")


def _sources(
    engine: Path,
    targets: list[str],
    params: BackTranslationParams,
    decoding: DecodingParams,
    runtime: RuntimeParams,
    shard: int,
) -> list[str]:
    if params.search == "beam":
        return Translator.load(engine, runtime).translate(targets, decoding)
    # Each worker draws from its own generator, seeded when it starts: one new worker for each shard
    # makes the draws depend on the shard alone.
    ctranslate2.set_random_seed(params.seed * 1_000_003 + shard)
    manifest, tokenizer = read_manifest(engine), Tokenizer.load(engine / TOKENIZER)
    worker = CTranslate2Engine(engine, manifest, tokenizer, runtime.model_copy(update={"threads": 1}))
    encoded = Translator(manifest, tokenizer, worker).encode(targets)
    size = decoding.batch_size
    batches = [encoded[start : start + size] for start in range(0, len(encoded), size)]
    drawn = worker.sample(batches, decoding, params.sampling_temperature)
    return [text for pieces in drawn for text in tokenizer.decode_target(pieces)]
