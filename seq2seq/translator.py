"""Text in, text out, by any bundle: PyTorch or CTranslate2.

Shapes: B batch, S source length, T target length.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import ctranslate2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from seq2seq.batches import pad
from seq2seq.bundle import ENGINE, TOKENIZER, Manifest, load_transformer, read_manifest
from seq2seq.params import Section
from seq2seq.progress import Progress
from seq2seq.search import beam_search
from seq2seq.tokenizer import BOS, EOS, PAD, Tokenizer
from seq2seq.transformer import Transformer


class DecodingParams(Section):
    """How outputs are searched for."""

    beam_size: int = Field(ge=1, le=64, description="hypotheses kept per sentence; 1 is greedy search")
    length_penalty: float = Field(ge=0, le=5, description="hypotheses are ranked by score / length ** length_penalty")
    max_length_factor: float = Field(gt=0, le=20, description="output pieces at most: factor * source pieces + 10")
    batch_size: int = Field(ge=1, le=4096, description="sentences searched together")

    def max_length(self, source_length: int, limit: int) -> int:
        """Output pieces at most for a source of so many pieces, in a model of ``limit`` positions."""
        return min(int(self.max_length_factor * source_length) + 10, limit - 1)


@dataclass(frozen=True)
class Attention:
    """How much each target piece looked at each source piece."""

    source_pieces: list[str]
    target_pieces: list[str]
    weights: NDArray[np.float32]  # [T, S], rows sum to 1


class Engine(Protocol):
    """Searches one batch after another."""

    def search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[int]]]:
        """Yield the best output of every source, for each batch in order."""
        ...


class TorchEngine:
    """Our own model and search."""

    def __init__(self, model: Transformer, device: torch.device) -> None:
        self.model, self.device = model.to(device), device

    def search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[int]]]:
        """Yield the best output of every source, for each batch in order."""
        for batch in batches:
            src = pad(batch).to(self.device)  # [B, S]
            found = beam_search(
                self.model,
                src,
                src != PAD,
                bos=BOS,
                eos=EOS,
                beam_size=decoding.beam_size,
                length_penalty=decoding.length_penalty,
                max_length=decoding.max_length(src.shape[1], self.model.params.max_length),
            )
            yield [hypotheses[0].tokens for hypotheses in found]


class CTranslate2Engine:
    """CTranslate2, with one worker of one thread per thread: on small models that beats splitting a product."""

    def __init__(self, folder: Path, manifest: Manifest, tokenizer: Tokenizer, device: str, threads: int) -> None:
        self.limit = manifest.model.max_length
        self.source_pieces, target_pieces = tokenizer.source_pieces, tokenizer.target_pieces
        self.target_ids = {piece: number for number, piece in enumerate(target_pieces)}
        compute_type = manifest.quantization if device == "cpu" else "default"
        self.translator = ctranslate2.Translator(
            str(folder), device=device, compute_type=compute_type, inter_threads=threads, intra_threads=1
        )

    def search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[int]]]:
        """Yield the best output of every source, for each batch in order; batches run side by side."""
        return self._run(batches, decoding, beam_size=decoding.beam_size, length_penalty=decoding.length_penalty)

    def sample(
        self, batches: list[list[list[int]]], decoding: DecodingParams, temperature: float
    ) -> Iterator[list[list[int]]]:
        """Yield one output of every source, drawn from the model's distribution."""
        return self._run(batches, decoding, beam_size=1, sampling_topk=0, sampling_temperature=temperature)

    def _run(
        self, batches: list[list[list[int]]], decoding: DecodingParams, **options: float
    ) -> Iterator[list[list[int]]]:
        waiting = [
            self.translator.translate_batch(
                [[self.source_pieces[piece] for piece in source] for source in batch],
                max_input_length=0,
                max_decoding_length=decoding.max_length(max(map(len, batch)), self.limit),
                asynchronous=True,
                **options,
            )
            for batch in batches
        ]
        for results in waiting:
            yield [[self.target_ids[piece] for piece in one.result().hypotheses[0]] for one in results]


class Translator:
    """Translates lists of sentences with one bundle."""

    def __init__(self, manifest: Manifest, tokenizer: Tokenizer, engine: Engine) -> None:
        """Take the parts of a bundle; :meth:`load` reads them."""
        self.manifest, self.tokenizer, self.engine = manifest, tokenizer, engine

    @classmethod
    def load(cls, bundle: Path, device: str, threads: int) -> "Translator":
        """Read a bundle of any engine.

        Args:
            bundle: its folder.
            device: "cpu" or "cuda".
            threads: CPU threads.

        Raises:
            UserError: the bundle is missing, damaged, or its parts don't belong together.
        """
        manifest = read_manifest(bundle)
        engine: Engine
        if manifest.engine == "pytorch":
            torch.set_num_threads(threads)
            model, tokenizer = load_transformer(bundle)
            engine = TorchEngine(model, torch.device(device))
        else:
            tokenizer = Tokenizer.load(bundle / TOKENIZER)
            engine = CTranslate2Engine(bundle / ENGINE, manifest, tokenizer, device, threads)
        return cls(manifest, tokenizer, engine)

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Source pieces of each text, cut to the model's length, EOS kept."""
        limit = self.manifest.model.max_length
        return [
            pieces if len(pieces) <= limit else [*pieces[: limit - 1], EOS]
            for pieces in self.tokenizer.encode_source(texts)
        ]

    def translate(self, texts: list[str], decoding: DecodingParams, label: str = "") -> list[str]:
        """Translate each text; an empty one stays empty. With a label, progress is shown."""
        sources = self.encode(texts)
        order = sorted(
            (row for row, text in enumerate(texts) if text.strip()), key=lambda row: (-len(sources[row]), row)
        )
        groups = [order[start : start + decoding.batch_size] for start in range(0, len(order), decoding.batch_size)]
        outputs = [""] * len(texts)
        found = self.engine.search([[sources[row] for row in group] for group in groups], decoding)
        with Progress(label, len(order), "sentences", quiet=not label) as progress:
            for group, pieces in zip(groups, found, strict=True):
                for row, text in zip(group, self.tokenizer.decode_target(pieces), strict=True):
                    outputs[row] = text
                progress.add(len(group))
        return outputs

    def attention(self, texts: list[str], outputs: list[str]) -> list[Attention]:
        """Attention of the last decoder layer, mean over heads, for outputs of a PyTorch bundle."""
        assert isinstance(self.engine, TorchEngine), "attention is read from PyTorch bundles"
        found = []
        for source, body in zip(self.encode(texts), self.tokenizer.encode_target(outputs), strict=True):
            src, tgt = pad([source]).to(self.engine.device), pad([[BOS, *body]]).to(self.engine.device)
            with torch.inference_mode():
                weights = self.engine.model.attention(src, src != PAD, tgt)[0]  # [T, S]
            found.append(
                Attention(
                    [self.tokenizer.source_pieces[piece] for piece in source],
                    [self.tokenizer.target_pieces[piece] for piece in [*body, EOS]],
                    weights.cpu().numpy(),
                )
            )
        return found
