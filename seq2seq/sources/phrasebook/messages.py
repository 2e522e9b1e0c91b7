"""What a sentence says before any language says it: clauses of a verb frame and typed fillers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from seq2seq.sources.phrasebook.vocabulary import FRAMES


@dataclass(frozen=True)
class Pronoun:
    """I, we, you (polite), he, she; or ``who``, the subject of a relative clause."""

    word: str


@dataclass(frozen=True)
class Name:
    """A first name of vocabulary.NAMES."""

    name: str


@dataclass(frozen=True)
class Role:
    """Somebody named by a noun of vocabulary.ROLES, such as `my sister` or `the doctor who lives in Rome`."""

    noun: str
    owner: str  # the, my, our
    relative: "Clause | None" = None


@dataclass(frozen=True)
class Item:
    """A thing of vocabulary.ITEMS, such as `a new car`, `my umbrella` or `three old maps`."""

    noun: str
    determiner: str  # a, the, my, our; empty before a bare number
    adjective: str = ""
    count: int = 1


@dataclass(frozen=True)
class Drink:
    """A counted container of a drink, such as `two cups of tea`."""

    container: str
    drink: str
    count: int


@dataclass(frozen=True)
class Buildings:
    """Counted places of a town, such as `three museums`."""

    place: str
    count: int


@dataclass(frozen=True)
class Measure:
    """A number with a unit of the CLDR such as ``mass-gram``; and what is measured, where that is said."""

    unit: str
    value: int
    substance: str = ""


@dataclass(frozen=True)
class Price:
    """An amount with the sign of its currency: $12.50."""

    currency: str
    cents: int


@dataclass(frozen=True)
class Money:
    """A whole amount with the name of its currency: 200 Swiss francs; of value 0, the name alone."""

    currency: str
    value: int


@dataclass(frozen=True)
class Number:
    """A number in digits (``form`` digits or percent, the latter in tenths) or an ordinal in words."""

    form: str
    value: int


@dataclass(frozen=True)
class Term:
    """A word of a closed class: city, country, language, event, place, profession, topic or substance."""

    kind: str
    name: str


@dataclass(frozen=True)
class Clock:
    """A time of day: in digits (hour 0 to 23), or spoken as in `half past three` (hour 1 to 12)."""

    hour: int
    minute: int
    spoken: bool


@dataclass(frozen=True)
class Day:
    """A day or a longer time.

    ``kind`` is yesterday, today, tomorrow; weekday, last, next, every (the weekday of ``date``); date,
    full_date, weekday_date, month (of ``date``); ago, ahead, since_span (``span`` away) or since_year.
    """

    kind: str
    date: date
    span: Measure | None = None


@dataclass(frozen=True)
class When:
    """A day, a time of day, or both."""

    day: Day | None
    clock: Clock | None


@dataclass(frozen=True)
class Embedded:
    """A clause in place of an object: that, whether, when or why something is, or to do something."""

    word: str
    clause: "Clause"


Person = Pronoun | Name | Role
Filler = Person | Item | Drink | Buildings | Measure | Price | Money | Number | Term | Clock | Day | Embedded


@dataclass(frozen=True)
class Clause:
    """A frame of vocabulary.FRAMES with its slots filled."""

    frame: str
    slots: Mapping[str, Filler]  # the first one is what the clause is mostly about
    tense: str  # past, present, future; ignored under a modal
    modal: str = ""  # one of vocabulary.MODALS
    negated: bool = False
    when: When | None = None
    place: str = ""  # one of vocabulary.PLACES


@dataclass(frozen=True)
class Sentence:
    """One clause in a form such as `question`, or two joined by `because`, `if` and so on."""

    form: str
    clauses: tuple[Clause, ...]


def identity(filler: Filler) -> str:
    """The content word of a filler, without its number, article or adjective."""
    match filler:
        case Measure(unit, value, substance):
            return substance or f"{value} {unit}"
        case Number(_, value):
            return str(value)
        case Clock(hour, minute):
            return f"{hour}:{minute:02}"
        case Day(kind, day):
            return f"{kind} {day}"
        case Pronoun(word) | Name(word) | Role(word) | Item(word) | Buildings(word) | Price(word) | Money(word):
            return word
        case Drink(_, word) | Term(_, word) | Embedded(word):
            return word


def with_embedded(clause: Clause) -> Iterator[Clause]:
    """A clause and all clauses inside it."""
    yield clause
    for filler in clause.slots.values():
        if isinstance(filler, Embedded):
            yield from with_embedded(filler.clause)
        elif isinstance(filler, Role) and filler.relative:
            yield from with_embedded(filler.relative)


def combinations(clause: Clause) -> Iterator[str]:
    """The pairs of a frame and its main filler in a clause and in the clauses inside it, to be held out or not."""
    for inner in with_embedded(clause):
        main = next(iter(inner.slots.values()))
        if not isinstance(main, Embedded) and "taught" not in FRAMES[inner.frame].uses:
            yield f"{inner.frame}/{identity(main)}"


def named_people(clause: Clause) -> Iterator[Person]:
    """Everybody in a clause who isn't a pronoun."""
    for inner in with_embedded(clause):
        for filler in inner.slots.values():
            if isinstance(filler, Name | Role):
                yield filler
