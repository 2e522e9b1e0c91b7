"""German words: nouns with gender, cases and the endings of their companions, times, figures and names."""

from seq2seq.sources.phrasebook import cldr
from seq2seq.sources.phrasebook.grammar import Forms, fixed, spaced
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
    Price,
    Pronoun,
    Role,
    Term,
    When,
)
from seq2seq.sources.phrasebook.vocabulary import NAMES, ROLES

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
WORDS = {
    "architecture": "Architektur", "art": "Kunst", "chemistry": "Chemie", "history": "Geschichte",
    "literature": "Literatur", "mathematics": "Mathematik", "music": "Musik", "philosophy": "Philosophie",
    "physics": "Physik", "politics": "Politik",
    "beer": "Bier", "butter": "Butter", "cheese": "Käse", "chocolate": "Schokolade", "cocoa": "Kakao",
    "coffee": "Kaffee", "flour": "Mehl", "juice": "Saft", "meat": "Fleisch", "milk": "Milch", "oil": "Öl",
    "rice": "Reis", "salt": "Salz", "sugar": "Zucker", "tea": "Tee", "water": "Wasser", "wine": "Wein",
    "that": "dass", "whether": "ob", "when": "wann", "where": "wo", "why": "warum", "and": "und",
    "but": "aber",
}  # fmt: skip
_DAYS = {
    "yesterday": "gestern", "today": "heute", "tomorrow": "morgen", "weekday": "am {weekday}",
    "last": "letzten {weekday}", "next": "nächsten {weekday}", "every": "jeden {weekday}", "date": "am {date}",
    "weekday_date": "am {weekday}, dem {date}", "full_date": "am {full_date}", "month": "im {month}",
    "ago": "{distance}", "ahead": "{distance}", "since_year": "seit {year}",
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


def when(time: When | None) -> str:
    """Day before time of day."""
    if time is None:
        return ""
    return spaced(_day(time.day) if time.day else "", f"um {_clock(time.clock)}" if time.clock else "")


def _day(day: Day) -> str:
    if day.kind == "since_span" and day.span:
        return f"seit {_measure(day.span):dat}"
    return cldr.say_day("de", day, _DAYS[day.kind])


def where(place: str) -> str:
    """At a place."""
    return f"{_WHERE[place][0]} {_NOUNS[place].split()[1]}" if place else ""


def reflexive(subject: Filler | None) -> str:
    """The pronoun that points back to the subject."""
    return _PRONOUNS.get(subject.word, _PRONOUNS["he"]).split()[3] if isinstance(subject, Pronoun) else "sich"


def _measure(measure: Measure) -> Forms:
    text = cldr.figure("de", measure)
    value, unit, *rest = text.split()
    substance = WORDS[measure.substance] if measure.substance else ""
    return Forms({"": spaced(text, substance), "dat": spaced(value, _dative_plural(unit), *rest)})


def gender_of(person: Filler) -> str:
    """``m`` or ``f``."""
    pronoun = {**NAMES, **ROLES}
    match person:
        case Name(word) | Role(word):
            return "m" if pronoun[word] == "he" else "f"
    return "f" if person == Pronoun("she") else "m"


def phrase(filler: Filler) -> Forms:  # noqa: PLR0911, PLR0912 -- one case for each kind of filler
    """Say a filler that has no clause in it: people and things by case (nom, acc, dat), others as patterns need."""
    match filler:
        case Pronoun("who"):
            return Forms(dict.fromkeys(_CASES, ""))
        case Pronoun(word):
            return Forms(zip(_CASES, _PRONOUNS[word].split()[:3], strict=True))
        case Name(name):
            return Forms(dict.fromkeys(_CASES, name))
        case Role(noun, owner):
            singular, oblique = (*_ROLES[noun].split(), "")[:2]
            return _decline(singular, gender_of(filler), owner, oblique=oblique)
        case Item(noun, determiner, adjective, count):
            gender, singular, plural = _NOUNS[noun].split()
            stem = _ADJECTIVES.get(adjective, "")
            return _counted(count, plural, stem) if count > 1 else _decline(singular, gender, determiner, stem)
        case Drink(container, drink, count):
            forms = _counted(count, _NOUNS[container].split()[2])
            return fixed(f"{forms['acc']} {WORDS[drink]}")
        case Buildings(place, count):
            return _counted(count, _NOUNS[place].split()[2])
        case Measure():
            return _measure(filler)
        case Term():
            return _term(filler)
        case Number("ordinal", value):
            word = cldr.ordinal_word("de", value)
            return Forms({"e": word, "en": f"{word}n"})
        case Day():
            return Forms({"name": cldr.weekday("de", filler)})
        case Clock():
            return fixed(_clock(filler))
        case Price() | Money() | Number():
            return fixed(_figure(filler))
    raise TypeError(f"{filler} has a clause in it")


def _figure(filler: Price | Money | Number) -> str:
    """The CLDR names currencies as headings do; within a sentence, `Britische Pfund` begins with a small letter."""
    words = cldr.figure("de", filler).split()
    return " ".join(word.lower() if word.endswith("ische") else word for word in words)


def _term(term: Term) -> Forms:  # noqa: PLR0911 -- one case for each kind of term
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
    return fixed(WORDS[term.name])
