"""The bare matrix products of each update, into memory that is already there: how fast float32 training could be.

Shapes: B batch, S source length, T target length, D model width, F feed-forward, H heads, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor

from benchmarks.engines.job import Job, Turns, serve
from seq2seq.models.transformer import TransformerParams
from seq2seq.training.loss import rows_at_once


class Matrices:
    """Memory for the operands and results of products of any shape."""

    def __init__(self) -> None:
        self.flat: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """A matrix of random numbers; it keeps its memory from call to call."""
        size = torch.Size(shape).numel()
        if name not in self.flat or len(self.flat[name]) < size:
            self.flat[name] = torch.randn(size)
        return self.flat[name][:size].view(shape)


def train(job: Job, turns: Turns) -> dict[str, Any]:
    """Multiply for each batch what its update multiplies."""
    params = TransformerParams.model_validate(job.model)
    matrices = Matrices()
    with torch.inference_mode():
        for batch in job.train.batches:
            source = max(len(job.train.src[row]) for row in batch)
            target = max(len(job.train.tgt[row]) for row in batch) + 1
            multiply_layers(matrices, params, len(batch), source, target)
            tokens = job.train.target_tokens(batch)
            rows = rows_at_once(matrices.take("weight", job.vocabulary, params.width))
            for start in range(0, tokens, rows):
                multiply_linear(matrices, min(rows, tokens - start), params.width, job.vocabulary)
            turns.count()
    return {}


def multiply_layers(matrices: Matrices, params: TransformerParams, batch: int, source: int, target: int) -> None:
    """The products of all layers for a batch of sources [B, S] and targets [B, T]."""
    width, inner, heads = params.width, params.feed_forward, params.heads
    attention = [(width, 3 * width), (width, width)]
    feed_forward = [(width, inner), (inner, width)]
    for _ in range(params.encoder_layers):
        for sizes in (*attention, *feed_forward):
            multiply_linear(matrices, batch * source, *sizes)
        multiply_attention(matrices, batch * heads, source, source, width // heads)
    for _ in range(params.decoder_layers):
        for sizes in (*attention, (width, width), (width, width), *feed_forward):
            multiply_linear(matrices, batch * target, *sizes)
        multiply_linear(matrices, batch * source, width, 2 * width)
        multiply_attention(matrices, batch * heads, target, target, width // heads)
        multiply_attention(matrices, batch * heads, target, source, width // heads)


def multiply_linear(matrices: Matrices, rows: int, inputs: int, outputs: int) -> None:
    """A linear map of [rows, inputs] to [rows, outputs], and the gradients of its input and weight."""
    x, weight = matrices.take("x", rows, inputs), matrices.take("weight", outputs, inputs)
    y = torch.mm(x, weight.t(), out=matrices.take("y", rows, outputs))
    torch.mm(y, weight, out=matrices.take("for_x", rows, inputs))
    torch.mm(y.t(), x, out=matrices.take("for_weight", outputs, inputs))


def multiply_attention(matrices: Matrices, batch: int, target: int, source: int, width: int) -> None:
    """Attention from [B * H, T, D / H] to [B * H, S, D / H], and the gradients of queries, keys and values."""
    q, k, v = (
        matrices.take(name, batch, length, width) for name, length in {"q": target, "k": source, "v": source}.items()
    )
    scores = torch.bmm(q, k.transpose(1, 2), out=matrices.take("scores", batch, target, source))
    mixed = torch.bmm(scores, v, out=matrices.take("mixed", batch, target, width))
    torch.bmm(mixed, v.transpose(1, 2), out=matrices.take("for_scores", batch, target, source))
    torch.bmm(scores.transpose(1, 2), mixed, out=matrices.take("for_v", batch, source, width))
    torch.bmm(scores, k, out=matrices.take("for_q", batch, target, width))
    torch.bmm(scores.transpose(1, 2), q, out=matrices.take("for_k", batch, source, width))


if __name__ == "__main__":
    serve(train)
