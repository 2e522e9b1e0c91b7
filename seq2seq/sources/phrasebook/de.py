"""German: topological fields, cases, and the endings that articles, adjectives and verbs agree in.

A clause is laid out in its fields (Drach 1937): the finite verb stands second in a statement, first in a
question and last in a subordinate clause, and the rest of the verb closes the middle field.
"""

from dataclasses import dataclass, replace

from seq2seq.sources.phrasebook import de_words as words
from seq2seq.sources.phrasebook.grammar import Forms, Language, fill, finish, fixed, spaced
from seq2seq.sources.phrasebook.messages import Clause, Embedded, Filler, Item, Pronoun, Role, Sentence
from seq2seq.sources.phrasebook.vocabulary import FORMS, MODALS


@dataclass(frozen=True)
class Frame:
    """A verb and its middle field.

    ``verb`` is infinitive (``an|rufen`` where the prefix separates, ``sich`` before a reflexive one), third
    person, participle (or ``=`` and the preterite that the verb prefers), and `sein` where that builds the
    perfect. In ``middle`` stand ``*`` for time and
    place, ``~`` for `nicht`; ``after`` follows the closing verb. The subject is third person singular
    (`er`), plural (`wir`), or agrees with the slot ``subject``.
    """

    verb: str
    middle: str
    subject: str = "{subject:nom}"
    number: str = ""
    after: str = ""


