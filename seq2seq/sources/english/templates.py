"""Patterns with slots, and how they become sentences."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from seq2seq.sources.phrasebook import cldr, vocabulary
from seq2seq.sources.phrasebook.en import plural
from seq2seq.sources.phrasebook.messages import Clock, Day

_FAMILY_NAMES = [
    "Berg", "Costa", "Demir", "Fischer", "Garcia", "Horvat", "Ivanov", "Jensen", "Keller", "Kowalski", "Larsen",
    "Lind", "Moreau", "Murphy", "Nagy", "Novak", "Okafor", "Papadakis", "Popescu", "Rossi", "Schmidt", "Silva",
    "Virtanen", "Weber",
]  # fmt: skip
_MONDAY = date(2025, 6, 2)
_BEGINNING = re.compile(r"(?:^|[.?!] )[a-z]")

Drawn = tuple[list[str], dict[str, str]]  # combinations to be held out or not, and what fills the slots
Draw = Callable[[Random], Drawn]


def say(pattern: str, slots: Mapping[str, str]) -> str:
    """Fill a pattern such as ``{one} is older.``, and begin each of its sentences with a capital letter."""
    return _BEGINNING.sub(lambda found: found[0].upper(), pattern.format_map(slots))


@dataclass(frozen=True)
class Exchange:
    """A kind of turn that has one right reply."""

    weight: int  # how often it is drawn
    draw: Draw
    patterns: tuple[tuple[str, str], ...]  # of a turn and its reply


@dataclass(frozen=True)
class Story:
    """A kind of article, and what its summary says, which depends on how it came out."""

    draw: Draw
    openings: tuple[str, ...]  # one of these sets the scene
    facts: tuple[tuple[str, ...], ...]  # one of each group is told, in any order
    beside: tuple[str, ...]  # some of these are told as well, and belong in no summary
    summaries: Mapping[str, str]  # by what the slot `outcome` says


def word(number: int) -> str:
    """A number in letters."""
    return cldr.number_word("en", number)


def count(number: int, noun: str) -> str:
    """So many of a thing: `one goal`, `three goals`."""
    return f"{word(number)} {noun if number == 1 else plural(noun)}"


def people(rng: Random, number: int) -> list[str]:
    """First and family names of different people."""
    return [f"{rng.choice(sorted(vocabulary.NAMES))} {family}" for family in rng.sample(_FAMILY_NAMES, number)]


def weekday(number: int) -> str:
    """Name of a weekday; any number will do."""
    return cldr.weekday("en", Day("weekday", _MONDAY + timedelta(number)))


def cities(rng: Random, number: int) -> list[str]:
    """Names of different cities."""
    return [cldr.city("en", zone) for zone in rng.sample(vocabulary.CITIES, number)]


def numbers(**values: int) -> dict[str, str]:
    """Each number in figures, and, in a slot with an underscore behind its name, in letters."""
    letters = {f"{name}_": word(value) for name, value in values.items()}
    return {name: str(value) for name, value in values.items()} | letters


def clock(hour: int, minute: int = 0) -> str:
    """A time of day in figures; ``hour`` counts from 0 to 23."""
    return cldr.digital("en", Clock(hour, minute, spoken=False))
