"""Random messages: which clauses make a sentence, in which tense, and when."""

from collections.abc import Collection, Set
from dataclasses import replace
from random import Random

from seq2seq.sources.phrasebook import fillers, vocabulary
from seq2seq.sources.phrasebook.messages import (
    Clause,
    Embedded,
    Filler,
    Item,
    Name,
    Pronoun,
    Role,
    Sentence,
    When,
    identity,
    named_people,
)
from seq2seq.sources.phrasebook.vocabulary import FRAMES, Frame

_DAYS_OF_TENSE = {
    "past": ["yesterday", "last", "weekday", "date", "full_date", "weekday_date", "month", "ago"],
    "present": ["every"],
    "future": ["today", "tomorrow", "next", "weekday", "date", "full_date", "weekday_date", "month", "ahead"],
}
_TENSES_OF_USE = {  # others take any
    "past": ["past"],
    "event": ["past"],
    "now": ["present"],
    "who": ["present"],
    "later": ["future"],
}
_PRESENT_ABOUT_FUTURE = ("request", "to", "to_or_not", "condition")
_UNTIL_NOW = ("free", "statement", "question", "now")
_AFFIRMATIVE = ("fronted", "question", "where", "when", "event", "to")
_UNSAID_SUBJECTS = {"request": "you", "to": "who", "to_or_not": "who", "who": "who"}
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
_WEIGHTS = {  # of forms; others 1
    "statement": 10,
    "fronted": 5,
    "question": 4,
    "request": 3,
    "when": 2,
    "where": 2,
    "why": 2,
    "because": 2,
}


class Sampler:
    """Draws messages made of the frames, forms and modals that all languages in play know."""

    def __init__(self, rng: Random, frames: Collection[str], forms: Collection[str], modals: Set[str]) -> None:
        self.rng = rng
        self.modals_of = {tense: sorted(modals & names) for tense, names in _MODALS_OF_TENSE.items()}
        self.forms = sorted(forms)
        self.weights = [_WEIGHTS.get(form, 1) for form in self.forms]
        embedding = {"that", "whether", "to", "to_or_not"}
        self.simple = sorted(name for name in frames if embedding.isdisjoint(FRAMES[name].slots.values()))
        often = self.simple + 3 * sorted(set(frames).difference(self.simple))  # they fit in no other use
        self.frames_for = {
            "free": self.simple,
            "statement": often,
            "question": often,
            "request": self._with("infinitive"),
            "to": self._with("infinitive"),
            "to_or_not": self._with("infinitive"),
            "past": self._with("past"),
            "event": [name for name in self._with("past") if FRAMES[name].when not in ("none", "born")],
            "now": self._with("present", "habit"),
            "later": self._with("future"),
            "condition": self._with("future"),
            "who": self._with("who"),
            "why": [name for name in self._with("infinitive", "not") if "subject" in FRAMES[name].slots],
            "where": [name for name in self.simple if FRAMES[name].places],
        }
        timed = [name for name in self.simple if FRAMES[name].when in ("any", "day", "clock")]
        self.frames_for |= {"fronted": timed, "when": timed}

    def _with(self, *uses: str) -> list[str]:
        return [name for name in self.simple if not FRAMES[name].uses.isdisjoint(uses)]

    def sentence(self) -> Sentence:
        """Draw a message in which nobody is named twice."""
        while True:
            sentence = self._sentence()
            people = [identity(person) for clause in sentence.clauses for person in named_people(clause)]
            if len(set(people)) == len(people):
                return sentence

    def _sentence(self) -> Sentence:
        form = self.rng.choices(self.forms, self.weights)[0]
        if form in _JOINED:
            first, second = (self.clause(use) for use in self.rng.choice(_JOINED[form]))
            return Sentence(form, (first, self._about_the_same(first, second)))
        return Sentence(form, (self.clause(form),))

    def clause(self, use: str) -> Clause:
        """Draw a clause for a use: a form of one clause, or free, past, event,
        now, later, condition, to, to_or_not or who."""
        name = self.rng.choice(self.frames_for[use])
        frame = FRAMES[name]
        slots = self._slots(frame, use)
        tense, modal = self._tense(frame, use)
        habit = frame.when != "none" and tense == "present" and use not in _PRESENT_ABOUT_FUTURE
        affirmative = habit or "not" not in frame.uses or use in _AFFIRMATIVE
        negated = not affirmative and self.rng.random() < 0.25
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
            different = len({identity(filler) for filler in slots.values()}) == len(slots)
            if different and self._is_natural(slots.get("subject"), slots.get("other"), use):
                return slots

    def _is_natural(self, subject: Filler | None, other: Filler | None, use: str) -> bool:
        if isinstance(subject, Pronoun) and isinstance(other, Pronoun):
            return {subject.word, other.word} == {"I", "you"}  # no "we help me", no "he calls him", maybe himself
        return use not in ("question", "why") or subject not in (Pronoun("I"), Pronoun("we"))  # no "do I live here?"

    def _filler(self, kind: str) -> Filler:
        match kind:
            case "that":
                return Embedded("that", self.clause("free"))
            case "to" | "to_or_not":
                return Embedded("to", self.clause(kind))
            case "whether":
                word = self.rng.choice(["whether", "whether", "when", "why"])
                return Embedded(word, self.clause("free" if word == "whether" else word))
        filler = fillers.SLOTS[kind](self.rng)
        if kind == "person" and isinstance(filler, Role) and self.rng.random() < 0.25:
            return replace(filler, relative=self.clause("who"))
        return filler

    def _tense(self, frame: Frame, use: str) -> tuple[str, str]:
        """Tense and modal; under a modal the tense says which days fit."""
        rng = self.rng
        if use in _PRESENT_ABOUT_FUTURE:
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
            return When(fillers.birthday(rng), None)
        if "since" in frame.uses and tense == "present" and use in _UNTIL_NOW and rng.random() < 0.5:
            return When(fillers.day(rng, rng.choice(["since_year", "since_span"]), past=True), None)
        return None if frame.when == "none" else self._day_and_clock(frame, tense, use)

    def _day_and_clock(self, frame: Frame, tense: str, use: str) -> When | None:
        rng = self.rng
        if tense == "present" and use in _PRESENT_ABOUT_FUTURE:
            tense = "future"  # if he comes tomorrow, please come tomorrow
        day = fillers.day(rng, rng.choice(_DAYS_OF_TENSE[tense]), past=tense == "past")
        needs_day = use == "fronted" or ("habit" in frame.uses and tense == "present")
        exact = day.kind not in ("month", "ago", "ahead")
        if frame.when == "clock":
            return When(day if exact and (needs_day or rng.random() < 0.6) else None, fillers.clock(rng))
        if not needs_day and rng.random() < 0.35:
            return None
        if frame.when == "any" and exact and rng.random() < 0.3:
            return When(day if needs_day or rng.random() < 0.7 else None, fillers.clock(rng))
        return When(day, None)

    def _about_the_same(self, first: Clause, second: Clause) -> Clause:
        """Let a second clause go on about the person of the first, by a pronoun."""
        subject = first.slots.get("subject")
        gender = vocabulary.NAMES | vocabulary.ROLES
        if not isinstance(subject, Name | Role) or "subject" not in second.slots or self.rng.random() < 0.4:
            return second
        if isinstance(second.slots.get("other"), Pronoun):
            return second
        return replace(second, slots={**second.slots, "subject": Pronoun(gender[identity(subject)])})