FRAMES = {
    "buy": Frame("kaufen kauft gekauft", "* {item:acc} ~"),
    "sell": Frame("verkaufen verkauft verkauft", "* {item:acc} ~ für {price}"),
    "pay": Frame("bezahlen bezahlt bezahlt", "* {price} für {item:acc}"),
    "look_for": Frame("suchen sucht gesucht", "* {item:acc} ~"),
    "forget": Frame("vergessen vergisst vergessen", "{item:acc} * ~"),
    "lose": Frame("verlieren verliert verloren", "* {item:acc} ~"),
    "repair": Frame("reparieren repariert repariert", "* {item:acc} ~"),
    "bring": Frame("mit|bringen bringt gebracht", "* {item:acc} ~"),
    "give": Frame("geben gibt gegeben", "{other:dat} * {item:acc} ~"),
    "send": Frame("schicken schickt geschickt", "{other:dat} * {item:acc} ~"),
    "thank": Frame("danken dankt gedankt", "{other:dat} * für {item:acc}"),
    "call": Frame("an|rufen ruft gerufen", "{other:acc} * ~"),
    "help": Frame("helfen hilft geholfen", "{other:dat} * ~"),
    "wait": Frame("warten wartet gewartet", "* ~ auf {other:acc}"),
    "meet": Frame("treffen trifft getroffen", "{other:acc} * ~"),
    "pick_up": Frame("ab|holen holt geholt", "{other:acc} * ~"),
    "visit": Frame("besuchen besucht besucht", "{other:acc} * ~"),
    "invite": Frame("ein|laden lädt geladen", "{other:acc} * ~ {event:to}"),
    "remind": Frame("erinnern erinnert erinnert", "{other:acc} * ~ an {event:acc}"),
    "postpone": Frame("verschieben verschiebt verschoben", "{event:acc} ~ auf {day:name}"),
    "cancel": Frame("ab|sagen sagt gesagt", "{event:acc} * ~"),
    "fly": Frame("fliegen fliegt geflogen sein", "* ~ {country:to}"),
    "move": Frame("ziehen zieht gezogen sein", "* ~ {country:to}"),
    "return": Frame("zurück|kommen kommt gekommen sein", "* ~ {country:from}"),
    "take_train": Frame("fahren fährt gefahren sein", "* mit dem Zug von {origin} nach {destination}"),
    "drive": Frame("fahren fährt gefahren sein", "* mit {speed:dat} nach {city}"),
    "take_bus": Frame("fahren fährt gefahren sein", "* mit dem Bus {place:to}"),
    "go": Frame("gehen geht gegangen sein", "* ~ {place:to}"),
    "get_up": Frame("auf|stehen steht gestanden sein", "* um {clock}"),
    "arrive": Frame("an|kommen kommt gekommen sein", "* ~ in {city}"),
    "stay": Frame("bleiben bleibt geblieben sein", "{duration} in {city}"),
    "rent": Frame("mieten mietet gemietet", "für {duration} eine Wohnung in {city}"),
    "drink": Frame("trinken trinkt getrunken", "* {drink}"),
    "order": Frame("bestellen bestellt bestellt", "* {drink}"),
    "need": Frame("brauchen braucht gebraucht", "{quantity}"),
    "run": Frame("laufen läuft gelaufen sein", "* {distance}"),
    "learn": Frame("lernen lernt gelernt", "* {language}"),
    "speak": Frame("sprechen spricht gesprochen", "{language}"),
    "write": Frame("schreiben schreibt geschrieben", "{other:dat} * auf {language}"),
    "translate": Frame("übersetzen übersetzt übersetzt", "* {item:acc} ~ aus {origin:from} {language:into}"),
    "watch_film": Frame("sehen sieht gesehen", "den Film * ~ auf {language}"),
    "read_chapter": Frame("lesen liest gelesen", "* das {chapter:e} Kapitel ~"),
    "finish_in_place": Frame("belegen belegt belegt", "* den {rank:en} Platz"),
    "exchange": Frame("wechseln wechselt gewechselt", "* {money} in {wanted}"),
    "live": Frame("wohnen wohnt gewohnt", "* ~ in {city}"),
    "live_on_floor": Frame("wohnen wohnt gewohnt", "im {floor:en} Stock"),
    "come_from": Frame("kommen kommt gekommen sein", "~ {country:from}"),
    "work_as": Frame("arbeiten arbeitet gearbeitet", "* als {profession}"),
    "become": Frame("werden wird geworden sein", "{profession}"),
    "be_old": Frame("sein ist =war", "{age} Jahre alt"),
    "be_born": Frame("werden wird =wurde", "* in {city} geboren"),
    "be_taller": Frame("sein ist =war", "{length} größer als {other:nom}"),
    "have_left": Frame("haben hat =hatte", "noch {money}"),
    "study": Frame("studieren studiert studiert", "{topic}"),
    "like": Frame("gefallen gefällt =gefiel", "{subject:dat} ~", "{item:nom}", "er"),
    "be_interested": Frame("sich interessieren interessiert interessiert", "* ~ für {topic}"),
    "look_forward": Frame("sich freuen freut gefreut", "~ auf {event:acc}"),
    "belong": Frame("gehören gehört =gehörte", "{owner:dat} ~", "{item:nom}", "er"),
    "cost": Frame("kosten kostet =kostete", "{price}", "{item:nom}", "er"),
    "weigh": Frame("wiegen wiegt =wog", "{weight}", "{item:nom}", "er"),
    "begin": Frame("beginnen beginnt begonnen", "*", "{event:nom}", "er"),
    "take_place": Frame("statt|finden findet gefunden", "* ~ in {city}", "{event:nom}", "er"),
    "open": Frame("öffnen öffnet geöffnet", "*", "{place:nom}", "er"),
    "close": Frame("schließen schließt geschlossen", "*", "{place:nom}", "er"),
    "train_leaves": Frame("ab|fahren fährt gefahren sein", "* von Gleis {platform}", "der Zug nach {city}", "er"),
    "flight_takes": Frame("dauern dauert gedauert", "{duration}", "der Flug von {origin} nach {destination}", "er"),
    "there_are": Frame("geben gibt gegeben", "in {city} {buildings:acc}", "es", "er"),
    "be_far": Frame("sein ist =war", "{distance} von {origin} nach {destination}", "es", "wir"),
    "be_warm": Frame("betragen beträgt =betrug", "* {degrees}", "die Temperatur in {city}", "er"),
    "be_time": Frame("sein ist =war", "jetzt {clock}", "es", "er"),
    "rise": Frame("steigen steigt gestiegen sein", "* um {percent}", "der Preis für {substance}", "er"),
    "fall": Frame("sinken sinkt gesunken sein", "* um {percent}", "der Preis für {substance}", "er"),
    "cost_per_kilogram": Frame("kosten kostet =kostete", "{price}", "ein Kilogramm {substance}", "er"),
    "say": Frame("sagen sagt gesagt", "", after="{content}"),
    "think": Frame("glauben glaubt geglaubt", "", after="{content}"),
    "hope": Frame("hoffen hofft gehofft", "", after="{content}"),
    "hear": Frame("hören hört gehört", "", after="{content}"),
    "know": Frame("wissen weiß gewusst", "~", after="{content}"),
    "wonder": Frame("sich fragen fragt gefragt", "", after="{content}"),
    "forget_to": Frame("vergessen vergisst vergessen", "~", after="{action}"),
    "promise": Frame("versprechen verspricht versprochen", "", after="{action}"),
    "decide": Frame("beschließen beschließt beschlossen", "", after="{action}"),
    "try": Frame("versuchen versucht versucht", "", after="{action}"),
    "plan": Frame("vor|haben hat gehabt", "", after="{action}"),
    "ask_to": Frame("bitten bittet gebeten", "{other:acc}", after="{action}"),
    "be_important": Frame("sein ist =war", "~ wichtig", "es", "er", "{action}"),
    "be_difficult": Frame("sein ist =war", "~ schwierig", "es", "er", "{action}"),
}
_IRREGULAR = {  # I, he, we
    "sein": "bin ist sind", "haben": "habe hat haben", "werden": "werde wird werden", "wissen": "weiß weiß wissen",
    "can": "kann kann können", "have_to": "muss muss müssen", "had_to": "musste musste mussten",
    "want_to": "will will wollen", "wanted_to": "wollte wollte wollten", "should": "sollte sollte sollten",
    "would_like_to": "möchte möchte möchten", "war": "war war waren",
    "hatte": "hatte hatte hatten", "wurde": "wurde wurde wurden",
}  # fmt: skip
_PERSONS = ("ich", "er", "wir")  # Sie takes the verb of wir
_CONJUNCTIONS = {"because": "weil", "if": "wenn", "although": "obwohl", "before": "bevor"}


