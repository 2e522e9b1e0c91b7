"""What a training has to beat: the loss of guessing each piece by how often it stands in the training set."""

import numpy as np
from numpy.typing import NDArray

from seq2seq.models.batches import PairedSequences, Shards
from seq2seq.tokenizers.base import EOS


def unigram_loss(training: Shards, validation: PairedSequences, vocabulary: int) -> float:
    """Cross-entropy of the validation targets under the frequencies of the training targets' pieces.

    In nats per target token, EOS included, as validations compute a model's. Each of the ``vocabulary`` pieces is
    counted once more than it was seen (Laplace's rule of succession), so that none is impossible.
    """
    counts = np.ones(vocabulary, dtype=np.int64)
    for index in range(len(training)):
        counts += _count_targets(training[index], vocabulary)
    asked = _count_targets(validation, vocabulary)
    return float(-(asked @ np.log(counts / counts.sum())) / asked.sum())


def _count_targets(pairs: PairedSequences, vocabulary: int) -> NDArray[np.int64]:
    """How often each piece is a target [V]."""
    counts = np.bincount(pairs.tgt.flat, minlength=vocabulary)
    counts[EOS] += len(pairs)
    return counts
