"""The slips of people who write English: each spoils one place of a right sentence, and a reader still knows better.

What can't be known from the rest of the sentence stays: numbers, and the article where either one would fit.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from random import Random

from seq2seq.sources.phrasebook import vocabulary
from seq2seq.sources.phrasebook.en import FRAMES, plural, regular_past, third_person

Change = Callable[[Random, "re.Match[str]"], str]  # what is written in place of what was matched
Slip = tuple[int, "re.Pattern[str]", Change]  # how often, where it may happen, what happens there

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # each starts half a key to the right of the one above
_NEIGHBOURS = {
    key: "".join(
        other
        for nearby, line in enumerate(_ROWS)
        for at, other in enumerate(line)
        if (nearby == row and abs(at - place) == 1)
        or (nearby == row - 1 and at - place in (0, 1))
        or (nearby == row + 1 and at - place in (-1, 0))
    )
    for row, keys in enumerate(_ROWS)
    for place, key in enumerate(keys)
}
_SOUND_ALIKE = (  # or look alike
    "their there they're", "your you're", "its it's", "to too two", "for four", "by buy", "know no", "than then",
    "whether weather", "our are hour", "write right", "meet meat", "wait weight", "lose loose", "new knew",
    "blue blew", "red read", "past passed", "where were wear", "so sow", "one won", "eight ate", "I'll ill",
    "we'll well", "sell sale", "leave live",
)  # fmt: skip
_CONFUSED = {
    word: [other for other in words.split() if other != word] for words in _SOUND_ALIKE for word in words.split()
}
_MISSPELT = {
    "although": "althought", "architecture": "architechture", "beautiful": "beautifull", "because": "becuase",
    "begin": "begginn", "bicycle": "bycicle", "camera": "camara", "colleague": "collegue", "concert": "conzert",
    "conference": "conferance", "degrees": "degress", "dictionary": "dictionnary", "difficult": "dificult",
    "engineer": "enginer", "exam": "exame", "exhibition": "exibition", "expensive": "expencive", "eighth": "eigth",
    "February": "Febuary", "grandmother": "grandmoter", "guitar": "gitar", "important": "importent",
    "interested": "intrested", "interview": "intervew", "library": "libary",
    "literature": "litterature", "mechanic": "mecanic", "neighbor": "neigbor", "ninth": "nineth", "office": "ofice",
    "picture": "pitcure", "politics": "pollitics", "restaurant": "restaraunt", "suitcase": "suitecase",
    "teacher": "theacher", "tomorrow": "tommorow", "translate": "translat", "umbrella": "umberella",
    "university": "univercity", "wedding": "weding", "Wednesday": "Wensday", "yesterday": "yesterdey",
}  # fmt: skip

_VERBS = {frame.verb.split()[0]: frame.verb.split()[-1] for frame in FRAMES.values()}  # infinitive and past
_SINGULAR = {third_person(verb): verb for verb in _VERBS if verb not in ("be", "have")}
_WRONG_PERSON = {"is": "are", "are": "is", "was": "were", "were": "was", "has": "have", "have": "has", "does": "do"}
_WRONG_PAST = {past: regular_past(verb) for verb, past in _VERBS.items() if past not in (verb, regular_past(verb))}
_COUNTED = {plural(noun): noun for noun in [*vocabulary.ITEMS, *vocabulary.PLACES, *vocabulary.DRINKS]}


def _any_of(words: Iterable[str]) -> str:
    return rf"\b(?:{'|'.join(sorted(words))})\b"


def _as_written(before: str, after: str) -> str:
    return after[0].upper() + after[1:] if before[0].isupper() else after


def _replace(words: Mapping[str, str]) -> Change:
    return lambda _rng, found: words[found[0]]


def _confuse(rng: Random, found: "re.Match[str]") -> str:
    word = found[0] if found[0] in _CONFUSED else found[0].lower()
    return _as_written(found[0], rng.choice(_CONFUSED[word]))


def _hit_neighbour(rng: Random, found: "re.Match[str]") -> str:
    word = found[0]
    at = rng.randrange(1, len(word))
    return word[:at] + rng.choice(_NEIGHBOURS[word[at]]) + word[at + 1 :]


def _double_letter(rng: Random, found: "re.Match[str]") -> str:
    at = rng.randrange(1, len(found[0]))
    return found[0][:at] + found[0][at - 1].lower() + found[0][at:]


def _drop_letter(rng: Random, found: "re.Match[str]") -> str:
    at = rng.randrange(1, len(found[0]))
    return found[0][:at] + found[0][at + 1 :]


def _swap_letters(rng: Random, found: "re.Match[str]") -> str:
    word = found[0]
    at = rng.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _slip(weight: int, pattern: str, change: Change) -> Slip:
    return weight, re.compile(pattern), change


_LONG_WORD = r"\b[A-Za-z][a-z]{3,}\b"
SLIPS: dict[str, Slip] = {
    "neighbouring key": _slip(3, _LONG_WORD, _hit_neighbour),
    "doubled letter": _slip(1, _LONG_WORD, _double_letter),
    "dropped letter": _slip(2, _LONG_WORD, _drop_letter),
    "swapped letters": _slip(2, _LONG_WORD, _swap_letters),
    "spelling": _slip(3, _any_of(_MISSPELT), _replace(_MISSPELT)),
    "small letter": _slip(3, r"\b[A-Z](?![A-Z])", lambda _, found: found[0].lower()),
    "capital letter": _slip(1, r"(?<= )[a-z](?=[a-z]{3})", lambda _, found: found[0].upper()),
    "end mark": _slip(2, r"[.?]$", lambda rng, found: rng.choice(["", ".?".replace(found[0], "")])),
    "comma": _slip(2, r",(?= )", lambda _rng, _found: ""),
    "space": _slip(1, r"(?<=[a-z]) (?=[a-z])", lambda _rng, _found: ""),
    "repeated word": _slip(1, r"\b[a-z]{2,4}\b(?= )", lambda _, found: f"{found[0]} {found[0]}"),
    "apostrophe": _slip(2, r"(?<=[a-zI])'(?=[a-z])", lambda _rng, _found: ""),
    "confusion": _slip(4, rf"(?i:{_any_of(_CONFUSED)})", _confuse),
    "a or an": _slip(3, r"\b[Aa]n?\b(?= [a-z])", lambda _, found: found[0][0] + "n" * (len(found[0]) == 1)),
    "no article": _slip(
        2,
        rf"\bthe (?={_any_of([*vocabulary.PLACES, *vocabulary.EVENTS])})|\ban? (?={_any_of(vocabulary.PROFESSIONS)})",
        lambda _rng, _found: "",
    ),
    "needless article": _slip(1, r"\b(?:to|in|from) (?=[A-Z][a-z])", lambda _, found: f"{found[0]}the "),
    "person": _slip(3, rf"(?<!lease ){_any_of(_WRONG_PERSON)}", _replace(_WRONG_PERSON)),
    "no -s": _slip(3, _any_of(_SINGULAR), _replace(_SINGULAR)),
    "needless -s": _slip(
        2,
        rf"\b(?:I|[Ww]e|[Yy]ou) {_any_of(sorted(set(_SINGULAR.values())))}",
        lambda _, found: f"{found[0].split()[0]} {third_person(found[0].split()[1])}",
    ),
    "singular": _slip(2, _any_of(_COUNTED), _replace(_COUNTED)),
    "past tense": _slip(3, _any_of(_WRONG_PAST), _replace(_WRONG_PAST)),
}
_NAMES = list(SLIPS)
_WEIGHTS = [weight for weight, _, _ in SLIPS.values()]


def slip(rng: Random, name: str, text: str) -> str:
    """Spoil one place of a text as the slip of that name does; where there is no such place, nothing changes."""
    _, pattern, change = SLIPS[name]
    places = list(pattern.finditer(text))
    if not places:
        return text
    found = rng.choice(places)
    return text[: found.start()] + change(rng, found) + text[found.end() :]


def spoil(rng: Random, text: str, count: int) -> str:
    """Spoil a text by so many slips of different kinds, as far as they find a place."""
    spoilt = text
    for name in rng.choices(_NAMES, _WEIGHTS, k=4 * count):
        changed = slip(rng, name, spoilt)
        count -= changed != spoilt
        spoilt = changed
        if not count:
            break
    return spoilt
