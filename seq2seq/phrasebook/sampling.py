"""Random messages: which fillers a slot takes, and which clauses make a sentence."""

from collections.abc import Callable, Collection, Sequence, Set
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
    "present": ["every"],
    "future": ["today", "tomorrow", "next", "weekday", "date", "full_date", "weekday_date", "month", "ahead"],
}
_SPANS = {"duration-day": (2, 5), "duration-week": (2, 3), "duration-month": (2, 10), "duration-year": (2, 12)}
_TENSES_OF_USE = {  # others take any
    "past": ["past"],
    "event": ["past"],
    "now": ["present"],
    "who": ["present"],
    "later": ["future"],
}
_DAYS_OF_USE = ("infinitive", "condition")  # present tense about the future
_AFFIRMATIVE = ("fronted", "question", "where", "when")
_UNSAID_SUBJECTS = {"infinitive": "you", "who": "who"}
_MODALS_OF_TENSE = {
    "past": {"had_to", "wanted_to"},
    "present": set(),
    "future": {"can", "have_to", "should", "want_to", "would_like_to"},
}
_ANY_TWO = [("past", "past"), ("later", "later"), ("later", "now"), ("now", "now")]
_JOINED = {  # uses of the clauses of a sentence
    **dict.fromkeys(["because", "because_first", "although", "although_first", "so", "and", "but"], _ANY_TWO),
    "if": [("later", "condition")],
    "before": [("event", "event")],
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
    units = rng.randint(2, 99) if rng.random() < 0.5 else 10 * rng.randint(10, 300)
    return Price(currency, 100 * units + (0 if currency == "JPY" else rng.choice([0, 0, 50, 90, 99])))


def _money(rng: Random) -> Money:
    return Money(rng.choice(vocabulary.CURRENCIES), rng.choice([10, 50, 100]) * rng.randint(2, 30))


def _spoken(rng: Random) -> Clock:
    return Clock(rng.randint(1, 12), rng.choice([0, 10, 15, 20, 30, 30, 40, 45, 50]), spoken=True)


def _clock(rng: Random) -> Clock:
    return _spoken(rng) if rng.random() < 0.3 else Clock(rng.randint(5, 22), 5 * rng.randrange(12), spoken=False)


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
    "solid": _term("substance", vocabulary.SUBSTANCES["mass-kilogram"]),
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
        self, rng: Random, frames: Collection[str], forms: Collection[str], modals: Set[str]
    ) -> None:
        self.rng = rng
        self.modals_of = {tense: sorted(modals & names) for tense, names in _MODALS_OF_TENSE.items()}
        self.forms = sorted(forms)
        self.weights = [_WEIGHTS.get(form, 1) for form in self.forms]
        embedding = {"that", "whether", "to"}
        simple = {name for name in frames if not embedding & set(FRAMES[name].slots.values())}
        self.simple = sorted(simple)
        self.frames_for = {
            "free": self.simple,
            "statement": sorted(frames),
            "question": sorted(frames),
            "request": self._with("infinitive"),
            "infinitive": self._with("infinitive"),
            "past": self._with("past"),
            "event": [name for name in self._with("past") if FRAMES[name].when != "none"],
            "now": self._with("present", "habit"),
            "later": self._with("future"),
            "condition": self._with("present", "future"),
            "who": self._with("who"),
            "why": [name for name in self.simple if "subject" in FRAMES[name].slots],
            "where": [name for name in self.simple if FRAMES[name].places],
        }
        timed = [name for name in self.simple if FRAMES[name].when in ("any", "day", "clock")]
        self.frames_for |= {"fronted": timed, "when": timed}

    def _with(self, *uses: str) -> list[str]:
        return [name for name in self.simple if not FRAMES[name].uses.isdisjoint(uses)]

    def sentence(self) -> Sentence:
        """Draw a message."""
        form = self.rng.choices(self.forms, self.weights)[0]
        if form in _JOINED:
            first, second = (self.clause(use) for use in self.rng.choice(_JOINED[form]))
            return Sentence(form, (first, self._about_the_same(first, second)))
        return Sentence(form, (self.clause("infinitive" if form == "request" else form),))

    def clause(self, use: str) -> Clause:
        """Draw a clause for a use: a form of one clause, or free, past, infinitive, later, condition or who."""
        name = self.rng.choice(self.frames_for[use])
        frame = FRAMES[name]
        slots = self._slots(frame, use)
        tense, modal = self._tense(frame, use)
        negated = "not" in frame.uses and use not in _AFFIRMATIVE and self.rng.random() < 0.25
        item = slots.get("item")
        if negated and isinstance(item, Item) and item.count > 1:
            slots["item"] = replace(item, determiner="a", count=1)
        when = None if use == "when" else self._when(frame, tense, use)
        place = ""
        if frame.places and use != "where" and (name == "forget" or self.rng.random() < 0.5):
            place = self.rng.choice(vocabulary.PLACES_FOR[frame.places])
        return Clause(name, slots, tense, modal, negated, when, place)

    def _slots(self, frame: Frame, use: str) -> dict[str, Filler]:
        while True:
            slots = {name: self._filler(kind) for name, kind in frame.slots.items()}
            if "subject" in slots and use in _UNSAID_SUBJECTS:
                slots["subject"] = Pronoun(_UNSAID_SUBJECTS[use])
            subject, other = slots.get("subject"), slots.get("other")
            if len({identity(filler) for filler in slots.values()}) < len(slots):
                continue
            if isinstance(other, Pronoun) and isinstance(subject, Pronoun) and {other.word, subject.word} != {"I", "you"}:
                continue  # no "we help me"; and no "he calls him", who may be himself
            return slots

    def _filler(self, kind: str) -> Filler:
        match kind:
            case "that":
                return Embedded("that", self.clause("free"))
            case "to":
                return Embedded("to", self.clause("infinitive"))
            case "whether":
                word = self.rng.choice(["whether", "whether", "when", "why"])
                return Embedded(word, self.clause("free" if word == "whether" else word))
        filler = SLOTS[kind](self.rng)
        if kind == "person" and isinstance(filler, Role) and self.rng.random() < 0.25:
            return replace(filler, relative=self.clause("who"))
        return filler

    def _tense(self, frame: Frame, use: str) -> tuple[str, str]:
        """Tense and modal; under a modal the tense says which days fit."""
        rng = self.rng
        if use in ("infinitive", "condition"):
            return "present", ""
        tenses = {tense for tense in ("past", "present", "future") if tense in frame.uses}
        if "habit" in frame.uses:
            tenses.add("present")
        tense = rng.choice(sorted(tenses.intersection(_TENSES_OF_USE.get(use, tenses))))
        modals = self.modals_of[tense] if "modal" in frame.uses else []
        return tense, rng.choice(modals) if modals and rng.random() < 0.4 else ""

    def _when(self, frame: Frame, tense: str, use: str) -> When | None:
        rng = self.rng
        if frame.when == "born":
            return When(Day("full_date", _TODAY - timedelta(rng.randint(18 * 365, 80 * 365))), None)
        if "since" in frame.uses and tense == "present" and use == "free" and rng.random() < 0.5:
            return When(self._day(rng.choice(["since_year", "since_span"]), "past"), None)
        if frame.when == "none":
            return None
        if tense == "present" and use in _DAYS_OF_USE:
            tense = "future"  # if he comes tomorrow, please come tomorrow
        day = self._day(rng.choice(_DAYS_OF_TENSE[tense]), tense)
        needs_day = use == "fronted" or "habit" in frame.uses and tense == "present"
        exact = day.kind not in ("month", "ago", "ahead")
        if frame.when == "clock":
            return When(day if exact and (needs_day or rng.random() < 0.6) else None, _clock(rng))
        if not needs_day and rng.random() < 0.35:
            return None
        if frame.when == "any" and exact and rng.random() < 0.3:
            return When(day if needs_day or rng.random() < 0.7 else None, _clock(rng))
        return When(day, None)

    def _day(self, kind: str, tense: str) -> Day:
        rng = self.rng
        if kind in ("ago", "ahead", "since_span"):
            unit = rng.choice(sorted(_SPANS))
            return Day(kind, _TODAY, Measure(unit, rng.randint(*_SPANS[unit])))
        if kind in ("yesterday", "today", "tomorrow"):
            return Day(kind, _TODAY)
        if kind in ("weekday", "last", "next", "every"):
            return Day(kind, _TODAY + timedelta(rng.randrange(7)))
        days = rng.randint(1, 6000)
        return Day(kind, _TODAY + timedelta(-days if tense == "past" else days // 2))

    def _about_the_same(self, first: Clause, second: Clause) -> Clause:
        """Let a second clause go on about the person of the first, by a pronoun."""
        subject = first.slots.get("subject")
        gender = vocabulary.NAMES | vocabulary.ROLES
        if not isinstance(subject, Name | Role) or "subject" not in second.slots or self.rng.random() < 0.4:
            return second
        if isinstance(second.slots.get("other"), Pronoun):
            return second
        return replace(second, slots={**second.slots, "subject": Pronoun(gender[identity(subject)])})
