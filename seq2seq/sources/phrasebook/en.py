"""English: do-support, tenses of the simple and the perfect, time at the end of the clause."""

from dataclasses import dataclass

from seq2seq.sources.phrasebook import cldr
from seq2seq.sources.phrasebook.grammar import Forms, Language, fill, finish, fixed, spaced
from seq2seq.sources.phrasebook.messages import (
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
    Price,
    Pronoun,
    Role,
    Sentence,
    Term,
    When,
)
from seq2seq.sources.phrasebook.vocabulary import FORMS, MODALS


@dataclass(frozen=True)
class Frame:
    """A verb and what follows it.

    ``verb`` is the infinitive, and the past tense where irregular. The verb is singular, plural, or agrees
    with the slot ``subject``.
    """

    verb: str
    complement: str
    subject: str = "{subject}"
    number: str = ""


FRAMES = {
    "buy": Frame("buy bought", "{item}"),
    "sell": Frame("sell sold", "{item} for {price}"),
    "pay": Frame("pay paid", "{price} for {item}"),
    "look_for": Frame("look", "for {item}"),
    "forget": Frame("forget forgot", "{item}"),
    "lose": Frame("lose lost", "{item}"),
    "repair": Frame("repair", "{item}"),
    "bring": Frame("bring brought", "{item} along"),
    "give": Frame("give gave", "{item} to {other:object}"),
    "send": Frame("send sent", "{item} to {other:object}"),
    "thank": Frame("thank", "{other:object} for {item}"),
    "call": Frame("call", "{other:object}"),
    "help": Frame("help", "{other:object}"),
    "wait": Frame("wait", "for {other:object}"),
    "meet": Frame("meet met", "{other:object}"),
    "pick_up": Frame("pick", "{other:object} up"),
    "visit": Frame("visit", "{other:object}"),
    "invite": Frame("invite", "{other:object} to the {event}"),
    "remind": Frame("remind", "{other:object} of the {event}"),
    "postpone": Frame("postpone", "the {event} to {day:name}"),
    "cancel": Frame("cancel canceled", "the {event}"),
    "fly": Frame("fly flew", "to {country}"),
    "move": Frame("move", "to {country}"),
    "return": Frame("come came", "back from {country}"),
    "take_train": Frame("take took", "the train from {origin} to {destination}"),
    "drive": Frame("drive drove", "to {city} at {speed}"),
    "take_bus": Frame("take took", "the bus to the {place}"),
    "go": Frame("go went", "to the {place}"),
    "get_up": Frame("get got", "up at {clock}"),
    "arrive": Frame("arrive", "in {city}"),
    "stay": Frame("stay", "in {city} for {duration}"),
    "rent": Frame("rent", "an apartment in {city} for {duration}"),
    "drink": Frame("drink drank", "{drink}"),
    "order": Frame("order", "{drink}"),
    "need": Frame("need", "{quantity}"),
    "run": Frame("run ran", "{distance}"),
    "learn": Frame("learn", "{language}"),
    "speak": Frame("speak spoke", "{language}"),
    "write": Frame("write wrote", "to {other:object} in {language}"),
    "translate": Frame("translate", "{item} from {origin} into {language}"),
    "watch_film": Frame("watch", "the film in {language}"),
    "read_chapter": Frame("read read", "the {chapter} chapter"),
    "finish_in_place": Frame("finish", "in {rank} place"),
    "exchange": Frame("exchange", "{money} for {wanted}"),
    "live": Frame("live", "in {city}"),
    "live_on_floor": Frame("live", "on the {floor} floor"),
    "come_from": Frame("come", "from {country}"),
    "work_as": Frame("work", "as {profession}"),
    "become": Frame("become became", "{profession}"),
    "be_old": Frame("be", "{age} years old"),
    "be_born": Frame("be", "born in {city}"),
    "be_taller": Frame("be", "{length} taller than {other:object}"),
    "have_left": Frame("have had", "{money} left"),
    "study": Frame("study", "{topic}"),
    "like": Frame("like", "{item}"),
    "be_interested": Frame("be", "interested in {topic}"),
    "look_forward": Frame("look", "forward to the {event}"),
    "belong": Frame("belong", "to {owner}", "{item}", "singular"),
    "cost": Frame("cost cost", "{price}", "{item}", "singular"),
    "weigh": Frame("weigh", "{weight}", "{item}", "singular"),
    "begin": Frame("begin began", "", "the {event}", "singular"),
    "take_place": Frame("take took", "place in {city}", "the {event}", "singular"),
    "open": Frame("open", "", "the {place}", "singular"),
    "close": Frame("close", "", "the {place}", "singular"),
    "train_leaves": Frame("leave left", "from platform {platform}", "the train to {city}", "singular"),
    "flight_takes": Frame("take took", "{duration}", "the flight from {origin} to {destination}", "singular"),
    "there_are": Frame("be", "{buildings} in {city}", "there", "plural"),
    "be_far": Frame("be", "{distance} from {origin} to {destination}", "it", "singular"),
    "be_warm": Frame("be", "{degrees}", "the temperature in {city}", "singular"),
    "be_time": Frame("be", "{clock} now", "it", "singular"),
    "rise": Frame("rise rose", "by {percent}", "the price of {substance}", "singular"),
    "fall": Frame("fall fell", "by {percent}", "the price of {substance}", "singular"),
    "cost_per_kilogram": Frame("cost cost", "{price}", "a kilogram of {substance}", "singular"),
    "say": Frame("say said", "{content}"),
    "think": Frame("think", "{content}"),
    "hope": Frame("hope", "{content}"),
    "hear": Frame("hear heard", "{content}"),
    "know": Frame("know", "{content}"),
    "wonder": Frame("wonder", "{content}"),
    "forget_to": Frame("forget forgot", "{action}"),
    "promise": Frame("promise", "{action}"),
    "decide": Frame("decide", "{action}"),
    "try": Frame("try", "{action}"),
    "plan": Frame("plan", "{action}"),
    "ask_to": Frame("ask", "{other:object} {action}"),
    "be_important": Frame("be", "important {action}", "it", "singular"),
    "be_difficult": Frame("be", "difficult {action}", "it", "singular"),
}
_VOWELS = "aeiou"
_PRONOUNS = {"I": "me", "we": "us", "you": "you", "he": "him", "she": "her", "who": ""}
_DAYS = {
    **{name: name for name in ("yesterday", "today", "tomorrow")},
    **{name: f"{name} {{weekday}}" for name in ("last", "next", "every")},
    "weekday": "on {weekday}", "date": "on {date}", "weekday_date": "on {weekday}, {date}",
    "full_date": "on {full_date}", "month": "in {month}", "ago": "{distance}", "ahead": "{distance}",
    "since_year": "since {year}", "since_span": "for {span}",
}  # fmt: skip
_PREPOSITIONS = dict.fromkeys(["airport", "market", "station", "university"], "at")  # in the others
_MODALS = {"can": ("can", ""), "should": ("should", ""), "would_like_to": ("would", "like to")}
_VERBS_AS_MODALS = {
    "had_to": ("have had", "past"),
    "have_to": ("have", "present"),
    "want_to": ("want", "present"),
    "wanted_to": ("want", "past"),
}
_JOINTS = {
    "because": "{0} because {1}",
    "because_first": "because {1}, {0}",
    "if": "if {1}, {0}",
    "although": "{0} although {1}",
    "although_first": "although {1}, {0}",
    "before": "{0} before {1}",
    "so": "{0}, so {1}",
    "and": "{0}, and {1}",
    "but": "{0}, but {1}",
}


