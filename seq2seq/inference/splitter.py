"""Texts as sentences that a model can read, the same in training, evaluation and service."""

from seq2seq.inference.documents import Document, split_sentences, split_to_fit, whole
from seq2seq.text.languages import LanguagesParams
from seq2seq.text.normalization import normalise
from seq2seq.text.scripts import writes_spaces
from seq2seq.tokenizers.base import Tokenizer


class Splitter:
    """Splits texts for one model, and puts its outputs together."""

    def __init__(self, tokenizer: Tokenizer, languages: LanguagesParams, limit: int) -> None:
        """Take the model's tokenizer and languages, and how many pieces a source may have."""
        self.tokenizer, self.languages, self.limit = tokenizer, languages, limit
        # pieces beside those of a text: EOS, a prefix, and a space before the first word
        self._beside = len(tokenizer.encode_source([""])[0]) + 1

    @property
    def splits(self) -> bool:
        """Whether texts are split into sentences: between two languages a text is translated sentence by sentence.

        In one language (summaries, answers, corrections) what comes out may depend on the whole.
        """
        return self.languages.source != self.languages.target

    @property
    def fate_of_long(self) -> str:
        """What becomes of a text with a sentence that is too long, in words."""
        return "such sentences were split" if self.splits else "their ends were cut off"

    def find_long(self, texts: list[str]) -> list[bool]:
        """Which texts have a sentence of more pieces than the model reads; those that aren't split, as a whole."""
        documents = [self._sentences(text).sentences for text in texts]
        exceeding = iter(self._exceed([sentence for document in documents for sentence in document]))
        # lists, since each sentence takes its own answer
        return [True in [next(exceeding) for _ in document] for document in documents]

    def split(self, texts: list[str]) -> list[Document]:
        """The sentences of each text, none longer than the model reads; where texts aren't split, the text itself.

        An output's sentences stand in the place of the text's, which keeps its lines, indentation and bullets.
        """
        documents = list(map(self._sentences, texts))
        if not self.splits:
            return documents
        exceeding = iter(self._exceed([sentence for document in documents for sentence in document.sentences]))
        return [self._fit(document, [next(exceeding) for _ in document.sentences]) for document in documents]

    def join(self, document: Document, outputs: list[str]) -> str:
        """A text from the outputs of its sentences; empty where there is nothing to read in it."""
        if not normalise(document.join(document.sentences)):
            return ""
        return document.join(outputs, spaced=writes_spaces(self.languages.target))

    def _sentences(self, text: str) -> Document:
        return split_sentences(text, self.languages.source) if self.splits else whole(text)

    def _exceed(self, sentences: list[str]) -> list[bool]:
        """Which sentences have more pieces than the model reads."""
        most = self.limit - self._beside  # a piece of a text has a byte at least
        unsure = [row for row, sentence in enumerate(sentences) if len(normalise(sentence).encode()) > most]
        exceeding = [False] * len(sentences)
        for row, pieces in zip(unsure, self.tokenizer.encode_source([sentences[row] for row in unsure]), strict=True):
            exceeding[row] = len(pieces) > self.limit
        return exceeding

    def _fit(self, document: Document, exceeding: list[bool]) -> Document:
        """The same, its sentences of too many pieces split further."""
        if not any(exceeding):
            return document
        sentences: list[str] = []
        places: set[int] = set()
        gaps = [document.gaps[0]]
        for sentence, after, too_long in zip(document.sentences, document.gaps[1:], exceeding, strict=True):
            parts = split_to_fit(sentence, lambda part: not any(self._exceed([part]))) if too_long else whole(sentence)
            places |= set(range(len(sentences), len(sentences) + len(parts.sentences))) if too_long else set()
            sentences += parts.sentences
            gaps[-1] += parts.gaps[0]
            gaps += [*parts.gaps[1:-1], parts.gaps[-1] + after]
        return Document(sentences, gaps, frozenset(places))
