"""What the model looked at: attention matrices for display."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seq2seq.errors import UserError
from seq2seq.runtime import RuntimeParams
from seq2seq.tokenizer import EOS
from seq2seq.torch_engine import TorchEngine
from seq2seq.translator import Translator


@dataclass(frozen=True)
class Attention:
    """How much each target piece looked at each source piece."""

    source_pieces: list[str]
    target_pieces: list[str]
    weights: NDArray[np.float32]  # [T, S], rows sum to 1


def read_attention(bundle: Path, texts: list[str], outputs: list[str], runtime: RuntimeParams) -> list[Attention]:
    """Attention of the last decoder layer, mean over its heads, while a PyTorch bundle reads out given outputs.

    A model without attention gives none.

    Raises:
        UserError: the bundle is damaged or not one of PyTorch.
    """
    translator = Translator.load(bundle, runtime)
    engine, tokenizer, found = translator.engine, translator.tokenizer, []
    if not isinstance(engine, TorchEngine):
        raise UserError(f"{bundle} is a {translator.manifest.engine} bundle; attention is read from PyTorch's")
    limit = translator.manifest.model["max_length"] - 1  # read again, a text may have more pieces than when it was said
    bodies = [body[:limit] for body in tokenizer.encode_target(outputs)]
    for source, body in zip(translator.encode(texts), bodies, strict=True):
        if (weights := engine.attention(source, body)) is not None:
            pieces = [tokenizer.target_pieces[piece] for piece in [*body, EOS]]
            found.append(Attention([tokenizer.source_pieces[piece] for piece in source], pieces, weights))
    return found