@dataclass(frozen=True)
class Fields:
    """A clause in its topological fields; ``pronoun`` is the object that stands right behind verb and subject."""

    subject: str
    subject_is_light: bool
    finite: str
    pronoun: str
    middle: str
    prefix: str  # separated from the finite verb
    closing: str  # infinitive or participle
    after: str

    def statement(self, front: str = "") -> str:
        """Finite verb second: behind ``front``, or else behind the subject."""
        if front:
            return spaced(front, self.question())
        return spaced(self.subject, self.finite, self.pronoun, self.middle, self.prefix, self.closing, self.after)

    def question(self) -> str:
        """Finite verb first."""
        return spaced(self.finite, self._subject(), self.middle, self.prefix, self.closing, self.after)

    def subordinate(self) -> str:
        """Finite verb last, its prefix joined to it again."""
        return spaced(self._subject(), self.middle, self.closing, self.prefix + self.finite, self.after)

    def _subject(self) -> str:
        order = (self.subject, self.pronoun) if self.subject_is_light else (self.pronoun, self.subject)
        return spaced(*order)


def _phrase(filler: Filler) -> Forms:
    match filler:
        case Role(relative=Clause() as relative):
            who = "der" if words.gender_of(filler) == "m" else "die"
            clause = _fields(relative).subordinate()
            return Forms({case: f"{text}, {who} {clause}," for case, text in words.phrase(filler).items()})
        case Embedded("to", clause):
            return fixed(f", {_infinitive(clause)}")
        case Embedded(word, clause):
            return fixed(f", {words.WORDS[word]} {_fields(clause).subordinate()}")
    return words.phrase(filler)


def _phrases(clause: Clause) -> dict[str, Forms]:
    phrases = {name: _phrase(filler) for name, filler in clause.slots.items()}
    if item := _denied_item(clause):
        phrases["item"] = _phrase(replace(item, determiner="no"))
    if "profession" in phrases:
        phrases["profession"] = fixed(phrases["profession"][words.gender_of(clause.slots["subject"])])
    return phrases


def _denied_item(clause: Clause) -> Item | None:
    """The thing that takes `kein`, where `nicht` and `ein` would stand side by side."""
    item = clause.slots.get("item")
    if clause.negated and "{item:acc} ~" in FRAMES[clause.frame].middle and isinstance(item, Item):
        return item if item.determiner == "a" else None
    return None


