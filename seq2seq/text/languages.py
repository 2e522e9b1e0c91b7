"""What the pipeline must know about a language: its script, and how its BLEU is tokenized."""

import re

from pydantic import Field, field_validator

from seq2seq.core.params import Section

CODE = re.compile("[a-z]{2,3}")


class LanguagesParams(Section):
    """The direction of translation; for other tasks both may be the same language."""

    source: str = Field(
        description="Reads sources in this language, an ISO 639 code; a corpus that lacks it is refused."
    )
    target: str = Field(
        description="Learns to write this language, an ISO 639 code, and scores outputs as suits its script."
    )

    @field_validator("source", "target")
    @classmethod
    def _is_a_code(cls, code: str) -> str:
        if not CODE.fullmatch(code):
            raise ValueError("write an ISO 639 code, such as en")
        return code

    def reverse(self) -> "LanguagesParams":
        """The opposite direction."""
        return LanguagesParams(source=self.target, target=self.source)


# sacreBLEU's tokenizer per target language; 13a everywhere else. 13a scores unsegmented Chinese 0.
BLEU_TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}

# Thai, Lao, Myanmar, Khmer, kana and Han are written without spaces
_UNSPACED_CHARACTERS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED = re.compile(f"[{_UNSPACED_CHARACTERS}]")
# ASCII, Latin, general, CJK and full-width punctuation and white space stand between words
_BETWEEN_WORDS = r"\s!-/:-@\[-`{-~\u00a0-\u00bf\u2000-\u206f\u3000-\u303f\uff00-\uff0f\uff1a-\uff20"
_WORD = re.compile(f"[{_UNSPACED_CHARACTERS}]|[^{_BETWEEN_WORDS}{_UNSPACED_CHARACTERS}]+")
_CHARACTERS_PER_WORD = 2


def bleu_tokenizer(language: str) -> str:
    """Name of the sacreBLEU tokenizer for text in ``language``."""
    return BLEU_TOKENIZERS.get(language, "13a")


def count_words(text: str) -> float:
    """Length of a text in words, comparable between scripts with and without spaces.

    Runs without spaces count one word for every two characters, words between spaces count one.
    """
    if text.isascii():  # only to be fast: cleaning counts every line
        return len(text.split())
    unspaced = len(_UNSPACED.findall(text))
    spaced = len(_UNSPACED.sub(" ", text).split())
    return spaced + unspaced / _CHARACTERS_PER_WORD


def split_words(text: str) -> list[str]:
    """Words without the punctuation between them; each character of an unspaced script is a word."""
    return _WORD.findall(text)
