"""Texts as people write them: paragraphs and lists, whose sentences a model translates one by one.

Sentences are found by sentencex (https://github.com/wikimedia/sentencex), line by line. What stands between them, such
as line breaks, indentation and bullets, stays as it is.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sentencex  # type: ignore[import-untyped]

_LINE = re.compile(r"[^\r\n]+")
# what a line begins with and no language changes: indentation, quotation marks of e-mail, bullets, numbers of a list
_OPENING = re.compile(r"\s*(?:>\s*)*(?:(?:[-*+•‣◦▪·–]|#{1,6}|\(?\d{1,3}[.)]|[a-zA-Z][.)])\s+)?\s*")
_CLAUSES = re.compile(r"[,;:،؛、，；：—–](?:\s+|(?<=[、，；：]))")
_SPACES = re.compile(r"\s+")
# sentencex 1.0.32 ends the process where one stands before a full stop: it takes it for a byte
_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")


@dataclass(frozen=True)
class Document:
    """A text as its sentences and what stands around them.

    ``gaps`` has one entry more than ``sentences``: what stands before each, and after the last. ``parts`` are the
    places of those that are parts of a sentence which was too long for a model.
    """

    sentences: list[str]
    gaps: list[str]
    parts: frozenset[int] = frozenset()

    def join(self, translations: list[str], *, spaced: bool | None = None) -> str:
        """The text with each sentence replaced.

        Args:
            translations: of each sentence.
            spaced: whether a space stands between two sentences in the language of the translations; None leaves the
                gaps as they are.
        """
        inner = self.gaps[1:-1]
        if spaced is not None:
            inner = [(" " if spaced else "") if gap in ("", " ") else gap for gap in inner]
        gaps = [*self.gaps[: len(self.sentences) and 1], *inner, self.gaps[-1]]
        return "".join([part for pair in zip(gaps, translations, strict=False) for part in pair] + gaps[-1:])


def whole(text: str) -> Document:
    """A text that is translated as one."""
    return Document([text], ["", ""])


def split_sentences(text: str, language: str) -> Document:
    """Split a text into sentences: ``document.join(document.sentences)`` is the text again.

    Args:
        text: of any length.
        language: a BCP 47 tag, whose abbreviations end no sentence.
    """
    sentences: list[str] = []
    gaps: list[str] = []
    end = 0  # of the last sentence
    for first, last in _spans(text, language.split("-", maxsplit=1)[0]):
        gaps.append(text[end:first])
        sentences.append(text[first:last])
        end = last
    return Document(sentences, [*gaps, text[end:]])


def _spans(text: str, language: str) -> Iterator[tuple[int, int]]:
    for line in _LINE.finditer(text):
        opening = _OPENING.match(line[0])
        start = line.start() + (opening.end() if opening else 0)
        for segment in sentencex.segment(language, _WIDE_SPACE.sub(" ", text[start : line.end()])):
            sentence = text[start : start + len(segment)]
            stripped = sentence.strip()
            if stripped:
                first = start + sentence.index(stripped)
                yield first, first + len(stripped)
            start += len(sentence)


def split_to_fit(sentence: str, fits: Callable[[str], bool]) -> Document:
    """Split a sentence that is too long for a model, near its middle: at a clause's end, else a space, else anywhere.

    Args:
        sentence: the text.
        fits: whether a part is short enough. A single character always is.
    """
    if fits(sentence) or len(sentence) < 2:
        return whole(sentence)
    middle = len(sentence) // 2
    place = (middle, middle)
    for pattern in (_CLAUSES, _SPACES):
        within = [(match.start(), match.end()) for match in pattern.finditer(sentence)]
        within = [(first, last) for first, last in within if len(sentence) // 8 < last < len(sentence) * 7 // 8]
        if within:
            first, last = min(within, key=lambda span: abs(span[1] - middle))
            # the mark stays with what it ends, the space is a gap
            place = (last - len(sentence[first:last]) + len(sentence[first:last].rstrip()), last)
            break
    left, right = (split_to_fit(part, fits) for part in (sentence[: place[0]], sentence[place[1] :]))
    between = left.gaps[-1] + sentence[place[0] : place[1]] + right.gaps[0]
    return Document([*left.sentences, *right.sentences], [*left.gaps[:-1], between, *right.gaps[1:]])