def article(noun: str) -> str:
    """A noun, or an adjective and a noun, with the indefinite article."""
    return f"an {noun}" if noun[0] in _VOWELS else f"a {noun}"  # an hour and a university are not among them


def plural(noun: str) -> str:
    """The plural of a regular noun."""
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def _country(code: str) -> str:
    name = cldr.country("en", code)
    return f"the {name}" if code in ("NL", "US") else name


def _clock(clock: Clock) -> str:
    if not clock.spoken:
        return cldr.digital("en", clock)
    after = clock.minute <= 30
    hour = cldr.number_word("en", clock.hour if after else clock.hour % 12 + 1)
    match clock.minute:
        case 0:
            return f"{hour} o'clock"
        case 30:
            return f"half past {hour}"
    minutes = clock.minute if after else 60 - clock.minute
    words = "a quarter" if minutes == 15 else cldr.number_word("en", minutes)
    return f"{words} {'past' if after else 'to'} {hour}"


def say_when(when: When | None) -> str:
    """A time as it stands in a clause, such as `at half past three tomorrow`; empty without one."""
    if when is None:
        return ""
    day = cldr.say_day("en", when.day, _DAYS[when.day.kind]) if when.day else ""
    return spaced(f"at {_clock(when.clock)}" if when.clock else "", day)


def _phrase(filler: Filler) -> Forms:  # noqa: PLR0911, PLR0912 -- one case for each kind of filler
    match filler:
        case Pronoun(word):
            return Forms({"": word, "object": _PRONOUNS[word]})
        case Name(name):
            return Forms({"": name, "object": name})
        case Role(noun, owner, relative):
            text = spaced(owner, noun, _statement(relative) if relative else "")
            return Forms({"": text, "object": text})
        case Item(noun, determiner, adjective, count):
            if count > 1:
                return fixed(spaced(cldr.number_word("en", count), adjective, plural(noun)))
            words = spaced(adjective, noun)
            return fixed(article(words) if determiner == "a" else f"{determiner} {words}")
        case Drink(container, drink, count):
            return fixed(f"{cldr.number_word('en', count)} {plural(container)} of {drink}")
        case Buildings(place, count):
            return fixed(f"{cldr.number_word('en', count)} {plural(place)}")
        case Measure(substance=substance) if substance:
            return fixed(f"{cldr.figure('en', filler)} of {substance}")
        case Number("ordinal", value):
            return fixed(cldr.ordinal_word("en", value))
        case Price() | Money() | Measure() | Number():
            return fixed(cldr.figure("en", filler))
        case Clock():
            return fixed(_clock(filler))
        case Day():
            return Forms({"name": cldr.weekday("en", filler)})
        case Embedded("to", clause):
            return fixed(spaced("not" if clause.negated else "", "to", _infinitive(clause)))
        case Embedded(word, clause):
            return fixed(f"{word} {_statement(clause)}")
    return fixed(_term(filler))


