"""CTranslate2 bundles at work: the fast engine, which needs no PyTorch."""

import platform
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from seq2seq.bundles.manifest import CTRANSLATE2, Manifest
from seq2seq.core.errors import UserError
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams, Hypothesis, SamplingParams
from seq2seq.tokenizers.base import EOS, Tokenizer

CPU = Path("/proc/cpuinfo")
AHEAD = 4  # batches for each worker, so that none of them waits for us
_Output = tuple[list[str], float]  # pieces and score


class CTranslate2Engine:
    """CTranslate2, with one worker of one thread per thread: on small models that beats splitting a product."""

    def __init__(self, bundle: Path, manifest: Manifest, tokenizer: Tokenizer, runtime: RuntimeParams) -> None:
        self.bundle = bundle
        self.manifest = manifest
        self.runtime = runtime
        self.limit = manifest.model["max_length"]
        self.source_pieces, self.target_pieces = tokenizer.source_pieces, tokenizer.target_pieces
        self.target_ids = {piece: number for number, piece in enumerate(self.target_pieces)}
        self.translator = self._start_workers(runtime.threads)

    def _start_workers(self, count: int) -> ctranslate2.Translator:
        device = _device(self.runtime)
        on_cpu = _compute_type(self.manifest.quantization)
        return ctranslate2.Translator(
            str(self.bundle / CTRANSLATE2),
            device=device,
            compute_type=on_cpu if device == "cpu" else "default",
            inter_threads=count,
            intra_threads=1,
        )

    def search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[int]]]:
        """Yield the best output of every source, for each batch in order; batches run side by side."""
        for found in self._search(batches, decoding):
            yield [self._hypothesis(outputs[0]).tokens for outputs in found]

    def nbest(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[Hypothesis]]]:
        """Yield up to ``beam_size`` outputs of every source, best first, for each batch in order."""
        for found in self._search(batches, decoding):
            yield [[self._hypothesis(one) for one in outputs[: decoding.beam_size]] for outputs in found]

    def score(self, batches: list[list[tuple[list[int], list[int]]]]) -> Iterator[list[list[float]]]:
        """Yield the log-probability of every piece of given outputs, EOS last, for each batch of (source, output)."""
        for batch in batches:
            sources = [self._source(source) for source, _ in batch]
            outputs = [[self.target_pieces[piece] for piece in output] for _, output in batch]
            yield [one.log_probs for one in self.translator.score_batch(sources, outputs, max_input_length=0)]

    def align(self, batches: list[list[tuple[list[int], list[int]]]]) -> Iterator[list[NDArray[np.float32] | None]]:
        """Yield attention [T, S] of the pieces of given outputs to those of their sources: the last layer's."""
        for batch in batches:
            results = self.translator.translate_batch(
                [self._source(source) for source, _ in batch],
                target_prefix=[[self.target_pieces[piece] for piece in output] for _, output in batch],
                beam_size=1,
                max_input_length=0,
                max_decoding_length=max(len(output) for _, output in batch) + 1,
                return_attention=True,
            )
            yield [
                np.array(one.attention[0], np.float32).reshape(-1, len(source))[: len(output)]
                for one, (source, output) in zip(results, batch, strict=True)
            ]

    def sample(
        self, batches: list[list[list[int]]], decoding: DecodingParams, sampling: SamplingParams, seed: int
    ) -> Iterator[list[list[int]]]:
        """Yield one output of every source, drawn from the model's distribution; the seed decides it.

        Each worker draws from its own generator, which is seeded when it starts, so one new worker does all the work.
        """
        ctranslate2.set_random_seed(seed)
        options = {
            "beam_size": 1,
            "min_decoding_length": 0,
            "sampling_topk": min(sampling.top_k, len(self.target_pieces)),  # more is refused
            "sampling_topp": sampling.top_p,
            "sampling_temperature": sampling.temperature,
        }
        for batch, results in zip(batches, self._run(self._start_workers(1), batches, decoding, options), strict=True):
            limits = [decoding.max_length(len(source), self.limit) for source in batch]
            yield [self._ids(result.hypotheses[0][:limit]) for result, limit in zip(results, limits, strict=True)]

    def _search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[_Output]]]:
        """Yield the outputs of every source, each found within the limit of its own.

        A call has one limit for all its sources. If a search went on beyond the limit of its own source, that source is
        searched again alone. We know it by an output that is too long, since we ask for all outputs that a search waits
        for. The first call allows one step more: in its last step a search cuts what grows even if enough has ended.
        """
        options = _beam_options(decoding)
        first = self._run(self.translator, batches, decoding, options, spare=1)
        for batch, results in zip(batches, first, strict=True):
            found = [_outputs(result) for result in results]
            limits = [decoding.max_length(len(source), self.limit) for source in batch]
            late = [row for row, limit in enumerate(limits) if any(len(pieces) > limit for pieces, _ in found[row])]
            alone = self._run(self.translator, [[batch[row]] for row in late], decoding, options)
            for row, (result,) in zip(late, alone, strict=True):
                found[row] = _outputs(result)
            yield found

    def _run(
        self,
        translator: ctranslate2.Translator,
        batches: list[list[list[int]]],
        decoding: DecodingParams,
        options: dict[str, float],
        spare: int = 0,
    ) -> Iterator[list[Any]]:
        waiting: deque[list[Any]] = deque()
        for batch in batches:
            if len(waiting) == AHEAD * translator.num_translators:
                yield [one.result() for one in waiting.popleft()]
            limit = decoding.max_length(max(map(len, batch)), self.limit) + spare
            waiting.append(
                translator.translate_batch(
                    [self._source(source) for source in batch],
                    max_input_length=0,
                    max_decoding_length=limit,
                    asynchronous=True,
                    **options | {"min_decoding_length": min(options["min_decoding_length"], limit)},  # more is refused
                )
            )
        for results in waiting:
            yield [one.result() for one in results]

    def _source(self, source: list[int]) -> list[str]:
        return [self.source_pieces[piece] for piece in source]

    def _hypothesis(self, output: _Output) -> Hypothesis:
        ids = self._ids(output[0])
        score = output[1]
        ended = ids[-1:] == [EOS]
        return Hypothesis(ids[:-1] if ended else ids, score, ended)

    def _ids(self, pieces: list[str]) -> list[int]:
        return [self.target_ids[piece] for piece in pieces]


