"""What the language files share: forms that a pattern picks from, and how a language is announced."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seq2seq.sources.phrasebook.messages import Sentence


class Forms(dict[str, str]):
    """The forms of one phrase by name; in a pattern ``{other:dat}`` picks the form ``dat``, ``{city}`` the form ''."""

    def __format__(self, form: str) -> str:
        return self[form]


def fixed(text: str) -> Forms:
    """A phrase with one form."""
    return Forms({"": text})


def fill(pattern: str, phrases: Mapping[str, Forms]) -> str:
    """Put phrases into a pattern."""
    return pattern.format_map(phrases)


def spaced(*words: str) -> str:
    """Join what isn't empty with single spaces; marks of punctuation take none before them."""
    text = " ".join(" ".join(words).split())
    return text.replace(" ,", ",").replace(",,", ",")


def finish(text: str, end: str) -> str:
    """Make a sentence: capital letter first, mark of punctuation last."""
    text = text.rstrip(",")
    return text[0].upper() + text[1:] + end


@dataclass(frozen=True)
class Language:
    """What one language file offers: how it says a message, and which parts of messages it knows."""

    code: str
    render: Callable[[Sentence], str]
    frames: frozenset[str]  # of vocabulary.FRAMES
    forms: frozenset[str]  # of vocabulary.FORMS
    modals: frozenset[str]  # of vocabulary.MODALS
