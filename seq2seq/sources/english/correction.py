"""Sentences with the slips of their writers, and the right ones; some have no slip and stay as they are."""

import re
from collections.abc import Iterator
from random import Random

from seq2seq.sources.english.slips import spoil
from seq2seq.sources.generated import Pair, belongs
from seq2seq.sources.phrasebook import cldr, draw_messages, en, vocabulary

_SLIPS = [0, 1, 1, 2, 2, 3]  # in a sentence
_SHORT = 6  # words that take one slip at most

_BEFORE_NOT = ["are", "did", "do", "does", "had", "has", "have", "is", "should", "was", "were", "would"]
_CONTRACTIONS = {
    **{f"{verb} not": f"{verb}n't" for verb in _BEFORE_NOT},
    "cannot": "can't", "will not": "won't", "I am": "I'm", "I will": "I'll", "I would": "I'd",
    **{f"{who} {verb}": f"{who}'{end}" for who in ("we", "you") for verb, end in {"are": "re", "will": "ll"}.items()},
    **{f"{who} {verb}": f"{who}'{end}" for who in ("he", "she", "it") for verb, end in {"is": "s"}.items()},
}  # fmt: skip
_LONG_FORM = re.compile(rf"\b(?:{'|'.join(_CONTRACTIONS)})\b", re.IGNORECASE)

# the phrasebook has no `its`; without it every `its` would be wrong
ITS = (
    "The {place} in {city} opens its doors at {hour} o'clock.",
    "Is the {place} in {city} still open, or did it close its doors in {year}?",
    "The {place} changed its name when it moved to {city} in {year}.",
    "It's true that the {place} in {city} lost its garden in {year}.",
    "The {place} in {city} lost its last {profession} in {year}.",
    "{city} is famous for its {place} and its {other}, and it's beautiful.",
    "I think it's the oldest {place} in {city}, and I like its garden.",
)
_ITS_PERCENT = 6


def draw(name: str, seed: int) -> Iterator[Pair]:
    """Draw pairs of the set ``name``, without end."""
    rng = Random(f"correction {seed} {name}")
    messages = draw_messages(name, [en.LANGUAGE, en.LANGUAGE], seed)
    while True:
        if rng.randrange(100) < _ITS_PERCENT:
            right = _say_its(rng, name, seed)
        else:
            right = _vary(rng, en.render(next(messages)))
        most = 1 if len(right.split()) <= _SHORT else max(_SLIPS)
        yield spoil(rng, right, min(rng.choice(_SLIPS), most)), right


def _say_its(rng: Random, name: str, seed: int) -> str:
    while True:
        place, other = rng.sample(vocabulary.PLACES, 2)
        pattern = rng.choice(ITS)
        city = rng.choice(vocabulary.CITIES)
        if belongs([f"its/{place}/{city}"], name, seed):
            return pattern.format(
                place=place,
                other=other,
                city=cldr.city("en", city),
                hour=cldr.number_word("en", rng.randint(6, 11)),
                year=rng.randint(1990, 2025),
                profession=rng.choice(vocabulary.PROFESSIONS),
            )


def _vary(rng: Random, text: str) -> str:
    """Say `your` and `their` for some `my` and `our`, and contract in half of the sentences."""
    text = re.sub(r"\b([MmOo])(?:y|ur)\b", lambda found: _owner(found[0], rng.choice(["", "", "your", "their"])), text)
    return _LONG_FORM.sub(_contract, text) if rng.random() < 0.5 else text


def _owner(before: str, after: str) -> str:
    return (after.capitalize() if before[0].isupper() else after) or before


def _contract(found: "re.Match[str]") -> str:
    long = found[0]
    short = _CONTRACTIONS.get(long) or _CONTRACTIONS[long[0].lower() + long[1:]]
    return long[0] + short[1:]