def _term(term: Term) -> str:
    match term.kind:
        case "city":
            return cldr.city("en", term.name)
        case "country":
            return _country(term.name)
        case "language":
            return cldr.tongue("en", term.name)
        case "profession":
            return article(term.name)
    return term.name


def regular_past(verb: str) -> str:
    """The past tense of a regular verb."""
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return f"{verb[:-1]}ied"
    return f"{verb}d" if verb.endswith("e") else f"{verb}ed"


def third_person(verb: str) -> str:
    """What he or she does, of an infinitive other than `be`."""
    return {"have": "has", "go": "goes"}.get(verb, plural(verb))


def _person(clause: Clause, frame: Frame) -> str:
    """I, singular or plural: what the verb agrees with."""
    subject = clause.slots.get("subject")
    if frame.number or not isinstance(subject, Pronoun):
        return frame.number or "singular"
    return {"I": "I", "we": "plural", "you": "plural"}.get(subject.word, "singular")


def _verb(clause: Clause, question: bool) -> tuple[str, str]:
    """Auxiliary (empty where English needs none) and the rest of the verb."""
    frame = FRAMES[clause.frame]
    infinitive = frame.verb.split()[0]
    person = _person(clause, frame)
    support = question or clause.negated
    if clause.modal in _MODALS:
        auxiliary, rest = _MODALS[clause.modal]
        return auxiliary, spaced(rest, infinitive)
    if clause.modal:
        auxiliary, rest = _inflect(*_VERBS_AS_MODALS[clause.modal], person, support)
        return auxiliary, spaced(rest, "to", infinitive)
    if clause.tense == "future":
        return "will", infinitive
    if clause.when and clause.when.day and clause.when.day.kind in ("since_year", "since_span"):
        return "has" if person == "singular" else "have", "been" if infinitive == "be" else regular_past(infinitive)
    return _inflect(frame.verb, clause.tense, person, support)


def _inflect(verb: str, tense: str, person: str, support: bool) -> tuple[str, str]:
    """A verb in past or present tense, carried by a form of `do` where it needs support."""
    infinitive, *irregular = verb.split()
    past, singular = tense == "past", person == "singular"
    if infinitive == "be":
        present = {"I": "am", "singular": "is"}.get(person, "are")
        return ("were" if person == "plural" else "was") if past else present, ""
    if support:
        return "did" if past else "does" if singular else "do", infinitive
    if past:
        return "", irregular[0] if irregular else regular_past(infinitive)
    return "", third_person(infinitive) if singular else infinitive


def say_place(place: str) -> str:
    """A place as it stands in a clause, such as `at the market`; empty without one."""
    return f"{_PREPOSITIONS.get(place, 'in')} the {place}" if place else ""


def _complement(clause: Clause, fronted: bool = False) -> str:
    phrases = {name: _phrase(filler) for name, filler in clause.slots.items()}
    when = "" if fronted else say_when(clause.when)
    return spaced(fill(FRAMES[clause.frame].complement, phrases), say_place(clause.place), when)


def _subject(clause: Clause) -> str:
    return fill(FRAMES[clause.frame].subject, {name: _phrase(filler) for name, filler in clause.slots.items()})


def _statement(clause: Clause, fronted: bool = False) -> str:
    auxiliary, rest = _verb(clause, question=False)
    auxiliary = spaced(auxiliary, "not" if clause.negated else "").replace("can not", "cannot")
    return spaced(_subject(clause), auxiliary, rest, _complement(clause, fronted))


def _question(clause: Clause) -> str:
    auxiliary, rest = _verb(clause, question=True)
    return spaced(auxiliary, _subject(clause), "not" if clause.negated else "", rest, _complement(clause))


def _infinitive(clause: Clause) -> str:
    return spaced(FRAMES[clause.frame].verb.split()[0], _complement(clause))


def render(sentence: Sentence) -> str:
    """Say a message in English."""
    first = sentence.clauses[0]
    match sentence.form:
        case "statement":
            return finish(_statement(first), ".")
        case "fronted":
            return finish(f"{say_when(first.when)}, {_statement(first, fronted=True)}", ".")
        case "question":
            return finish(_question(first), "?")
        case "where" | "when" | "why":
            return finish(f"{sentence.form} {_question(first)}", "?")
        case "request":
            return finish(spaced("please", "do not" if first.negated else "", _infinitive(first)), ".")
    return finish(_JOINTS[sentence.form].format(*map(_statement, sentence.clauses)), ".")


LANGUAGE = Language("en", render, frozenset(FRAMES), frozenset(FORMS), frozenset(MODALS))
