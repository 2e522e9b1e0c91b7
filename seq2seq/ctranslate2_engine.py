"""CTranslate2 bundles at work: the fast engine, which needs no PyTorch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ctranslate2

from seq2seq.bundle import Manifest
from seq2seq.decoding import DecodingParams, Hypothesis, SamplingParams
from seq2seq.errors import UserError
from seq2seq.runtime import RuntimeParams
from seq2seq.tokenizer import EOS, Tokenizer

MODEL = "ctranslate2"  # the engine's own folder in a bundle


class CTranslate2Engine:
    """CTranslate2, with one worker of one thread per thread: on small models that beats splitting a product."""

    def __init__(self, bundle: Path, manifest: Manifest, tokenizer: Tokenizer, runtime: RuntimeParams) -> None:
        self.bundle, self.manifest, self.runtime = bundle, manifest, runtime
        self.limit = manifest.model["max_length"]
        self.source_pieces, self.target_pieces = tokenizer.source_pieces, tokenizer.target_pieces
        self.target_ids = {piece: number for number, piece in enumerate(self.target_pieces)}
        self.translator = self._start_workers(runtime.threads)

    def _start_workers(self, count: int) -> ctranslate2.Translator:
        device = _device(self.runtime)
        return ctranslate2.Translator(
            str(self.bundle / MODEL),
            device=device,
            compute_type=self.manifest.quantization if device == "cpu" else "default",
            inter_threads=count,
            intra_threads=1,
        )

    def search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[int]]]:
        """Yield the best output of every source, for each batch in order; batches run side by side."""
        for results in self._run(self.translator, batches, decoding, **_beam_options(decoding)):
            yield [self._ids(result.hypotheses[0]) for result in results]

    def nbest(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[Hypothesis]]]:
        """Yield up to ``beam_size`` outputs of every source, best first, for each batch in order."""
        options = _beam_options(decoding) | {
            "num_hypotheses": decoding.beam_size,
            "return_scores": True,
            "return_end_token": True,  # by which an output that ended is told from one that was cut
        }
        for results in self._run(self.translator, batches, decoding, **options):
            yield [
                [
                    self._hypothesis(pieces, score)
                    for pieces, score in zip(result.hypotheses, result.scores, strict=True)
                ]
                for result in results
            ]

    def score(self, batches: list[list[tuple[list[int], list[int]]]]) -> Iterator[list[list[float]]]:
        """Yield the log-probability of every piece of given outputs, EOS last, for each batch of (source, output)."""
        for batch in batches:
            sources = [self._source(source) for source, _ in batch]
            outputs = [[self.target_pieces[piece] for piece in output] for _, output in batch]
            yield [one.log_probs for one in self.translator.score_batch(sources, outputs, max_input_length=0)]

    def sample(
        self, batches: list[list[list[int]]], decoding: DecodingParams, sampling: SamplingParams, seed: int
    ) -> Iterator[list[list[int]]]:
        """Yield one output of every source, drawn from the model's distribution; the seed decides it.

        Each worker draws from a generator of its own, seeded when it starts: so a new one, alone, does the work.
        """
        ctranslate2.set_random_seed(seed)
        options = {
            "beam_size": 1,
            "sampling_topk": sampling.top_k,
            "sampling_topp": sampling.top_p,
            "sampling_temperature": sampling.temperature,
        }
        for results in self._run(self._start_workers(1), batches, decoding, **options):
            yield [self._ids(result.hypotheses[0]) for result in results]

    def _run(
        self,
        translator: ctranslate2.Translator,
        batches: list[list[list[int]]],
        decoding: DecodingParams,
        **options: float,
    ) -> Iterator[list[Any]]:
        waiting = [
            translator.translate_batch(
                [self._source(source) for source in batch],
                max_input_length=0,
                max_decoding_length=decoding.max_length(max(map(len, batch)), self.limit),
                asynchronous=True,
                **options,
            )
            for batch in batches
        ]
        for results in waiting:
            yield [one.result() for one in results]

    def _source(self, source: list[int]) -> list[str]:
        return [self.source_pieces[piece] for piece in source]

    def _hypothesis(self, pieces: list[str], score: float) -> Hypothesis:
        ids = self._ids(pieces)
        ended = ids[-1] == EOS
        return Hypothesis(ids[:-1] if ended else ids, score, ended)

    def _ids(self, pieces: list[str]) -> list[int]:
        return [self.target_ids[piece] for piece in pieces]


def _beam_options(decoding: DecodingParams) -> dict[str, float]:
    return {
        "beam_size": decoding.beam_size,
        "patience": decoding.patience,
        "length_penalty": decoding.length_penalty,
        "min_decoding_length": decoding.min_length,
        "no_repeat_ngram_size": decoding.no_repeat_ngram,
    }


def _device(runtime: RuntimeParams) -> str:
    available = ctranslate2.get_cuda_device_count() > 0
    if runtime.device == "cuda" and not available:
        raise UserError(
            "params.yaml: runtime.device is cuda, but CTranslate2 sees no CUDA device; set it to auto or cpu"
        )
    return "cuda" if runtime.device != "cpu" and available else "cpu"