def _beam_options(decoding: DecodingParams) -> dict[str, float]:
    return {
        "beam_size": decoding.beam_size,
        "patience": decoding.enough / decoding.beam_size,
        "num_hypotheses": decoding.enough,
        # at 0 CTranslate2 would not wait for all of them; to this power every length is 1
        "length_penalty": decoding.length_penalty or 1e-9,
        "min_decoding_length": decoding.min_length,
        "no_repeat_ngram_size": decoding.no_repeat_ngram,
        "return_scores": True,
        "return_end_token": True,  # tells an output that ended from one that was cut
    }


def _outputs(result: Any) -> list[_Output]:
    return list(zip(result.hypotheses, result.scores, strict=True))


def _compute_type(stored: str) -> str:
    """What a CPU computes in: as the weights are stored where it can do so exactly, or else in float32."""
    if stored not in ctranslate2.get_supported_compute_types("cpu"):
        return "float32"
    return "float32" if stored.startswith("int8") and not _multiplies_int8() else stored


def _multiplies_int8() -> bool:
    """Whether 8-bit products are exact on this CPU: x86 without VNNI adds them up in 16 bits, which overflow.

    See https://uxlfoundation.github.io/oneDNN/dev_guide_int8_computations.html. On an AMD EPYC without it that cost
    half a point of BLEU. There float32 did 0.81 to 0.86 times as many sentences a second, exact products (MKL's) 0.4.
    """
    if platform.machine() != "x86_64" or not CPU.exists():
        return True
    return "vnni" in CPU.read_text()


def _device(runtime: RuntimeParams) -> str:
    available = ctranslate2.get_cuda_device_count() > 0
    if runtime.device == "cuda" and not available:
        raise UserError("runtime.device is cuda, but CTranslate2 sees no CUDA device; set it to auto or cpu")
    return "cuda" if runtime.device != "cpu" and available else "cpu"
