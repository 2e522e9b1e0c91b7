"""What to compare a trained model with: trivial models, and how much of a test set is in training.

A test set that the nearest training sentence already translates well, or whose sentences stand in the
training set in long runs, says little about a model.
"""

import itertools
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

from seq2seq.evaluation.held_out import NEAREST
from seq2seq.metrics.metric import References
from seq2seq.metrics.scores import EvaluationParams, score
from seq2seq.text.corpus import COLUMNS, read_partitions
from seq2seq.text.languages import split_words

TRAINING_LINES = 200_000  # at most, from the beginning of the training set: bounds time and memory
QUERIES_AT_ONCE = 32  # similarities held in memory: this many times the training lines, 4 bytes each

Words = npt.NDArray[np.int64]
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


def read_training(folder: Path, limit: int = TRAINING_LINES) -> pd.DataFrame:
    """Read the first ``limit`` pairs of a training corpus, with a notice if there are more."""
    frames: list[pd.DataFrame] = []
    total = 0
    for frame in read_partitions(folder):
        if total < limit:
            frames.append(frame.head(limit - total))
        total += len(frame)
    if total > limit:
        print(
            f"baselines: compare with the first {limit:,} of {total:,} training pairs only", file=sys.stderr, flush=True
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS, dtype="str")


def score_baselines(
    training: pd.DataFrame, tests: Mapping[str, pd.DataFrame], language: str, params: EvaluationParams
) -> dict[str, Any]:
    """Compare each test set with training pairs; ``language`` is that of the targets.

    Returns:
        ``training_lines``, and per test set the scores of ``copy_source`` and ``nearest_sentence``, with
        ``params.rouge`` those of ``lead_sentence`` too, and the ``overlap`` of :func:`measure_overlap`.
    """

    def scores(predictions: Sequence[str], references: References) -> dict[str, Any]:
        return score(predictions, references, language, params.bootstrap_samples, params.seed, params.rouge)

    names, frames = list(tests), list(tests.values())
    nearest = nearest_targets(training, [source for frame in frames for source in frame["source"]])
    report = {}
    for name, frame in zip(names, frames, strict=True):
        sources, references = frame["source"].tolist(), frame["references"].tolist()
        predictions, nearest = nearest[: len(frame)], nearest[len(frame) :]
        report[name] = {
            "copy_source": scores(sources, references),
            NEAREST: scores(predictions, references),
            "overlap": measure_overlap(training["target"].tolist(), list(itertools.chain.from_iterable(references))),
        }
        if params.rouge:
            report[name]["lead_sentence"] = scores(list(map(lead_sentence, sources)), references)
    return {"training_lines": len(training), "tests": report}


def lead_sentence(text: str) -> str:
    """The first sentence of a text: for news, a summary that is not easily beaten."""
    return _SENTENCE_END.split(text, maxsplit=1)[0]


def nearest_targets(training: pd.DataFrame, sources: Sequence[str]) -> list[str]:
    """The target of the training source nearest to each source.

    Nearest is the highest cosine of TF-IDF weights over words and pairs of words; of equals, the first.
    """
    weights = TfidfVectorizer(tokenizer=split_words, token_pattern=None, ngram_range=(1, 2), dtype=np.float32)
    known = weights.fit_transform(training["source"]).T.tocsr()
    targets = training["target"].to_numpy()
    nearest: list[str] = []
    for start in range(0, len(sources), QUERIES_AT_ONCE):
        queries = weights.transform(sources[start : start + QUERIES_AT_ONCE])
        nearest.extend(targets[(queries @ known).toarray().argmax(axis=1)])
    return nearest


def measure_overlap(training: Sequence[str], tests: Sequence[str]) -> dict[str, float]:
    """How long the runs of words are that a test sentence shares with any one training sentence.

    Returns:
        ``longest`` and ``median`` over the test sentences of each one's longest run, in words regardless
        of case and punctuation, and ``mean_share``, the mean of that run's share of the sentence (0 to 1).
    """
    numbers: dict[str, int] = {}
    known, _ = _number_words(training, numbers, end=-1)
    asked, sentence = _number_words(tests, numbers, end=-2)
    longest = _longest_runs(known, asked, sentence, len(tests))
    lengths = np.bincount(sentence[asked >= 0], minlength=len(tests))
    return {
        "longest": int(longest.max()),
        "median": float(np.median(longest)),
        "mean_share": round(float(np.mean(longest / np.maximum(lengths, 1))), 4),
    }


def _number_words(texts: Sequence[str], numbers: dict[str, int], end: int) -> tuple[Words, Words]:
    """All words as numbers, one ``end`` behind each text, and the index of the text each stands in."""
    words: list[int] = []
    lengths: list[int] = []
    for text in texts:
        found = [numbers.setdefault(word, len(numbers)) for word in split_words(text.lower())]
        words += [*found, end]
        lengths.append(len(found) + 1)
    return np.array(words, dtype=np.int64), np.repeat(np.arange(len(lengths)), lengths)


def _longest_runs(known: Words, asked: Words, sentence: Words, sentences: int) -> Words:
    """Length of the longest run of each sentence of ``asked`` that also stands in ``known``.

    Grows all runs by one word at a time. A run of n words is shared only if its first n - 1 are, so each
    round keeps just the positions whose runs still are, and names a run by the rank of its beginning and
    its last word: the arrays shrink fast, and no run is ever written out.
    """
    longest = np.zeros(sentences, dtype=np.int64)
    vocabulary = int(max(known.max(), asked.max(), 0)) + 3  # room for the two end marks
    known_at, asked_at = np.flatnonzero(known >= 0), np.flatnonzero(asked >= 0)
    known_run, asked_run = known[known_at], asked[asked_at]
    for length in itertools.count(1):
        shared = np.intersect1d(known_run, asked_run)
        if not len(shared):
            break
        known_kept, asked_kept = np.isin(known_run, shared), np.isin(asked_run, shared)
        known_at, asked_at = known_at[known_kept], asked_at[asked_kept]
        longest[sentence[asked_at]] = length
        # no run passes the end of its text: the two end marks differ, so neither is shared
        known_run = np.searchsorted(shared, known_run[known_kept]) * vocabulary + known[known_at + length] + 2
        asked_run = np.searchsorted(shared, asked_run[asked_kept]) * vocabulary + asked[asked_at + length] + 2
    return longest
