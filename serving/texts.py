"""What a request wants translated, as sentences, and how their outputs become an answer."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from seq2seq.inference.documents import Document
from seq2seq.inference.markup import parse_html
from seq2seq.inference.pages import write_html
from serving.models import Loaded


class Texts(Protocol):
    """Texts of a request, in the form that it sent."""

    sentences: list[str]
    parts: frozenset[int]  # places of those that are parts of a longer one
    asks_model: bool  # to write, which takes its time

    def write(self, outputs: Sequence[str]) -> list[str]:
        """The answer to each text, from the output of every sentence."""
        ...


class PlainTexts:
    """Texts without markup."""

    asks_model = False

    def __init__(self, model: Loaded, texts: list[str]) -> None:
        """Split them into sentences."""
        self._model = model
        self._documents = model.split(texts)
        self.sentences = _sentences(self._documents)
        self.parts = _parts(self._documents)

    def write(self, outputs: Sequence[str]) -> list[str]:
        """The answer to each text, from the output of every sentence."""
        rest = iter(outputs)
        return [self._model.join(document, [next(rest) for _ in document.sentences]) for document in self._documents]


class Pages:
    """HTML: pages, or parts of pages."""

    asks_model = True

    def __init__(self, model: Loaded, pages: list[str]) -> None:
        """Parse them, and split their texts into sentences."""
        self._model = model
        self._pages = [parse_html(page) for page in pages]
        self._documents = model.split([block.text for page in self._pages for block in page.blocks])
        self.sentences = _sentences(self._documents)
        self.parts = _parts(self._documents)

    def write(self, outputs: Sequence[str]) -> list[str]:
        """The answer to each page, from the output of every sentence."""
        return write_html(self._model.translator, self._pages, self._documents, outputs)


FORMATS: dict[str, type[PlainTexts] | type[Pages]] = {"text": PlainTexts, "html": Pages}


def _sentences(documents: list[Document]) -> list[str]:
    return [sentence for document in documents for sentence in document.sentences]


def _parts(documents: list[Document]) -> frozenset[int]:
    firsts = accumulate((len(document.sentences) for document in documents), initial=0)
    pairs = zip(documents, firsts, strict=False)  # the last is the number of all sentences
    return frozenset(first + place for document, first in pairs for place in document.parts)
