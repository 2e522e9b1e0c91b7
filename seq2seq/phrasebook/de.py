"""German: topological fields, cases, and the endings that articles, adjectives and verbs agree in.

A clause is laid out in its fields (Drach 1937): the finite verb stands second in a statement, first in a
question and last in a subordinate clause, and the rest of the verb closes the middle field.
"""

from dataclasses import dataclass, replace

from seq2seq.phrasebook import cldr
from seq2seq.phrasebook.grammar import Forms, Language, fill, finish, fixed, spaced
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
    Price,
    Pronoun,
    Role,
    Sentence,
    Term,
    When,
)
from seq2seq.phrasebook.vocabulary import FORMS, MODALS, NAMES, ROLES


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
    "take_train": Frame("fahren fährt gefahren sein", "* mit dem Zug von {origin} nach {destination}"),
    "drive": Frame("fahren fährt gefahren sein", "* mit {speed:dat} nach {city}"),
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
    "be_old": Frame("sein ist =war", "{age} Jahre alt"),
    "be_born": Frame("werden wird =wurde", "* in {city} geboren"),
    "be_taller": Frame("sein ist =war", "{length} größer als {other:nom}"),
    "have_left": Frame("haben hat =hatte", "noch {money}"),
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
_NOUNS = {  # gender, singular, plural
    "bag": "f Tasche Taschen", "bicycle": "n Fahrrad Fahrräder", "book": "n Buch Bücher",
    "bottle": "f Flasche Flaschen", "camera": "f Kamera Kameras", "car": "n Auto Autos",
    "chair": "m Stuhl Stühle", "clock": "f Uhr Uhren", "computer": "m Computer Computer",
    "cup": "f Tasse Tassen", "dictionary": "n Wörterbuch Wörterbücher", "glass": "n Glas Gläser",
    "guitar": "f Gitarre Gitarren", "key": "m Schlüssel Schlüssel", "lamp": "f Lampe Lampen",
    "letter": "m Brief Briefe", "map": "f Landkarte Landkarten", "mirror": "m Spiegel Spiegel",
    "newspaper": "f Zeitung Zeitungen", "phone": "n Telefon Telefone", "picture": "n Bild Bilder",
    "suitcase": "m Koffer Koffer", "table": "m Tisch Tische", "ticket": "f Fahrkarte Fahrkarten",
    "umbrella": "m Regenschirm Regenschirme",
    "concert": "n Konzert", "conference": "f Konferenz", "course": "m Kurs", "dinner": "n Abendessen",
    "exam": "f Prüfung", "exhibition": "f Ausstellung", "game": "n Spiel", "interview": "n Interview",
    "lecture": "m Vortrag", "meeting": "f Besprechung", "party": "f Party", "wedding": "f Hochzeit",
    "airport": "m Flughafen Flughäfen", "bakery": "f Bäckerei Bäckereien", "hotel": "n Hotel Hotels",
    "library": "f Bibliothek Bibliotheken", "market": "m Markt Märkte", "museum": "n Museum Museen",
    "office": "n Büro Büros", "park": "m Park Parks", "restaurant": "n Restaurant Restaurants",
    "station": "m Bahnhof Bahnhöfe", "supermarket": "m Supermarkt Supermärkte",
    "university": "f Universität Universitäten",
}  # fmt: skip
_WHERE = {  # at a place, to a place
    "airport": ("am", "zum"), "bakery": ("in der", "zur"), "hotel": ("im", "ins"), "library": ("in der", "in die"),
    "market": ("auf dem", "zum"), "museum": ("im", "ins"), "office": ("im", "ins"), "park": ("im", "in den"),
    "restaurant": ("im", "ins"), "station": ("am", "zum"), "supermarket": ("im", "zum"),
    "university": ("an der", "zur"),
}  # fmt: skip
_ROLES = {  # singular, and its form outside the nominative where that differs
    "aunt": "Tante", "boss": "Chefin", "brother": "Bruder", "colleague": "Kollegin", "daughter": "Tochter",
    "doctor": "Arzt", "father": "Vater", "grandfather": "Großvater", "grandmother": "Großmutter",
    "journalist": "Journalistin", "mechanic": "Mechaniker", "mother": "Mutter", "neighbor": "Nachbar Nachbarn",
    "sister": "Schwester", "son": "Sohn", "student": "Student Studenten", "teacher": "Lehrerin", "uncle": "Onkel",
    "waiter": "Kellner",
}  # fmt: skip
_PROFESSIONS = {  # of a man, of a woman
    "architect": "Architekt Architektin", "cook": "Koch Köchin", "doctor": "Arzt Ärztin",
    "engineer": "Ingenieur Ingenieurin", "journalist": "Journalist Journalistin", "lawyer": "Anwalt Anwältin",
    "mechanic": "Mechaniker Mechanikerin", "nurse": "Krankenpfleger Krankenpflegerin", "teacher": "Lehrer Lehrerin",
    "translator": "Übersetzer Übersetzerin", "waiter": "Kellner Kellnerin",
}  # fmt: skip
_WORDS = {
    "architecture": "Architektur", "art": "Kunst", "chemistry": "Chemie", "history": "Geschichte",
    "literature": "Literatur", "mathematics": "Mathematik", "music": "Musik", "philosophy": "Philosophie",
    "physics": "Physik", "politics": "Politik",
    "beer": "Bier", "butter": "Butter", "cheese": "Käse", "chocolate": "Schokolade", "cocoa": "Kakao",
    "coffee": "Kaffee", "flour": "Mehl", "juice": "Saft", "meat": "Fleisch", "milk": "Milch", "oil": "Öl",
    "rice": "Reis", "salt": "Salz", "sugar": "Zucker", "tea": "Tee", "water": "Wasser", "wine": "Wein",
    "yesterday": "gestern", "today": "heute", "tomorrow": "morgen", "last": "letzten", "next": "nächsten",
    "every": "jeden", "that": "dass", "whether": "ob", "when": "wann", "where": "wo", "why": "warum", "and": "und",
    "but": "aber",
}  # fmt: skip
_ADJECTIVES = {  # stems
    "beautiful": "schön", "big": "groß", "black": "schwarz", "blue": "blau", "cheap": "billig", "expensive": "teur",
    "green": "grün", "new": "neu", "old": "alt", "red": "rot", "small": "klein", "white": "weiß",
}  # fmt: skip
_PRONOUNS = {  # nominative, accusative, dative, reflexive
    "I": "ich mich mir mich", "we": "wir uns uns uns", "you": "Sie Sie Ihnen sich", "he": "er ihn ihm sich",
    "she": "sie sie ihr sich",
}  # fmt: skip
_ARTICLED_COUNTRIES = {  # accusative, dative
    "CH": ("die Schweiz", "der Schweiz"), "NL": ("die Niederlande", "den Niederlanden"),
    "TR": ("die Türkei", "der Türkei"), "UA": ("die Ukraine", "der Ukraine"),
    "US": ("die Vereinigten Staaten", "den Vereinigten Staaten"),
}  # fmt: skip
_CASES = ("nom", "acc", "dat")
_THE = {"m": "der den dem", "f": "die die der", "n": "das das dem", "p": "die die den"}
_A = {"m": " en em", "f": "e e er", "n": "  em", "p": "e e en"}
_WEAK = {"m": "e en en", "f": "e e en", "n": "e e en", "p": "en en en"}
_MIXED = {"m": "er en en", "f": "e e en", "n": "es es en", "p": "en en en"}
_STRONG_PLURAL = "e e en"
_STEMS = {"a": "ein", "my": "mein", "our": "unser", "no": "kein"}
_IRREGULAR = {  # I, he, we
    "sein": "bin ist sind", "haben": "habe hat haben", "werden": "werde wird werden", "wissen": "weiß weiß wissen",
    "can": "kann kann können", "have_to": "muss muss müssen", "had_to": "musste musste mussten",
    "want_to": "will will wollen", "wanted_to": "wollte wollte wollten", "should": "sollte sollte sollten",
    "would_like_to": "möchte möchte möchten", "war": "war war waren", "hatte": "hatte hatte hatten", "wurde": "wurde wurde wurden",
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


def _decline(noun: str, gender: str, determiner: str, adjective: str = "", oblique: str = "") -> Forms:
    """Nominative, accusative and dative of a noun with its determiner and adjective (a stem)."""
    match determiner:
        case "the":
            articles, endings = _THE[gender].split(), _WEAK[gender]
        case "":
            articles, endings = ["", "", ""], _STRONG_PLURAL
        case _:
            articles, endings = [_STEMS[determiner] + end for end in _A[gender].split(" ")], _MIXED[gender]
    nouns = [noun, oblique or noun, _dative_plural(noun) if gender == "p" else oblique or noun]
    adjectives = [adjective + end if adjective else "" for end in endings.split()]
    return Forms({case: spaced(*words) for case, *words in zip(_CASES, articles, adjectives, nouns, strict=True)})


def _dative_plural(noun: str) -> str:
    return noun if noun.endswith(("n", "s")) else f"{noun}n"


def _counted(count: int, noun: str, adjective: str = "") -> Forms:
    forms = _decline(noun, "p", "", adjective)
    return Forms({case: f"{cldr.number_word('de', count)} {text}" for case, text in forms.items()})


def _clock(clock: Clock) -> str:
    if not clock.spoken:
        return f"{cldr.digital('de', clock)} Uhr"
    this, following = cldr.number_word("de", clock.hour), cldr.number_word("de", clock.hour % 12 + 1)
    match clock.minute:
        case 0:
            return f"{this.removesuffix('s') if clock.hour == 1 else this} Uhr"
        case 30:
            return f"halb {following}"
    after = clock.minute < 30
    minutes = clock.minute if after else 60 - clock.minute
    words = "Viertel" if minutes == 15 else cldr.number_word("de", minutes)
    return f"{words} nach {this}" if after else f"{words} vor {following}"


def _day(day: Day) -> str:
    weekday = cldr.pattern("de", day.date, "EEEE")
    match day.kind:
        case "weekday":
            return f"am {weekday}"
        case "last" | "next" | "every":
            return f"{_WORDS[day.kind]} {weekday}"
        case "date":
            return f"am {cldr.skeleton('de', day.date, 'MMMMd')}"
        case "weekday_date":
            return f"am {weekday}, dem {cldr.skeleton('de', day.date, 'MMMMd')}"
        case "full_date":
            return f"am {cldr.long_date('de', day.date)}"
        case "month":
            return f"im {cldr.skeleton('de', day.date, 'yMMMM')}"
        case "ago" | "ahead":
            return cldr.distance_in_time("de", day)
        case "since_year":
            return f"seit {day.date.year}"
        case "since_span" if day.span:
            return f"seit {_measure(day.span):dat}"
    return _WORDS[day.kind]


def _when(when: When | None) -> str:
    if when is None:
        return ""
    return spaced(_day(when.day) if when.day else "", f"um {_clock(when.clock)}" if when.clock else "")


def _measure(measure: Measure) -> Forms:
    text = cldr.measure("de", measure)
    value, unit, *rest = text.split()
    substance = _WORDS[measure.substance] if measure.substance else ""
    return Forms({"": spaced(text, substance), "dat": spaced(value, _dative_plural(unit), *rest)})


def _currency(money: Money) -> str:
    """The CLDR names currencies as headings do; in a sentence `Britische Pfund` begins with a small letter."""
    words = cldr.money("de", money).split()
    return " ".join(word.lower() if word.endswith("ische") else word for word in words)


def _gender(person: Filler) -> str:
    pronoun = {**NAMES, **ROLES}
    match person:
        case Name(word) | Role(word):
            return "m" if pronoun[word] == "he" else "f"
    return "f" if person == Pronoun("she") else "m"


def _phrase(filler: Filler) -> Forms:
    match filler:
        case Pronoun("who"):
            return Forms(dict.fromkeys(_CASES, ""))
        case Pronoun(word):
            return Forms(zip(_CASES, _PRONOUNS[word].split()[:3], strict=True))
        case Name(name):
            return Forms(dict.fromkeys(_CASES, name))
        case Role(noun, owner, relative):
            singular, oblique = (*_ROLES[noun].split(), "")[:2]
            forms = _decline(singular, _gender(filler), owner, oblique=oblique)
            if relative is None:
                return forms
            who = "der" if _gender(filler) == "m" else "die"
            return Forms({case: f"{text}, {who} {_fields(relative).subordinate()}," for case, text in forms.items()})
        case Item(noun, determiner, adjective, count):
            gender, singular, plural = _NOUNS[noun].split()
            stem = _ADJECTIVES.get(adjective, "")
            return _counted(count, plural, stem) if count > 1 else _decline(singular, gender, determiner, stem)
        case Drink(container, drink, count):
            forms = _counted(count, _NOUNS[container].split()[2])
            return fixed(f"{forms['acc']} {_WORDS[drink]}")
        case Buildings(place, count):
            return _counted(count, _NOUNS[place].split()[2])
        case Measure():
            return _measure(filler)
        case Embedded("to", clause):
            return fixed(f", {_infinitive(clause)}")
        case Embedded(word, clause):
            return fixed(f", {_WORDS[word]} {_fields(clause).subordinate()}")
        case Term():
            return _term(filler)
        case Number("ordinal", value):
            word = cldr.ordinal_word("de", value)
            return Forms({"e": word, "en": f"{word}n"})
        case Day():
            return Forms({"name": cldr.pattern("de", filler.date, "EEEE")})
    return fixed(_figure(filler))


def _figure(filler: Price | Money | Number | Clock) -> str:
    match filler:
        case Price():
            return cldr.price("de", filler)
        case Money():
            return _currency(filler)
        case Clock():
            return _clock(filler)
        case Number("percent", value):
            return cldr.percent("de", value)
    return str(filler.value)


def _term(term: Term) -> Forms:
    match term.kind:
        case "city":
            return fixed(cldr.city("de", term.name))
        case "language":
            name = cldr.tongue("de", term.name)
            return Forms({"": name, "from": f"dem {name}en", "into": f"ins {name}e"})
        case "country":
            if term.name in _ARTICLED_COUNTRIES:
                accusative, dative = _ARTICLED_COUNTRIES[term.name]
                return Forms({"to": f"in {accusative}", "from": f"aus {dative}"})
            name = cldr.country("de", term.name)
            return Forms({"to": f"nach {name}", "from": f"aus {name}"})
        case "profession":
            man, woman = _PROFESSIONS[term.name].split()
            return Forms({"m": man, "f": woman})
        case "event" | "place":
            gender, noun, *_ = _NOUNS[term.name].split()
            to = _WHERE[term.name][1] if term.kind == "place" else "zur" if gender == "f" else "zum"
            return Forms({**_decline(noun, gender, "the"), "to": f"{to} {noun}"})
    return fixed(_WORDS[term.name])


def _phrases(clause: Clause, frame: Frame) -> dict[str, Forms]:
    phrases = {name: _phrase(filler) for name, filler in clause.slots.items()}
    item = clause.slots.get("item")
    if _says_kein(clause, frame) and isinstance(item, Item):
        phrases["item"] = _phrase(replace(item, determiner="no"))
    if "profession" in phrases:
        phrases["profession"] = fixed(phrases["profession"][_gender(clause.slots["subject"])])
    return phrases


def _says_kein(clause: Clause, frame: Frame) -> bool:
    """`Nicht ein` becomes `kein`."""
    item = clause.slots.get("item")
    return clause.negated and "{item:acc} ~" in frame.middle and isinstance(item, Item) and item.determiner == "a"


def _middle(clause: Clause, subject: Filler | None, fronted: bool = False) -> tuple[str, str]:
    """The pronoun that leads the middle field, if there is one, and the rest of the field."""
    frame = FRAMES[clause.frame]
    phrases, pattern, pronoun = _phrases(clause, frame), frame.middle, ""
    if frame.verb.startswith("sich "):
        pronoun = _PRONOUNS[subject.word].split()[3] if subject in map(Pronoun, _PRONOUNS) else "sich"
    opening, closed, rest = pattern.partition("}")
    if opening.startswith("{") and isinstance(clause.slots.get(opening[1:].split(":")[0]), Pronoun):
        pronoun, pattern = fill(opening + closed, phrases), rest
    place = f"{_WHERE[clause.place][0]} {_NOUNS[clause.place].split()[1]}" if clause.place else ""
    adjuncts = spaced("" if fronted else _when(clause.when), place)
    nicht = "nicht" if clause.negated and not _says_kein(clause, frame) else ""
    return pronoun, fill(pattern, phrases).replace("*", adjuncts).replace("~", nicht)


def _person(clause: Clause) -> str:
    """Whether the verb agrees with ich, er or wir."""
    subject, number = clause.slots.get("subject"), FRAMES[clause.frame].number
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
    return _conjugate(*(auxiliary or ["haben"]), person), "", prefix + participle


def _fields(clause: Clause, fronted: bool = False) -> Fields:
    frame = FRAMES[clause.frame]
    phrases = _phrases(clause, frame)
    pronoun, middle = _middle(clause, clause.slots.get("subject"), fronted)
    finite, prefix, closing = _verb(clause)
    subject = fill(frame.subject, phrases)
    light = subject == "es" or "{subject:nom}" in frame.subject and isinstance(clause.slots["subject"], Pronoun)
    return Fields(subject, light, finite, pronoun, middle, prefix, closing, fill(frame.after, phrases))


def _infinitive(clause: Clause) -> str:
    """Infinitive with `zu`, which goes between a prefix and its verb."""
    prefix, _, base = FRAMES[clause.frame].verb.split()[0].rpartition("|")
    return spaced(*_middle(clause, None), f"{prefix}zu{base}" if prefix else f"zu {base}")


def render(sentence: Sentence) -> str:
    """Say a message in German."""
    first = sentence.clauses[0]
    fields = _fields(first, fronted=sentence.form == "fronted")
    match sentence.form:
        case "statement":
            return finish(fields.statement(), ".")
        case "fronted":
            return finish(fields.statement(_when(first.when)), ".")
        case "question":
            return finish(fields.question(), "?")
        case "where" | "when" | "why":
            return finish(fields.statement(_WORDS[sentence.form]), "?")
        case "request":
            return finish(fields.statement("bitte"), ".")
    return finish(_join(sentence.form, fields, _fields(sentence.clauses[1])), ".")


def _join(form: str, first: Fields, second: Fields) -> str:
    match form:
        case "and" | "but":
            return f"{first.statement()}, {_WORDS[form]} {second.statement()}"
        case "so":
            return f"{first.statement()}, {second.statement('deshalb')}"
        case "because_first" | "although_first" | "if":
            conjunction = _CONJUNCTIONS[form.removesuffix("_first")]
            return first.statement(f"{conjunction} {second.subordinate()},")
    return f"{first.statement()}, {_CONJUNCTIONS[form]} {second.subordinate()}"


LANGUAGE = Language("de", render, frozenset(FRAMES), frozenset(FORMS), frozenset(MODALS))
