"""Lines that are nearly an earlier one, found by MinHash (Broder 1997) in bands, a few bytes a line.

Two lines are alike by the Jaccard similarity of their runs of 4 characters, which the minima of hash functions tell.
Cut into bands of so many rows, two lines of similarity s meet in a band with the probability 1 - (1 - s ** rows) **
bands (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4).
"""

import hashlib

import numpy as np
from rensa import RMinHash

from seq2seq.cleaning.duplicates import Hashes, Mask, Seen, hash_texts

PERMUTATIONS = 128  # hash functions
RUN = 4  # characters
SEED = 1


def cut_bands(similarity: float) -> tuple[int, int]:
    """Bands and rows of each, with which two lines of this similarity are about as likely found as not."""
    cuts = [(PERMUTATIONS // rows, rows) for rows in range(1, PERMUTATIONS + 1)]
    return min(cuts, key=lambda cut: abs((1 / cut[0]) ** (1 / cut[1]) - similarity))


def hash_near(texts: list[str], similarity: float) -> Hashes:
    """Hashes (N, B) of which two lines share one if they are alike: at similarity 1 the text's, else a band's each."""
    if similarity == 1 or not texts:
        return hash_texts(texts)[:, np.newaxis]
    bands, rows = cut_bands(similarity)
    minima = np.array(RMinHash.digests_from_token_sets([_runs(text) for text in texts], PERMUTATIONS, SEED), np.uint32)
    data = np.ascontiguousarray(minima[:, : bands * rows]).tobytes()
    width = rows * minima.itemsize
    parts = [data[begin : begin + width] for begin in range(0, len(data), width)]
    digests = b"".join([hashlib.blake2b(part, digest_size=8).digest() for part in parts])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64).reshape(len(texts), bands)


def _runs(text: str) -> list[str]:
    return list({text[begin : begin + RUN] for begin in range(max(1, len(text) - RUN + 1))})


class NearSeen:
    """The lines met so far, remembered as 8 bytes for each band."""

    def __init__(self) -> None:
        self._bands: list[Seen] = []

    def add(self, hashes: Hashes) -> Mask:
        """Remember lines (N, B); tell which are like none that was met before, nor like an earlier one of ``hashes``.

        A line that isn't new is remembered too, so of a chain in which each is like the next the first alone is new.
        """
        self._bands += [Seen() for _ in range(hashes.shape[1] - len(self._bands))]
        new = [seen.add(band) for seen, band in zip(self._bands, hashes.T, strict=False)]
        return np.asarray(np.logical_and.reduce(new))
