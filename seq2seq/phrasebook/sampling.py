"""Random messages: which fillers a slot takes, and which clauses make a sentence."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from seq2seq.phrasebook import vocabulary
from seq2seq.phrasebook.messages import (
    Buildings,
    Clause,
    Clock,
    Day,
    Drink,
    Embedded,
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
    Sentence,
    Term,
    When,
    identity,
)
from seq2seq.phrasebook.vocabulary import FRAMES, Frame

_TODAY = date(2025, 6, 1)  # "past" and "future" dates lie before and after it
_DAYS_OF_TENSE = {
    "past": ["yesterday", "last", "weekday", "date", "full_date", "weekday_date", "month", "ago"],
    "future": ["today", "tomorrow", "next", "weekday", "date", "full_date", "weekday_date", "month", "ahead"],
}
_SPANS = {"duration-day": (2, 6), "duration-week": (2, 3), "duration-month": (2, 10), "duration-year": (2, 12)}
_EMBEDDING = {"that": ["that"], "whether": ["whether", "whether", "when", "why"]}
_JOINED = {  # how the clauses of a sentence are used, the subordinate one last
    "because": ("free", "free"),
    "because_first": ("free", "free"),
    "if": ("later", "condition"),
    "although": ("free", "free"),
    "although_first": ("free", "free"),
    "before": ("past", "past"),
    "so": ("free", "free"),
    "and": ("free", "free"),
    "but": ("free", "free"),
}
_WEIGHTS = {"statement": 7, "fronted": 4, "question": 3, "request": 2, "because": 2}  # others 1


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


def _known(rng: Random) -> Item:
    adjective = rng.choice(vocabulary.ADJECTIVES) if rng.random() < 0.5 else ""
    return Item(rng.choice(vocabulary.ITEMS), rng.choice(["the", "the", "my", "our"]), adjective)


def _item(rng: Random) -> Item:
    item = _known(rng)
    match rng.randrange(4):
        case 0:
            return replace(item, determiner="", count=rng.randint(2, 12))
        case 1:
            return item
    return replace(item, determiner="a")


def _drink(rng: Random) -> Drink:
    container = rng.choice(sorted(vocabulary.DRINKS))
    return Drink(container, rng.choice(vocabulary.DRINKS[container]), rng.randint(2, 6))


def _quantity(rng: Random) -> Measure:
    unit = rng.choice(sorted(vocabulary.SUBSTANCES))
    value = 50 * rng.randint(1, 18) if unit == "mass-gram" else rng.randint(2, 20)
    return Measure(unit, value, rng.choice(vocabulary.SUBSTANCES[unit]))


def _price(rng: Random) -> Price:
    currency = rng.choice(vocabulary.CURRENCIES)
    units = rng.randint(2, 99) if rng.random() < 0.5 else 10 * rng.randint(10, 300)
    return Price(currency, 100 * units + (0 if currency == "JPY" else rng.choice([0, 0, 50, 90, 99])))


def _money(rng: Random) -> Money:
    return Money(rng.choice(vocabulary.CURRENCIES), rng.choice([10, 50, 100]) * rng.randint(2, 30))


def _spoken(rng: Random) -> Clock:
    return Clock(rng.randint(1, 12), rng.choice([0, 10, 15, 20, 30, 30, 40, 45, 50]), spoken=True)


def _clock(rng: Random) -> Clock:
    return _spoken(rng) if rng.random() < 0.3 else Clock(rng.randint(0, 23), 5 * rng.randrange(12), spoken=False)


def _term(kind: str, names: Collection[str]) -> Callable[[Random], Filler]:
    return lambda rng: Term(kind, rng.choice(list(names)))


def _measure(unit: str, low: int, high: int, step: int = 1) -> Callable[[Random], Filler]:
    return lambda rng: Measure(unit, step * rng.randint(low, high))


def _number(form: str, low: int, high: int) -> Callable[[Random], Filler]:
    return lambda rng: Number(form, rng.randint(low, high))


SLOTS: dict[str, Callable[[Random], Filler]] = {
    "person": _person,
    "human": _human,
    "other": _other,
    "owner": _owner,
    "item": _item,
    "known": _known,
    "drink": _drink,
    "buildings": lambda rng: Buildings(rng.choice(vocabulary.PLACES), rng.randint(2, 12)),
    "quantity": _quantity,
    "price": _price,
    "money": _money,
    "currency": lambda rng: Money(rng.choice(vocabulary.CURRENCIES), 0),
    "spoken": _spoken,
    "weekday": lambda rng: Day("weekday", _TODAY + timedelta(rng.randrange(7))),
    "city": _term("city", vocabulary.CITIES),
    "country": _term("country", vocabulary.COUNTRIES),
    "language": _term("language", vocabulary.LANGUAGES),
    "event": _term("event", vocabulary.EVENTS),
    "place": _term("place", vocabulary.PLACES),
    "profession": _term("profession", vocabulary.PROFESSIONS),
    "topic": _term("topic", vocabulary.TOPICS),
    "substance": _term("substance", sorted({name for names in vocabulary.SUBSTANCES.values() for name in names})),
    "ordinal": _number("ordinal", 2, 12),
    "platform": _number("digits", 2, 20),
    "age": _number("digits", 18, 90),
    "percent": _number("percent", 5, 99),
    "speed": _measure("speed-kilometer-per-hour", 8, 26, 5),
    "run": _measure("length-kilometer", 2, 20),
    "journey": _measure("length-kilometer", 10, 190, 10),
    "height": _measure("length-centimeter", 2, 20),
    "weight": _measure("mass-kilogram", 2, 30),
    "degrees": _measure("temperature-celsius", 2, 35),
    "hours": _measure("duration-hour", 2, 14),
    "weeks": _measure("duration-week", 2, 9),
    "months": _measure("duration-month", 2, 9),
}


class Sampler:
    """Draws messages made of the frames, forms and modals that all languages in play know."""

    def __init__(
        self, rng: Random, frames: Collection[str], forms: Collection[str], modals: Collection[str]
    ) -> None:
        self.rng = rng
        self.modals = sorted(modals)
        self.forms = sorted(forms)
        self.weights = [_WEIGHTS.get(form, 1) for form in self.forms]
        embedding = {"that", "whether", "to"}
        simple = {name for name in frames if not embedding & set(FRAMES[name].slots.values())}
        self.simple = sorted(simple)
        self.frames_for = {
            "free": self.simple,
            "statement": sorted(frames),
            "question": sorted(frames),
            "past": [name for name in self.simple if "past" in FRAMES[name].uses and FRAMES[name].when != "none"],
            "fronted": [name for name in self.simple if FRAMES[name].when in ("any", "day", "clock")],
            "place": [name for name in self.simple if FRAMES[name].place],
            "infinitive": [name for name in self.simple if "infinitive" in FRAMES[name].uses],
            "later": [name for name in self.simple if "future" in FRAMES[name].uses],
            "condition": [name for name in self.simple if {"future", "present"} & FRAMES[name].uses],
            "who": [name for name in self.simple if "who" in FRAMES[name].uses],
        }

    def sentence(self) -> Sentence:
        """Draw a message."""
        form = self.rng.choices(self.forms, self.weights)[0]
        if form in _JOINED:
            first, second = (self.clause(use) for use in _JOINED[form])
            return Sentence(form, (first, self._about_the_same(first, second)))
        use = {"request": "infinitive", "where": "place", "when": "fronted", "why": "free"}.get(form, form)
        clause = self.clause(use)
        if form == "when":
            clause = replace(clause, when=None)
        if form == "where":
            clause = replace(clause, place="")
        return Sentence(form, (clause,))

    def clause(self, use: str) -> Clause:
        """Draw a clause for a use: a form of one clause, or free, past, infinitive, later, condition or who."""
        name = self.rng.choice(self.frames_for[use])
        frame = FRAMES[name]
        slots = self._slots(frame, use)
        tense, modal = self._tense(frame, use)
        negated = "not" in frame.uses and use not in ("fronted", "question", "place") and self.rng.random() < 0.25
        item = slots.get("item")
        if negated and isinstance(item, Item) and item.count > 1:
            slots["item"] = replace(item, determiner="a", count=1)
        when = self._when(frame, tense, modal, use)
        place = frame.place and use != "who" and self.rng.random() < 0.5 or name == "forget"
        return Clause(name, slots, tense, modal, negated, when, self.rng.choice(vocabulary.PLACES) if place else "")

    def _slots(self, frame: Frame, use: str) -> dict[str, Filler]:
        while True:
            slots = {name: self._filler(kind) for name, kind in frame.slots.items()}
            subject, other = slots.get("subject"), slots.get("other")
            if use == "who":
                slots["subject"] = subject = Pronoun("who")
            if len({identity(filler) for filler in slots.values()}) < len(slots):
                continue
            if isinstance(other, Pronoun) and (use == "infinitive" or isinstance(subject, Pronoun)):
                continue  # no "I call me", no "he calls him" who may be either
            return slots

    def _filler(self, kind: str) -> Filler:
        if kind in _EMBEDDING:
            return Embedded(self.rng.choice(_EMBEDDING[kind]), self.clause("free"))
        if kind == "to":
            return Embedded("to", self.clause("infinitive"))
        filler = SLOTS[kind](self.rng)
        if kind == "person" and isinstance(filler, Role) and self.rng.random() < 0.25:
            return replace(filler, relative=self.clause("who"))
        return filler

    def _tense(self, frame: Frame, use: str) -> tuple[str, str]:
        if use in ("infinitive", "condition"):
            return "present", ""
        if use == "past":
            return "past", ""
        tenses = [tense for tense in ("past", "present", "future") if tense in frame.uses]
        if use == "later":
            tenses = ["future"]
        if "habit" in frame.uses and use != "later":
            tenses.append("present")
        if use == "who":
            tenses = ["present"]
        if "modal" in frame.uses and use not in ("past", "question") and self.modals and self.rng.random() < 0.3:
            return "future", self.rng.choice(self.modals)
        return self.rng.choice(tenses), ""

    def _when(self, frame: Frame, tense: str, modal: str, use: str) -> When | None:
        rng = self.rng
        if "since" in frame.uses and tense == "present" and use != "condition" and rng.random() < 0.5:
            return When(self._day(rng.choice(["since_year", "since_span"])), None)
        if frame.when == "born":
            return When(Day("full_date", date(rng.randint(1940, 2009), 1, 1) + timedelta(rng.randrange(365))), None)
        must = use == "fronted" or frame.when == "clock"
        if frame.when == "none" or not (must or tense == "present" or rng.random() < 0.6):
            return None
        if tense != "present":
            kinds = _DAYS_OF_TENSE["past" if modal in ("had_to", "wanted_to") else tense]
        elif use in ("infinitive", "condition"):
            kinds = _DAYS_OF_TENSE["future"]
        else:
            kinds = ["every"]
        if use in ("infinitive", "condition") and not must and rng.random() < 0.4:
            return None
        day = self._day(rng.choice(kinds))
        if frame.when == "day" or day.kind in ("month", "ago", "ahead") and frame.when != "clock":
            return When(day, None)
        if frame.when == "clock":
            return When(day if day.kind not in ("month", "ago", "ahead") else None, _clock(rng))
        match rng.randrange(4):
            case 0:
                return When(day, _clock(rng))
            case 1 if tense != "present" and use != "fronted":
                return When(None, _clock(rng))
        return When(day, None)

    def _day(self, kind: str) -> Day:
        rng = self.rng
        if kind in ("ago", "ahead", "since_span"):
            unit = rng.choice(sorted(_SPANS))
            return Day(kind, _TODAY, Measure(unit, rng.randint(*_SPANS[unit])))
        if kind in ("yesterday", "today", "tomorrow"):
            return Day(kind, _TODAY)
        if kind in ("weekday", "last", "next", "every"):
            return Day(kind, _TODAY + timedelta(rng.randrange(7)))
        return Day(kind, date(2010, 1, 1) + timedelta(rng.randrange(365 * 22)))

    def _about_the_same(self, first: Clause, second: Clause) -> Clause:
        """Let a second clause go on about the person of the first, by a pronoun."""
        subject = first.slots.get("subject")
        gender = vocabulary.NAMES | vocabulary.ROLES
        if not isinstance(subject, Name | Role) or "subject" not in second.slots or self.rng.random() < 0.4:
            return second
        if isinstance(second.slots.get("other"), Pronoun):
            return second
        return replace(second, slots={**second.slots, "subject": Pronoun(gender[identity(subject)])})
