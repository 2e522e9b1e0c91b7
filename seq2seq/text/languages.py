"""Codes of languages, and words of texts in any script."""

import re
import unicodedata
from collections.abc import Sequence

from pydantic import Field, field_validator

from seq2seq.core.params import Section
from seq2seq.text.scripts import canonical_code, unknown_subtag

# the part of BCP 47 (RFC 5646) that corpora use: a language, a script, a region; zh-Hant, pt-BR, sr-Latn-RS
TAG = re.compile("[a-z]{2,3}(-[A-Z][a-z]{3})?(-(?:[A-Z]{2}|[0-9]{3}))?")


class LanguagesParams(Section):
    """The direction of translation; for other tasks both may be the same language."""

    source: str = Field(
        description="Reads sources in this language, a BCP 47 tag such as en, pt-BR or zh-Hant; a corpus must have it."
    )
    target: str = Field(
        description="Learns to write this language, a BCP 47 tag, and scores outputs as suits its script."
    )

    @field_validator("source", "target")
    @classmethod
    def _is_a_tag(cls, tag: str) -> str:
        if not TAG.fullmatch(tag):
            hint = f"; did you mean {usual}?" if TAG.fullmatch(usual := usual_case(tag)) else ""
            raise ValueError(f"'{tag}' is no tag of a language, such as en, pt-BR or zh-Hant{hint}")
        if unknown := unknown_subtag(tag):
            raise ValueError(f"'{unknown}' in '{tag}' is no language, script or region that the Unicode CLDR knows")
        return tag

    def reverse(self) -> "LanguagesParams":
        """The opposite direction."""
        return LanguagesParams(source=self.target, target=self.source)


def usual_case(tag: str) -> str:
    """A tag as BCP 47 recommends it to be written: zh-Hant, pt-BR."""
    first, *rest = tag.replace("_", "-").split("-")
    return "-".join([first.lower(), *(part.title() if len(part) == 4 else part.upper() for part in rest)])


def matching(language: str, tags: Sequence[str]) -> str | None:
    """The one of ``tags``, as files write them, that stands for ``language``; None where none does.

    The same tag comes first (``en_GB`` is ``en-GB``, ``eng`` is ``en``), then the first variety in order of name
    (``en`` is served by ``en-GB`` before ``en-US``), then, for a region's variety, the language alone (``pt-BR`` by
    ``pt``).
    """
    wanted = _known(language)
    known = {tag: _known(tag) for tag in tags}
    exact = [tag for tag in tags if known[tag] == wanted]
    narrower = sorted((tag for tag in tags if known[tag].startswith(f"{wanted}-")), key=lambda tag: (known[tag], tag))
    base, _, region = wanted.rpartition("-")
    wider = [tag for tag in tags if known[tag] == base and len(region) in (2, 3)]
    return next(iter([*exact, *narrower, *wider]), None)


def _known(tag: str) -> str:
    """A tag that can be compared: eng is en, and cmn, the most usual Chinese, is zh."""
    first, *rest = tag.casefold().replace("_", "-").split("-")
    return "-".join([canonical_code(first), *rest])


# Blocks of scripts that put no spaces between words: a line breaks by dictionary or after any syllable (UAX #14,
# classes SA, AK, AS and ID, https://www.unicode.org/reports/tr14/).
_UNSPACED_BLOCKS = (
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19FF),  # Tai Le, New Tai Lue, Khmer symbols
    (0x1A20, 0x1B7F),  # Tai Tham, Balinese
    (0x3000, 0x312F),  # 々 and 〆, kana, bopomofo
    (0x31A0, 0x31FF),  # more bopomofo, more kana
    (0xA980, 0xAA7F),  # Javanese, more Myanmar, Cham
    (0xAA80, 0xAADF),  # Tai Viet
    (0xFF61, 0xFF9F),  # half-width kana
)
# Han with its extensions, Yi, and Tangut to old kana: too large to look at each of their characters, which are letters
_UNSPACED_LETTERS = r"\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\U00017000-\U0001b2ff\U00020000-\U0003ffff"
_HALF_WIDTH_MARKS = "\uff9e\uff9f"  # they voice the kana before them, but Unicode calls them letters


def _unspaced_characters(kinds: str) -> str:
    """The characters of the unspaced blocks whose general category begins with one of ``kinds``."""
    codes = (code for first, last in _UNSPACED_BLOCKS for code in range(first, last + 1))
    return "".join(char for char in map(chr, codes) if unicodedata.category(char)[0] in kinds)


_LETTERS = "".join(char for char in _unspaced_characters("LN") if char not in _HALF_WIDTH_MARKS) + _UNSPACED_LETTERS
_MARKS = _unspaced_characters("M") + _HALF_WIDTH_MARKS
_UNSPACED = f"[{_LETTERS}][{_MARKS}]*"  # a letter with its vowel signs and tones
_UNSPACED_POINTS = re.escape(_unspaced_characters("PSZ"))
# ASCII, Latin, general and full-width punctuation and white space stand between words as well
_BETWEEN_WORDS = rf"\s!-/:-@\[-`{{-~\u00a0-\u00bf\u2000-\u206f\uff00-\uff0f\uff1a-\uff20{_UNSPACED_POINTS}"
_LETTER_RUN = re.compile(f"[{_LETTERS}]+")
_NOT_SPACED = re.compile(f"[{_LETTERS}{_MARKS}{_UNSPACED_POINTS}]+")
_WORD = re.compile(f"{_UNSPACED}|[^{_BETWEEN_WORDS}{_LETTERS}]+")
_WORD_OR_MARK = re.compile(rf"{_WORD.pattern}|\S")
_LETTERS_PER_WORD = 2


def count_words(text: str) -> float:
    """Length of a text in words, comparable between scripts with and without spaces.

    A word between spaces counts as one, and so do two letters of a script without spaces; vowel signs don't count.
    """
    if text.isascii():  # only to be fast: cleaning counts every line
        return len(text.split())
    unspaced = sum(map(len, _LETTER_RUN.findall(text)))
    spaced = len(_NOT_SPACED.sub(" ", text).split())
    return spaced + unspaced / _LETTERS_PER_WORD


def split_words(text: str) -> list[str]:
    """Words without the punctuation between them; each letter of an unspaced script, with its signs, is a word."""
    return _WORD.findall(text)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where each word of :func:`split_words` stands, and each mark of punctuation: start and end in characters."""
    return [match.span() for match in _WORD_OR_MARK.finditer(text)]
