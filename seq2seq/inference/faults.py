"""What can be seen to be wrong with a translation without knowing either language.

It repeats itself, it is far too long or too short, or it lost what stays the same in every language.
"""

import re

from seq2seq.text.languages import count_words
from seq2seq.text.placeholders import find_addresses, find_numbers, find_placeholders, without_codes

REPEATS, TOO_LONG, TOO_SHORT = "repeats itself", "too long", "too short"
LOST_PLACEHOLDER, LOST_ADDRESS, LOST_NUMBER = "placeholder lost", "address lost", "number lost"

# Words that come four times in a row, or letters of a word that do six times. Of 29,000 captions
# that people wrote, in English and in German, none has either.
_WORDS_AGAIN = re.compile(r"(?<!\S)(\S+(?:\s\S+){0,7})(?:\s\1){3,}(?!\S)")
_LETTERS_AGAIN = re.compile(r"([^\W\d_]{1,8}?)\1{5,}")
_PLACEHOLDER, _ADDRESS, _DIGIT = re.compile("[%{<]"), re.compile(r"@|://|www\."), re.compile(r"\d")  # may be there
_TIME = re.compile(r"(?<!\d)\d++:\d\d\b")  # 1:00 PM becomes 13:00
_RATIO, _SPARE = 3, 10  # a text may have three times as many words as the other, and ten more


def find_faults(source: str, output: str) -> list[str]:
    """What is wrong with a translation."""
    found = []
    if _repeats(output) and not _repeats(source):
        found.append(REPEATS)
    if not len(source) < 2 * len(output) < 4 * len(source):  # only to be fast
        found += _wrong_length(count_words(source), count_words(output))
    if _PLACEHOLDER.search(source) and find_placeholders(source) - find_placeholders(output):
        found.append(LOST_PLACEHOLDER)
    if _ADDRESS.search(source) and find_addresses(source) - find_addresses(output):
        found.append(LOST_ADDRESS)
    if _DIGIT.search(source) and find_numbers(_TIME.sub("", without_codes(source))) - find_numbers(output):
        found.append(LOST_NUMBER)
    return found


def are_grave(faults: list[str]) -> bool:
    """Whether faults call for another translation; a number may rightly become a word, or 6 p.m. 18 Uhr."""
    return faults not in ([], [LOST_NUMBER])


def _wrong_length(read: float, written: float) -> list[str]:
    if written > _RATIO * read + _SPARE:
        return [TOO_LONG]
    return [TOO_SHORT] if read > _RATIO * written + _SPARE or (read and not written) else []


def _repeats(text: str) -> bool:
    words = text.split()
    # only to be fast: what repeats has few different words, or a word with few different letters
    if len(words) - len(set(words)) >= 3 and _WORDS_AGAIN.search(" ".join(words)):
        return True
    return any(len(word) >= 6 and 2 * len(set(word)) <= len(word) and _LETTERS_AGAIN.search(word) for word in words)
