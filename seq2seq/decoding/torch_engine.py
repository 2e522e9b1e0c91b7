"""PyTorch bundles at work: our own models and search.

Shapes: B batch, S source length, T target length.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.decoding.beam_search import beam_search, sample, score
from seq2seq.decoding.params import DecodingParams, Hypothesis, SamplingParams
from seq2seq.models.batches import PairedSequences, pad
from seq2seq.models.protocol import Model
from seq2seq.tokenizers.base import BOS, EOS, PAD


class TorchEngine:
    """Our own search over a model, or an ensemble of models, that is on ``device`` and in evaluation mode."""

    def __init__(self, model: Model, limit: int, device: torch.device) -> None:
        """Take a model whose outputs have at most ``limit`` pieces, EOS included."""
        self.model = model
        self.limit = limit
        self.device = device

    def search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[int]]]:
        """Yield the best output of every source, for each batch in order."""
        for found in self.nbest(batches, decoding):
            yield [hypotheses[0].tokens for hypotheses in found]

    def nbest(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[Hypothesis]]]:
        """Yield up to ``beam_size`` outputs of every source, best first, for each batch in order."""
        for batch in batches:
            src, limits = self._pad(batch, decoding)
            yield beam_search(self.model, src, src != PAD, decoding, bos=BOS, eos=EOS, max_length=limits)

    def score(self, batches: list[list[tuple[list[int], list[int]]]]) -> Iterator[list[list[float]]]:
        """Yield the log-probability of every piece of given outputs, EOS last, for each batch of (source, output)."""
        for batch in batches:
            sources, outputs = zip(*batch, strict=True)
            one = PairedSequences.of(sources, outputs).batch(range(len(batch))).to(self.device)
            rows = score(self.model, one.src, one.src_mask, one.tgt_in, one.tgt_out).tolist()  # [B, T]
            yield [row[: len(output) + 1] for row, output in zip(rows, outputs, strict=True)]

    def align(self, batches: list[list[tuple[list[int], list[int]]]]) -> Iterator[list[NDArray[np.float32] | None]]:
        """Yield attention [T, S] of the pieces of given outputs to those of their sources; None where there is none."""
        for batch in batches:
            src = pad([source for source, _ in batch]).to(self.device)
            tgt = pad([[BOS, *output] for _, output in batch]).to(self.device)
            with torch.inference_mode():
                weights = self.model.attention(src, src != PAD, tgt)  # [B, T, S]
            if weights is None:
                yield [None] * len(batch)
                continue
            rows = weights.float().cpu().numpy()
            yield [row[: len(output), : len(source)] for row, (source, output) in zip(rows, batch, strict=True)]

    def sample(
        self, batches: list[list[list[int]]], decoding: DecodingParams, sampling: SamplingParams, seed: int
    ) -> Iterator[list[list[int]]]:
        """Yield one output of every source, drawn from the model's distribution; the seed decides it."""
        torch.manual_seed(seed)
        for batch in batches:
            src, limits = self._pad(batch, decoding)
            yield sample(self.model, src, src != PAD, sampling, bos=BOS, eos=EOS, max_length=limits)

    def _pad(self, batch: list[list[int]], decoding: DecodingParams) -> tuple[Tensor, list[int]]:
        """Sources [B, S], and the pieces [B] that an output of each may have."""
        limits = [decoding.max_length(len(source), self.limit) for source in batch]
        return pad(batch).to(self.device), limits
