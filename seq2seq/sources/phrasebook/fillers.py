"""Random fillers: what each kind of slot takes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from seq2seq.sources.phrasebook import vocabulary
from seq2seq.sources.phrasebook.messages import (
    Buildings,
    Clock,
    Day,
    Drink,
    Filler,
    Item,
    Measure,
    Money,
    Name,
    Number,
    Person,
    Price,
    Pronoun,
    Role,
    Term,
)

_TODAY = date(2025, 6, 1)  # the past lies before it, the future behind it
_SPANS = {"duration-day": (2, 5), "duration-week": (2, 3), "duration-month": (2, 10), "duration-year": (2, 12)}


def _role(rng: Random) -> Role:
    noun = rng.choice(sorted(vocabulary.ROLES))
    return Role(noun, rng.choice(["my", "my", "our"] if noun in vocabulary.FAMILY else ["the", "the", "my", "our"]))


def _human(rng: Random) -> Person:
    """Somebody whose gender is known."""
    match rng.randrange(4):
        case 0:
            return Pronoun(rng.choice(["he", "she"]))
        case 1:
            return _role(rng)
    return Name(rng.choice(sorted(vocabulary.NAMES)))


def _person(rng: Random) -> Person:
    return Pronoun(rng.choice(vocabulary.PRONOUNS)) if rng.random() < 0.3 else _human(rng)


def _other(rng: Random) -> Person:
    """Somebody else, in place of an object."""
    if rng.random() < 0.2:
        return Pronoun(rng.choice(["I", "we", "he", "she"]))
    return _role(rng) if rng.random() < 0.6 else Name(rng.choice(sorted(vocabulary.NAMES)))


def _owner(rng: Random) -> Person:
    return _role(rng) if rng.random() < 0.6 else Name(rng.choice(sorted(vocabulary.NAMES)))


def _known(nouns: Sequence[str]) -> Callable[[Random], Item]:
    """A certain thing."""

    def draw(rng: Random) -> Item:
        adjective = rng.choice(vocabulary.ADJECTIVES) if rng.random() < 0.5 else ""
        return Item(rng.choice(nouns), rng.choice(["the", "the", "my", "our"]), adjective)

    return draw


def _item(nouns: Sequence[str]) -> Callable[[Random], Item]:
    """A certain thing, any one, or several."""

    def draw(rng: Random) -> Item:
        item = _known(nouns)(rng)
        match rng.randrange(4):
            case 0:
                return replace(item, determiner="", count=rng.randint(2, 12))
            case 1:
                return item
        return replace(item, determiner="a")

    return draw


def _drink(rng: Random) -> Drink:
    container = rng.choice(sorted(vocabulary.DRINKS))
    return Drink(container, rng.choice(vocabulary.DRINKS[container]), rng.randint(2, 6))


def _quantity(rng: Random) -> Measure:
    unit = rng.choice(sorted(vocabulary.SUBSTANCES))
    value = 50 * rng.randint(1, 18) if unit == "mass-gram" else rng.randint(2, 20)
    return Measure(unit, value, rng.choice(vocabulary.SUBSTANCES[unit]))


def _price(rng: Random) -> Price:
    currency = rng.choice(vocabulary.CURRENCIES)
    match rng.randrange(8):
        case 0:
            return Price(currency, 10_000 * rng.randint(11, 60))
        case 1 | 2 | 3:
            return Price(currency, 5_000 * rng.randint(2, 19))
    return Price(currency, 100 * rng.randint(2, 99) + (0 if currency == "JPY" else rng.choice([0, 50])))


def _small_price(rng: Random) -> Price:
    return Price(rng.choice(["CHF", "EUR", "GBP", "USD"]), 100 * rng.randint(1, 30) + rng.choice([0, 50]))


def _money(rng: Random) -> Money:
    return Money(rng.choice(vocabulary.CURRENCIES), rng.choice([10, 100]) * rng.randint(2, 20))


def _spoken(rng: Random) -> Clock:
    return Clock(rng.randint(1, 12), rng.choice([0, 10, 15, 20, 30, 30, 40, 45, 50]), spoken=True)


def clock(rng: Random) -> Clock:
    """Draw a time of day, in digits or spoken."""
    return _spoken(rng) if rng.random() < 0.3 else Clock(rng.randint(5, 22), 15 * rng.randrange(4), spoken=False)


def _term(kind: str, names: Sequence[str]) -> Callable[[Random], Filler]:
    return lambda rng: Term(kind, rng.choice(names))


def _measure(unit: str, low: int, high: int, step: int = 1) -> Callable[[Random], Filler]:
    return lambda rng: Measure(unit, step * rng.randint(low, high))


def _number(form: str, low: int, high: int) -> Callable[[Random], Filler]:
    return lambda rng: Number(form, rng.randint(low, high))


SLOTS: dict[str, Callable[[Random], Filler]] = {
    "person": _person,
    "human": _human,
    "other": _other,
    "owner": _owner,
    "item": _item(vocabulary.ITEMS),
    "portable": _item(vocabulary.PORTABLE),
    "repairable": _item(vocabulary.REPAIRABLE),
    "known": _known(vocabulary.ITEMS),
    "mine": _known(vocabulary.PORTABLE),
    "heavy": _known(vocabulary.HEAVY),
    "text": _known(vocabulary.TEXTS),
    "drink": _drink,
    "buildings": lambda rng: Buildings(rng.choice(vocabulary.PLACES), rng.randint(2, 12)),
    "quantity": _quantity,
    "price": _price,
    "small_price": _small_price,
    "money": _money,
    "currency": lambda rng: Money(rng.choice(vocabulary.CURRENCIES), 0),
    "spoken": _spoken,
    "weekday": lambda rng: day(rng, "weekday", past=False),
    "city": _term("city", vocabulary.CITIES),
    "town": _term("city", vocabulary.TOWNS),
    "country": _term("country", vocabulary.COUNTRIES),
    "language": _term("language", vocabulary.LANGUAGES),
    "event": _term("event", vocabulary.EVENTS),
    "place": _term("place", vocabulary.PLACES),
    "profession": _term("profession", vocabulary.PROFESSIONS),
    "topic": _term("topic", vocabulary.TOPICS),
    "substance": _term("substance", sorted({name for names in vocabulary.SUBSTANCES.values() for name in names})),
    "solid": _term("substance", vocabulary.SUBSTANCES["mass-kilogram"]),
    "ordinal": _number("ordinal", 2, 12),
    "platform": _number("digits", 2, 20),
    "age": _number("digits", 18, 90),
    "percent": _number("percent", 5, 99),
    "speed": _measure("speed-kilometer-per-hour", 8, 26, 5),
    "run": _measure("length-kilometer", 2, 20),
    "journey": _measure("length-kilometer", 2, 38, 50),
    "height": _measure("length-centimeter", 2, 20),
    "weight": _measure("mass-kilogram", 2, 30),
    "degrees": _measure("temperature-celsius", 2, 35),
    "hours": _measure("duration-hour", 2, 14),
    "weeks": _measure("duration-week", 2, 9),
    "months": _measure("duration-month", 2, 9),
}


def day(rng: Random, kind: str, past: bool) -> Day:
    """Draw a day of a kind; see messages.Day."""
    match kind:
        case "yesterday" | "today" | "tomorrow":
            return Day(kind, _TODAY)
        case "weekday" | "last" | "next" | "every":
            return Day(kind, _TODAY + timedelta(rng.randrange(7)))
        case "ago" | "since_span":
            unit = rng.choice(list(_SPANS))
            return Day(kind, _TODAY, Measure(unit, rng.randint(*_SPANS[unit])))
        case "ahead":
            unit = rng.choice(["duration-day", "duration-week", "duration-month"])
            return Day(kind, _TODAY, Measure(unit, rng.randint(*_SPANS[unit])))
    return Day(kind, _TODAY + timedelta(-rng.randint(1, 6000) if past else rng.randint(1, 1000)))


def birthday(rng: Random) -> Day:
    """Draw the date of birth of a grown-up."""
    return Day("full_date", _TODAY - timedelta(rng.randint(18 * 365, 80 * 365)))
