"""Which lines were met before: texts as hashes, and a set of them that memory can hold."""

import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd
import regex

from seq2seq.text.normalization import normalise

_LOOSE = regex.compile(r"[\p{P}\p{S}\p{N}]+")

Mask = npt.NDArray[np.bool_]  # one entry per row of a frame
Hashes = npt.NDArray[np.uint64]


def comparable(texts: pd.Series) -> list[str]:
    """Texts as they are compared with held-out ones: normalised and lower-cased."""
    return [normalise(text).lower() for text in texts.tolist()]


def loosened(texts: list[str]) -> list[str]:
    """Comparable texts without punctuation, symbols and digits; one that has nothing else stays as it is."""
    return [" ".join(_LOOSE.sub(" ", text).split()) or text for text in texts]


def hash_texts(texts: list[str]) -> Hashes:
    """64 bits of BLAKE2b per text: the same in every process and version."""
    digests = b"".join([hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


class Seen:
    """The lines met so far, remembered as 8 bytes each."""

    def __init__(self) -> None:
        self._sorted: Hashes = np.empty(0, dtype=np.uint64)

    def contains(self, hashes: Hashes) -> Mask:
        """Which of the lines were met before."""
        places = np.searchsorted(self._sorted, hashes)
        found = places < len(self._sorted)
        found[found] = self._sorted[places[found]] == hashes[found]
        return found

    def add(self, hashes: Hashes) -> Mask:
        """Remember lines; tell which of them are new, that is, neither met before nor earlier in ``hashes``."""
        new = np.zeros(len(hashes), dtype=bool)
        new[np.unique(hashes, return_index=True)[1]] = True
        new &= ~self.contains(hashes)
        # the stable sort finds the two sorted runs and merges them
        self._sorted = np.sort(np.concatenate([self._sorted, np.sort(hashes[new])]), kind="stable")
        return new
