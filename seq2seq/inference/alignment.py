"""Which words of an output come from which part of its source, by what the model looked at while it wrote them.

Shapes: T words of an output, C characters of its source.
"""

from collections.abc import Container, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.inference.documents import Document
from seq2seq.text.languages import word_spans
from seq2seq.tokenizers.base import Tokenizer

Span = tuple[int, int]  # from the first to behind the last
_SURE = 0.5  # of a word's attention: then it comes from a part of the source more than from all the rest
_SHARPNESS = 10  # of the guess where a model has no attention: a word comes from the tenth of a text around its place


class Sentence(NamedTuple):
    """How much each word of one output comes from each character of its sentence."""

    words: list[Span]  # in characters of the output
    weights: NDArray[np.float32]  # [T, C], rows sum to 1, unless a word comes from nothing


class Alignment:
    """The words of an output, and which part of the source they come from, sentence by sentence."""

    def __init__(self, sentences: Sequence[Sentence], starts: Sequence[int] = (0,)) -> None:
        """Take sentences whose words are in characters of the whole output, and where each starts in the source."""
        self.words = [word for sentence in sentences for word in sentence.words]
        self._parts: list[tuple[int, int, NDArray[np.float32]]] = []  # first word, start, weights
        first = 0
        for sentence, start in zip(sentences, starts, strict=True):
            self._parts.append((first, start, sentence.weights))
            first += len(sentence.words)

    @classmethod
    def whole(cls, output: str) -> "Alignment":
        """The output as one word, which comes from all of the source."""
        return cls([Sentence([(0, len(output))], np.ones((1, 1), np.float32))] if output else [], [0] if output else [])

    @classmethod
    def join(
        cls, source: str, document: Document, output: str, outputs: Sequence[str], parts: Sequence[Sentence]
    ) -> "Alignment":
        """The alignment of a text and its output, from those of its sentences."""
        moved: list[Sentence] = []
        starts: list[int] = []
        read = written = 0
        for sentence, text, part in zip(document.sentences, outputs, parts, strict=True):
            read, written = source.index(sentence, read), output.index(text, written)
            moved.append(Sentence([(start + written, end + written) for start, end in part.words], part.weights))
            starts.append(read)
            read, written = read + len(sentence), written + len(text)
        return cls(moved, starts)

    def best_span(self, start: int, end: int, free: Sequence[Span], *, sure: bool) -> Span | None:
        """The words that best stand for ``source[start:end]``.

        Args:
            start: of the part.
            end: of the part.
            free: spans of words, one of which they must be within.
            sure: whether to give None where none of the words comes more from the part than from the rest.
        """
        first, share = self._share(start, end)
        within = [(max(low, first), min(high, first + len(share))) for low, high in free]
        within = [(low, high) for low, high in within if low < high]
        best, most = None, 0.0
        for low, high in within:
            begin, total = low, 0.0
            for word in range(low, high):
                if total <= 0:
                    begin, total = word, 0.0
                total += share[word - first] - _SURE
                if total > most:
                    best, most = (begin, word + 1), total
        if best or sure or not within:
            return best
        word = max((word for low, high in within for word in range(low, high)), key=lambda word: share[word - first])
        return word, word + 1

    def best_point(self, point: int, low: int, high: int, taken: Container[int]) -> int:
        """Before which word a point of the source stands: most words before it come from before, the others not.

        Args:
            point: in characters.
            low: the first word that it may stand before.
            high: the word that it may stand before at last.
            taken: words that it may not stand before.
        """
        first, before = self._share(0, point, around=point)
        gains = np.concatenate([[0.0], np.cumsum(2 * np.array(before) - 1)])
        lowest = min(max(low, first), high)
        highest = max(min(high, first + len(before)), lowest)
        allowed = [word for word in range(lowest, highest + 1) if word not in taken]
        place = {word: min(max(word - first, 0), len(before)) for word in allowed}
        return max(allowed, key=lambda word: (gains[place[word]], -word), default=high)

    def _share(self, start: int, end: int, around: int | None = None) -> tuple[int, list[float]]:
        """How much of each word comes from ``source[start:end]``, from the first word on of which any may.

        With ``around``, words of the one sentence that stands there, or ends before it.
        """
        firsts: list[int] = []
        shares: list[float] = []
        for first, offset, weights in self._parts:
            if around is not None:
                if offset > around and firsts:
                    break
                firsts, shares = [], []
            elif offset >= end or offset + weights.shape[1] <= start:
                continue
            firsts.append(first)
            shares += weights[:, max(start - offset, 0) : max(end - offset, 0)].sum(1).tolist()
        return (firsts[0] if firsts else 0), shares


def align_sentence(
    source: str, output: str, spans: tuple[list[Span], list[Span]], attention: NDArray[np.float32] | None
) -> Sentence:
    """From attention between pieces to words.

    Args:
        source: the text that was read.
        output: the text that was written.
        spans: the characters of each piece of the source and of the output.
        attention: [pieces of the output, pieces of the source]; None where a model has none: then words are taken to
            come in the order of the source.
    """
    words = word_spans(output)
    rows = np.zeros((len(words), len(source)), np.float32)
    if attention is None:
        middles = np.array([sum(word) / 2 for word in words]).reshape(-1, 1) / max(len(output), 1)
        places = (np.arange(len(source)) + 0.5) / max(len(source), 1)
        rows[:] = np.exp(-(((middles - places) * _SHARPNESS) ** 2))
        return Sentence(words, _normalised(rows))
    by_char = np.zeros((len(attention), len(source)), np.float32)
    for piece, (start, end) in enumerate(spans[0]):
        if end > start:
            by_char[:, start:end] += attention[:, piece, None] / (end - start)
    by_char[:, [char.isspace() for char in source]] = 0
    for number, (start, end) in enumerate(words):
        for piece, (first, last) in enumerate(spans[1]):
            if (shared := min(end, last) - max(start, first)) > 0:
                rows[number] += by_char[piece] * shared
    return Sentence(words, _normalised(rows))


def find_pieces(tokenizer: Tokenizer, ids: Sequence[list[int]], texts: Sequence[str]) -> list[list[Span]]:
    """Where in each text its pieces stand, told by what the beginnings of the list of pieces spell.

    Args:
        tokenizer: whose target pieces they are.
        ids: pieces of each text.
        texts: normalised.
    """
    found = []
    for pieces, text in zip(ids, texts, strict=True):
        lengths = list(map(len, tokenizer.decode_target([pieces[:end] for end in range(1, len(pieces) + 1)])))
        # what stands before the text is a prefix of the tokenizer's own, such as the name of a task
        shift = max((lengths[-1] if lengths else 0) - len(text), 0)
        ends = np.clip(np.maximum.accumulate(np.array([0, *lengths])) - shift, 0, len(text)).tolist()
        found.append(list(pairwise(ends)))
    return found


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    totals = rows.sum(1, keepdims=True)
    totals[totals == 0] = 1
    rows /= totals
    return rows
