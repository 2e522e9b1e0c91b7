"""Which words of an output come from which part of its source, by what the model looked at while it wrote them.

Shapes: T words of the output, C characters of the source.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seq2seq.inference.documents import Document
from seq2seq.text.languages import word_spans
from seq2seq.tokenizers.base import Tokenizer

Span = tuple[int, int]  # from the first to behind the last
_SURE = 0.5  # of a word's attention: then it comes from a part of the source more than from all the rest


@dataclass(frozen=True)
class Alignment:
    """How much each word of an output comes from each character of its source."""

    words: list[Span]  # in characters of the output
    weights: NDArray[np.float32]  # [T, C], rows sum to 1, unless a word comes from nothing

    @classmethod
    def whole(cls, source: str, output: str) -> "Alignment":
        """The output as one word, which comes from all of the source."""
        words = [(0, len(output))] if output else []
        return cls(words, np.full((len(words), len(source)), 1 / max(len(source), 1), np.float32))

    @classmethod
    def of(
        cls, source: str, output: str, spans: tuple[list[Span], list[Span]], attention: NDArray[np.float32] | None
    ) -> "Alignment":
        """Make it of attention between pieces.

        Args:
            source: the text that was read.
            output: the text that was written.
            spans: the characters of each piece of the source and of the output.
            attention: [pieces of the output, pieces of the source]; None where a model has none: then words are taken
                to come in the order of the source.
        """
        words = word_spans(output)
        if attention is None:
            middles = (np.array([sum(word) / 2 for word in words]) / max(len(output), 1))[:, None]
            places = ((np.arange(len(source)) + 0.5) / max(len(source), 1))[None, :]
            return cls(words, _normalised(np.exp(-(((middles - places) * 10) ** 2)).astype(np.float32)))
        by_char = np.zeros((len(attention), len(source)), np.float32)
        for piece, (start, end) in enumerate(spans[0]):
            if end > start:
                by_char[:, start:end] += attention[:, piece, None] / (end - start)
        by_char[:, [char.isspace() for char in source]] = 0
        rows = np.zeros((len(words), len(source)), np.float32)
        for number, (start, end) in enumerate(words):
            for piece, (first, last) in enumerate(spans[1]):
                rows[number] += by_char[piece] * max(0, min(end, last) - max(start, first))
        return cls(words, _normalised(rows))

    @classmethod
    def join(
        cls, source: str, document: Document, output: str, outputs: Sequence[str], parts: Sequence["Alignment"]
    ) -> "Alignment":
        """The alignment of a text and its output, from those of its sentences."""
        words: list[Span] = []
        weights = np.zeros((sum(len(part.words) for part in parts), len(source)), np.float32)
        read = written = 0
        for sentence, text, part in zip(document.sentences, outputs, parts, strict=True):
            read, written = source.index(sentence, read), output.index(text, written)
            rows = slice(len(words), len(words) + len(part.words))
            weights[rows, read : read + len(sentence)] = part.weights
            words += [(start + written, end + written) for start, end in part.words]
            read, written = read + len(sentence), written + len(text)
        return cls(words, weights)

    def best_span(self, start: int, end: int, free: Sequence[Span], *, sure: bool) -> Span | None:
        """The words that best stand for ``source[start:end]``.

        Args:
            start: of the part.
            end: of the part.
            free: spans of words, one of which they must be within.
            sure: whether to give None where none of the words comes more from the part than from the rest.
        """
        share = self.weights[:, start:end].sum(1)  # [T]
        gain = share - _SURE
        best, most = None, 0.0
        for low, high in free:
            begin, total = low, 0.0
            for word in range(low, high):
                if total <= 0:
                    begin, total = word, 0.0
                total += float(gain[word])
                if total > most:
                    best, most = (begin, word + 1), total
        if best or sure or not free:
            return best
        word = max((word for low, high in free for word in range(low, high)), key=lambda word: float(share[word]))
        return word, word + 1

    def best_point(self, start: int, first: int, last: int, taken: Sequence[Span]) -> int:
        """Before which word a point of the source stands: most words before it come from before, the others not.

        Args:
            start: the point.
            first: the first word that it may stand before.
            last: the word that it may stand before at last.
            taken: spans of words that it may not stand within.
        """
        before = self.weights[:, :start].sum(1)
        after = self.weights[:, start:].sum(1)
        allowed = [word for word in range(first, last + 1) if not any(low < word < high for low, high in taken)]
        return max(allowed, key=lambda word: (float(before[:word].sum() + after[word:].sum()), -word), default=last)


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
        found.append(list(zip(ends, ends[1:], strict=False)))
    return found


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    totals = rows.sum(1, keepdims=True)
    return np.divide(rows, totals, out=np.zeros_like(rows), where=totals > 0)
