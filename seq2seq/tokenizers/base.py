"""What every tokenizer is, and the special ids, defined here once."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

SPECIAL_PIECES = ["<pad>", "<unk>", "<s>", "</s>", "<bt>"]  # the position of each is its id
PAD, UNK, BOS, EOS, BT = range(len(SPECIAL_PIECES))  # BT marks a source made by back-translation


class SubwordSampling:
    """Chance in how words are cut, so that a model meets them in many shapes.

    With a unigram vocabulary Kudo 2018, https://arxiv.org/abs/1804.10959, where ``alpha`` is the inverse temperature
    (0.1 cuts freely); with BPE Provilkov et al. 2020, https://arxiv.org/abs/1910.13267, where it is the share of
    merges that are left out.
    """

    def __init__(self, alpha: float, *seed: int) -> None:
        self.alpha = alpha
        self._draw = np.random.default_rng(seed)

    def reseed(self) -> dict[str, Any]:
        """Seed SentencePiece's one generator for a list of texts, and return the options to encode them with."""
        sentencepiece.set_random_generator_seed(int(self._draw.integers(2**32)))
        return {"enable_sampling": True, "alpha": self.alpha, "nbest_size": -1}


def cut_source(pieces: list[int], limit: int) -> list[int]:
    """Source pieces that end with EOS, cut to ``limit`` of them; EOS stays."""
    return pieces if len(pieces) <= limit else [*pieces[: limit - 1], EOS]


class Tokenizer(ABC):
    """Text to piece ids and back, for the two sides of a translation direction.

    Text is normalised first, so that what is served is cut as what was trained. Special pieces come only
    from the tokenizer: a text that spells ``<bt>`` or ``</s>`` does not become one.
    """

    shared: bool  # both sides have one vocabulary

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the tokenizer's files into a new or empty folder."""

    @abstractmethod
    def reverse(self) -> "Tokenizer":
        """The tokenizer of the opposite direction."""

    @property
    def source_size(self) -> int:
        """Number of pieces on the source side."""
        return len(self.source_pieces)

    @property
    def target_size(self) -> int:
        """Number of pieces on the target side."""
        return len(self.target_pieces)

    @property
    @abstractmethod
    def source_pieces(self) -> list[str]:
        """The source vocabulary in the order of its ids."""

    @property
    @abstractmethod
    def target_pieces(self) -> list[str]:
        """The target vocabulary in the order of its ids."""

    @abstractmethod
    def encode_source(
        self, texts: list[str], synthetic: bool = False, sampling: SubwordSampling | None = None
    ) -> list[list[int]]:
        """Piece ids of each text, ending with EOS; those of synthetic texts start with BT."""

    @abstractmethod
    def encode_target(self, texts: list[str], sampling: SubwordSampling | None = None) -> list[list[int]]:
        """Piece ids of each text, without BOS and EOS."""

    @abstractmethod
    def decode_target(self, ids: list[list[int]]) -> list[str]:
        """Text of each list of ids; special pieces vanish, except that UNK becomes a visible ⁇."""
