"""What the model looked at: attention matrices for display.

Shapes: S source length, T target length.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from seq2seq.bundles.pytorch import load_model
from seq2seq.core.runtime import RuntimeParams, prepare_device
from seq2seq.models.batches import pad
from seq2seq.tokenizers.base import BOS, EOS, PAD, cut_source


@dataclass(frozen=True)
class Attention:
    """How much each target piece looked at each source piece."""

    source_pieces: list[str]
    target_pieces: list[str]
    weights: NDArray[np.float32]  # [T, S], rows sum to 1


@torch.inference_mode()
def read_attention(bundle: Path, texts: list[str], outputs: list[str], runtime: RuntimeParams) -> list[Attention]:
    """Attention of the last decoder layer, mean over its heads, while a PyTorch bundle reads out given outputs.

    The outputs may come from anywhere. Both sides are cut to the model's length. A model without attention gives none.

    Raises:
        UserError: the bundle is damaged or not one of PyTorch.
    """
    model, tokenizer = load_model(bundle)
    device = prepare_device(runtime)
    model = model.to(device)
    limit = model.params.max_length
    found = []
    for source, body in zip(tokenizer.encode_source(texts), tokenizer.encode_target(outputs), strict=True):
        sources, targets = cut_source(source, limit), body[: limit - 1]
        src, tgt = pad([sources]).to(device), pad([[BOS, *targets]]).to(device)
        if (weights := model.attention(src, src != PAD, tgt)) is not None:
            read = [tokenizer.source_pieces[piece] for piece in sources]
            written = [tokenizer.target_pieces[piece] for piece in [*targets, EOS]]
            found.append(Attention(read, written, weights[0].cpu().numpy()))
    return found