def _middle(clause: Clause, fronted: bool = False) -> tuple[str, str]:
    """The pronoun that leads the middle field, if there is one, and the rest of the field."""
    frame = FRAMES[clause.frame]
    phrases = _phrases(clause)
    pattern = frame.middle
    pronoun = ""
    if frame.verb.startswith("sich "):
        pronoun = words.reflexive(clause.slots["subject"])
    opening, closed, rest = pattern.partition("}")
    if opening.startswith("{") and isinstance(clause.slots.get(opening[1:].split(":")[0]), Pronoun):
        pronoun = fill(opening + closed, phrases)
        pattern = rest
    adjuncts = spaced("" if fronted else words.when(clause.when), words.where(clause.place))
    nicht = "nicht" if clause.negated and not _denied_item(clause) else ""
    return pronoun, fill(pattern, phrases).replace("*", adjuncts).replace("~", nicht)


def _person(clause: Clause) -> str:
    """Whether the verb agrees with ich, er or wir."""
    subject = clause.slots.get("subject")
    number = FRAMES[clause.frame].number
    if number or not isinstance(subject, Pronoun):
        return number or "er"
    return {"I": "ich", "we": "wir", "you": "wir"}.get(subject.word, "er")


def _conjugate(infinitive: str, person: str, third: str = "") -> str:
    if infinitive in _IRREGULAR:
        return _IRREGULAR[infinitive].split()[_PERSONS.index(person)]
    stem = infinitive.removesuffix("n").removesuffix("e")
    first = f"{stem[:-2]}le" if stem.endswith("el") else f"{stem}e"
    return {"ich": first, "er": third, "wir": infinitive}[person]


def _verb(clause: Clause) -> tuple[str, str, str]:
    """Finite verb, separated prefix, and what closes the clause."""
    infinitive, third, participle, *auxiliary = FRAMES[clause.frame].verb.removeprefix("sich ").split()
    prefix, _, base = infinitive.rpartition("|")
    person = _person(clause)
    if clause.modal:
        return _conjugate(clause.modal, person), "", prefix + base
    match clause.tense:
        case "future":
            return _conjugate("werden", person), "", prefix + base
        case "present":
            return _conjugate(base, person, third), prefix, ""
    if participle.startswith("="):
        preterite = participle[1:]
        return _conjugate(preterite, person) if preterite in _IRREGULAR else preterite, "", ""
    return _conjugate(auxiliary[0] if auxiliary else "haben", person), "", prefix + participle


def _fields(clause: Clause, fronted: bool = False) -> Fields:
    frame = FRAMES[clause.frame]
    phrases = _phrases(clause)
    pronoun, middle = _middle(clause, fronted)
    finite, prefix, closing = _verb(clause)
    subject = fill(frame.subject, phrases)
    light = subject == "es" or ("{subject:nom}" in frame.subject and isinstance(clause.slots["subject"], Pronoun))
    return Fields(subject, light, finite, pronoun, middle, prefix, closing, fill(frame.after, phrases))


def _infinitive(clause: Clause) -> str:
    """Infinitive with `zu`, which goes between a prefix and its verb."""
    prefix, _, base = FRAMES[clause.frame].verb.split()[0].rpartition("|")
    return spaced(*_middle(clause), f"{prefix}zu{base}" if prefix else f"zu {base}")


def render(sentence: Sentence) -> str:
    """Say a message in German."""
    first = sentence.clauses[0]
    fields = _fields(first, fronted=sentence.form == "fronted")
    match sentence.form:
        case "statement":
            return finish(fields.statement(), ".")
        case "fronted":
            return finish(fields.statement(words.when(first.when)), ".")
        case "question":
            return finish(fields.question(), "?")
        case "where" | "when" | "why":
            return finish(fields.statement(words.WORDS[sentence.form]), "?")
        case "request":
            return finish(fields.statement("bitte"), ".")
    return finish(_join(sentence.form, fields, _fields(sentence.clauses[1])), ".")


def _join(form: str, first: Fields, second: Fields) -> str:
    match form:
        case "and" | "but":
            return spaced(first.statement(), ",", words.WORDS[form], second.statement())
        case "so":
            return spaced(first.statement(), ",", second.statement("deshalb"))
        case "because_first" | "although_first" | "if":
            conjunction = _CONJUNCTIONS[form.removesuffix("_first")]
            return first.statement(spaced(conjunction, second.subordinate(), ","))
    return spaced(first.statement(), ",", _CONJUNCTIONS[form], second.subordinate())


LANGUAGE = Language("de", render, frozenset(FRAMES), frozenset(FORMS), frozenset(MODALS))
