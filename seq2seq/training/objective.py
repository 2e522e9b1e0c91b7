"""What training lowers: the loss of a batch, with the regularizers that need more than one pass of the model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from seq2seq.models.batches import Batch
from seq2seq.models.encoder_decoder import EncoderDecoder
from seq2seq.training.loss import smoothed_cross_entropy
from seq2seq.training.r_drop import r_drop_loss


class BatchLoss(nn.Module):
    """A model together with its loss, so that several processes can share their gradients of both."""

    def __init__(self, model: EncoderDecoder, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.model = model
        self.dtype = dtype

    def forward(self, batch: Batch, smoothing: float, r_drop: float = 0.0) -> Tensor:
        """Summed loss of a batch in nats; with ``r_drop``, that of two dropouts and their divergence."""
        real = batch.tgt_out[batch.tgt_mask]  # [N]
        weight = self.model.output_weight  # [V, D]
        if r_drop:
            return r_drop_loss(self._hidden(batch), self._hidden(batch), weight, real, smoothing, r_drop)
        return smoothed_cross_entropy(self._hidden(batch), weight, real, smoothing)

    def _hidden(self, batch: Batch) -> Tensor:
        """Hidden states [N, D] of the real target tokens."""
        with torch.autocast(batch.src.device.type, dtype=self.dtype, enabled=self.dtype is not None):
            hidden: Tensor = self.model(batch.src, batch.src_mask, batch.tgt_in)  # [B, T, D]
        return hidden[batch.tgt_mask]


@contextmanager
def shifted(weights: Sequence[Tensor], norm: float) -> Iterator[None]:
    """Shift weights along their gradients, so that the loss rises, for the length of the block.

    The fast gradient method of Miyato et al. 2017, https://arxiv.org/abs/1605.07725, on whole matrices.
    """
    before = [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for weight in weights:
            assert weight.grad is not None
            weight += norm * weight.grad / weight.grad.norm().clamp(min=1e-12)
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, old in zip(weights, before, strict=True):
                weight.copy_(old)
