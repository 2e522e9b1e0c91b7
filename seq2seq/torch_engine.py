"""PyTorch bundles at work: our own model and search.

Shapes: B batch, S source length, T target length.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from seq2seq.batches import pad
from seq2seq.decoding import DecodingParams, SamplingParams
from seq2seq.encoder_decoder import EncoderDecoder
from seq2seq.runtime import RuntimeParams, prepare_device
from seq2seq.search import beam_search, sample
from seq2seq.tokenizer import BOS, EOS, PAD
from seq2seq.weights import load_model


class TorchEngine:
    """Our own model and search."""

    def __init__(self, model: EncoderDecoder, device: torch.device) -> None:
        self.model, self.device = model.to(device), device

    @classmethod
    def load(cls, bundle: Path, runtime: RuntimeParams) -> "TorchEngine":
        """Read a PyTorch bundle."""
        return cls(load_model(bundle)[0], prepare_device(runtime))

    def search(self, batches: list[list[list[int]]], decoding: DecodingParams) -> Iterator[list[list[int]]]:
        """Yield the best output of every source, for each batch in order."""
        for batch in batches:
            src = pad(batch).to(self.device)  # [B, S]
            limit = decoding.max_length(src.shape[1], self.model.params.max_length)
            found = beam_search(self.model, src, src != PAD, decoding, bos=BOS, eos=EOS, max_length=limit)
            yield [hypotheses[0].tokens for hypotheses in found]

    def sample(
        self, batches: list[list[list[int]]], decoding: DecodingParams, sampling: SamplingParams, seed: int
    ) -> Iterator[list[list[int]]]:
        """Yield one output of every source, drawn from the model's distribution; the seed decides it."""
        torch.manual_seed(seed)
        for batch in batches:
            src = pad(batch).to(self.device)  # [B, S]
            limit = decoding.max_length(src.shape[1], self.model.params.max_length)
            yield sample(self.model, src, src != PAD, sampling, bos=BOS, eos=EOS, max_length=limit)

    @torch.inference_mode()
    def attention(self, source: list[int], body: Sequence[int]) -> NDArray[np.float32] | None:
        """Attention [T, S] of the last decoder layer, mean over heads, for an output without BOS and EOS.

        None where the model has no attention.
        """
        src, tgt = pad([source]).to(self.device), pad([[BOS, *body]]).to(self.device)
        weights = self.model.attention(src, src != PAD, tgt)
        return None if weights is None else weights[0].cpu().numpy()
