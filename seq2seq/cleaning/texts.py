"""What single texts show: broken characters, long words, another script, repetition, numbers and addresses."""

import re
import unicodedata
from collections import Counter
from functools import cache

import regex

from seq2seq.text.identification import identify
from seq2seq.text.languages import count_words, split_words
from seq2seq.text.placeholders import PLACEHOLDER
from seq2seq.text.scripts import UNSPACED, canonical_code, script_of

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'，。、）」]+|[\w.+-]+@[\w-]+\.[\w.-]+\w")
_NUMBER = re.compile(r"\d+")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--|&(?:[a-z]+|#\d+);")
_SCRIPTS = {  # what Unicode's property Script calls the scripts that ISO 15924 has mixtures of
    "Hans": ["Han"],
    "Hant": ["Han"],
    "Jpan": ["Han", "Hiragana", "Katakana"],
    "Kore": ["Hangul", "Han"],
}
_LETTER = regex.compile(r"\p{L}")
LETTERS_TO_JUDGE = 10  # of a script; a shorter line may well be a name


def repair(text: str) -> str:
    """Undo mojibake and HTML's entities, and nothing else; ftfy tells them from what is meant."""
    if text.isascii() and "&" not in text:
        return text
    import ftfy  # noqa: PLC0415 - not needed where nothing is repaired

    config = ftfy.TextFixerConfig(
        unescape_html=True,
        remove_terminal_escapes=False,
        restore_byte_a0=True,
        replace_lossy_sequences=True,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        fix_surrogates=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )
    return ftfy.fix_text(text, config)


def is_broken(text: str) -> bool:
    """Whether a text has replacement characters, private ones, or mojibake."""
    if text.isascii():
        return False
    from ftfy.badness import is_bad  # noqa: PLC0415 - not needed where no text is broken

    return any(unicodedata.category(char) in {"Co", "Cn"} or char == "\ufffd" for char in text) or is_bad(text)


def has_longer_word(text: str, limit: int) -> bool:
    """Whether a word has more characters; addresses and what holds several words without spaces don't count."""
    if max(map(len, text.split()), default=0) <= limit:  # only to be fast
        return False
    words = [word for word in _LINK.sub(" ", text).split() if len(split_words(word)) <= 1 or word.isascii()]
    return max(map(len, words), default=0) > limit


def without_code(text: str) -> str:
    """A text without placeholders, tags and addresses, which are in no language."""
    return PLACEHOLDER.sub(" ", _LINK.sub(" ", _TAG.sub(" ", text)))


@cache
def _letters_of(script: str) -> "regex.Pattern[str]":
    names = _SCRIPTS.get(script, [script])
    return regex.compile("[" + "".join(rf"\p{{Script={name}}}" for name in names) + "]")


def script_percent(text: str, language: str) -> float:
    """How many of a text's letters are of its language's script, 0 to 100; short texts are taken as they are."""
    script = script_of(language)
    letters = _LETTER.findall(without_code(text))
    if len(letters) < LETTERS_TO_JUDGE // (2 if script in UNSPACED else 1):
        return 100.0
    own = _letters_of(script)
    return 100 * sum(1 for letter in letters if own.match(letter)) / len(letters)


def copied_percent(source: str, target: str) -> float:
    """How many of the words of the longer side stand on the other too, 0 to 100; 0 below 4 words."""
    sides = [Counter(split_words(without_code(side).casefold())) for side in (source, target)]
    longer = max(side.total() for side in sides)
    return 100 * (sides[0] & sides[1]).total() / longer if longer >= 4 else 0.0


def most_repeats(text: str) -> int:
    """How often a phrase of 1 to 4 words comes in a row at most."""
    words = split_words(text.casefold())
    if len(set(words)) == len(words):
        return 1
    most = 1
    for size in range(1, 5):
        run = size
        for place in range(size, len(words)):
            run = run + 1 if words[place] == words[place - size] else size
            most = max(most, run // size)
    return most


def numbers(text: str) -> list[str]:
    """The runs of digits in any script, written in ASCII, sorted."""
    return sorted("".join(str(unicodedata.decimal(digit)) for digit in run) for run in _NUMBER.findall(text))


def links(text: str) -> list[str]:
    """The addresses of the web and of mail, without the full stop behind them, sorted."""
    return sorted(link.rstrip(".,;:!?)").rstrip("/") for link in _LINK.findall(text))


def has_markup(text: str) -> bool:
    """Whether a text has tags, comments or entities of HTML or XML."""
    return bool(_TAG.search(text))


def is_in_another_language(text: str, language: str, words: float) -> bool:
    """Whether a text of at least this many words is clearly not in its language; an unknown one is never missed."""
    plain = without_code(text)
    return count_words(plain) >= words and _has_letters(plain) and _knows(language) and not identify(plain, [language])


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))


@cache
def _knows(language: str) -> bool:
    """Whether the model knows a language."""
    import py3langid  # type: ignore[import-untyped] # noqa: PLC0415 - a second to load

    return canonical_code(language.partition("-")[0]) in dict(py3langid.rank("text"))
