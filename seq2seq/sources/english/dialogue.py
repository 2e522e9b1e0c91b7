"""Turns and the replies that follow from them: what was asked for is promised, what was told is answered.

Here are the exchanges that the phrasebook's English says, about anything that it knows; reckoning.py and answers.py
have the others. The speakers change with the turn: what `I` told about `my sister`, `you` answer about `your sister`.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from seq2seq.sources.english.answers import ANSWERS
from seq2seq.sources.english.reckoning import RECKONED
from seq2seq.sources.english.templates import Drawn, Exchange, say
from seq2seq.sources.generated import Pair, belongs
from seq2seq.sources.phrasebook import en, fillers
from seq2seq.sources.phrasebook.messages import (
    Clause,
    Filler,
    Item,
    Name,
    Pronoun,
    Role,
    Sentence,
    combinations,
    identity,
)
from seq2seq.sources.phrasebook.sampling import Sampler
from seq2seq.sources.phrasebook.vocabulary import FRAMES, PLACES_FOR

_OTHER_PERSON = {"I": "you", "we": "you", "you": "I"}
_OTHER_OWNER = {"my": "your", "our": "your", "your": "my"}


def draw(name: str, seed: int) -> Iterator[Pair]:
    """Draw pairs of the set ``name``, without end."""
    rng = Random(f"dialogue {seed} {name}")
    kinds = list(EXCHANGES.values())
    weights = [kind.weight for kind in kinds]
    while True:
        kind = rng.choices(kinds, weights)[0]
        parts, slots = kind.draw(rng)
        turn, reply = rng.choice(kind.patterns)
        if belongs(parts, name, seed):
            yield say(turn, slots), say(reply, slots)


def _turn(filler: Filler) -> Filler:
    """The same, as the other speaker says it."""
    match filler:
        case Pronoun(word):
            return Pronoun(_OTHER_PERSON.get(word, word))
        case Role(owner=owner):
            return replace(filler, owner=_OTHER_OWNER.get(owner, owner))
        case Item(determiner=determiner):
            return replace(filler, determiner=_OTHER_OWNER.get(determiner, determiner))
    return filler


def _turn_clause(clause: Clause) -> Clause:
    return replace(clause, slots={name: _turn(filler) for name, filler in clause.slots.items()})


def _clause(rng: Random, use: str) -> Clause:
    return Sampler(rng, en.LANGUAGE.frames, en.LANGUAGE.forms, en.LANGUAGE.modals).clause(use)


def _say(form: str, clause: Clause) -> str:
    """A whole sentence, with its mark of punctuation."""
    return en.render(Sentence(form, (clause,)))


def _say_action(clause: Clause) -> str:
    return _say("request", clause).removeprefix("Please ").removesuffix(".")


def _say_after(word: str, clause: Clause) -> str:
    """A statement behind `Yes,`: `I` and names keep their capital letter."""
    text = _say("statement", clause)
    subject = clause.slots.get("subject")
    if subject == Pronoun("I") or isinstance(subject, Name):
        return f"{word}, {text}"
    return f"{word}, {text[0].lower()}{text[1:]}"


def _request(rng: Random) -> Drawn:
    clause = replace(_clause(rng, "request"), negated=False)
    mine = _turn_clause(clause)
    slots = {"yours": _say_action(clause), "mine": _say_action(mine), "again": _say_action(_turn_clause(mine))}
    return list(combinations(clause)), slots


def _truth(rng: Random) -> Drawn:
    """A fact, and a question about it or about something like it."""
    fact = _clause(rng, "free")
    asked = replace(fact, negated=False)
    if not fact.negated and rng.random() < 0.5:
        asked = _about_another(rng, fact)
    answer = "no" if fact.negated or asked != fact else "yes"
    return [*combinations(fact), *combinations(asked)], {
        "fact": _say("statement", fact),
        "question": _say("question", asked),
        "answer": _say_after(answer, _turn_clause(fact)),
    }


def _about_another(rng: Random, fact: Clause) -> Clause:
    """The clause with another main filler of the same kind."""
    main, kind = next(iter(FRAMES[fact.frame].slots.items()))
    taken = {identity(filler) for filler in fact.slots.values()}
    while True:
        other = fillers.SLOTS[kind](rng)
        if identity(other) not in taken and not isinstance(other, Pronoun):
            return replace(fact, slots={**fact.slots, main: other})


def _time(rng: Random) -> Drawn:
    fact = _clause(rng, "fronted")
    return list(combinations(fact)), {
        "fact": _say("statement", fact),
        "question": _say("when", replace(fact, when=None)),
        "short": en.say_when(fact.when),
        "long": _say("fronted", _turn_clause(fact)),
    }


def _place(rng: Random) -> Drawn:
    clause = _clause(rng, "where")
    fact = replace(clause, place=rng.choice(PLACES_FOR[FRAMES[clause.frame].places]))
    return list(combinations(fact)), {
        "fact": _say("statement", fact),
        "question": _say("where", clause),
        "short": en.say_place(fact.place),
        "long": _say("statement", _turn_clause(fact)),
    }


_SHORT_OR_LONG = (
    ("{fact} {question}", "{short}."),
    ("{fact} {question} Please tell me in a whole sentence.", "{long}"),
)
EXCHANGES: dict[str, Exchange] = {
    "requests": Exchange(
        10,
        _request,
        (
            ("Please {yours}.", "All right, I will {mine}."),
            ("Could you {yours}, please?", "Of course, I can {mine}."),
            ("Please do not {yours}.", "All right, I will not {mine}."),
            ("You should not {yours}.", "You are right, I should not {mine}."),
            ("You promised to {yours}.", "Yes, I promised to {mine}, and I will do it."),
            ("Why don't you {yours}?", "That is a good idea, I will {mine}."),
            ("I told you to {yours}!", "I am sorry, I forgot to {mine}."),
            ("Shall I {mine}?", "Yes, please {again}."),  # `our` comes back as `my`: `your` doesn't tell
            ("May I {mine}?", "Of course, you may {again}."),
            ("Do I have to {mine}?", "No, you do not have to {again}."),
            ("I would like to {mine}.", "Then {again}, it is a good idea."),
        ),
    ),
    "truths": Exchange(
        7, _truth, (("{fact} {question}", "{answer}"), ("{question} This is what I know: {fact}", "{answer}"))
    ),
    "times": Exchange(5, _time, _SHORT_OR_LONG),
    "places": Exchange(5, _place, _SHORT_OR_LONG),
    **RECKONED,
    **ANSWERS,
}
