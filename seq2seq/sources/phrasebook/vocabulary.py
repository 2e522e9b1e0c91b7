"""What can be said: the names of words, and the frames that clauses are built on. No language is spoken here."""

from collections.abc import Mapping
from dataclasses import dataclass


def _words(text: str) -> list[str]:
    return text.split()


NAMES = {  # and the pronoun that stands for each
    **dict.fromkeys(["Anna", "Clara", "Emma", "Julia", "Laura", "Maria", "Sophie", "Susanne"], "she"),
    **dict.fromkeys(["Ben", "David", "Felix", "Lukas", "Martin", "Paul", "Peter", "Thomas"], "he"),
}
FAMILY = {
    **dict.fromkeys(["sister", "mother", "aunt", "grandmother", "daughter"], "she"),
    **dict.fromkeys(["brother", "father", "uncle", "grandfather", "son"], "he"),
}
ROLES = FAMILY | {
    **dict.fromkeys(["teacher", "boss", "journalist", "colleague"], "she"),
    **dict.fromkeys(["doctor", "neighbor", "student", "waiter", "mechanic"], "he"),
}
PRONOUNS = ["I", "we", "you", "he", "she"]

PORTABLE = _words(
    "bag book camera clock computer dictionary guitar key lamp letter map mirror newspaper phone picture suitcase "
    "ticket umbrella"
)
HEAVY = _words("bag bicycle chair computer guitar lamp mirror suitcase table")
REPAIRABLE = _words("bag bicycle camera car chair clock computer guitar lamp phone suitcase table umbrella")
TEXTS = _words("book dictionary letter newspaper ticket")
ITEMS = sorted({*PORTABLE, *HEAVY, *REPAIRABLE, *TEXTS})
ADJECTIVES = _words("beautiful big black blue cheap expensive green new old red small white")
DRINKS = {
    "cup": ["coffee", "tea", "cocoa"],
    "glass": ["water", "milk", "juice", "wine"],
    "bottle": ["water", "juice", "wine", "beer"],
}
SUBSTANCES = {
    "mass-gram": ["sugar", "flour", "butter", "cheese", "salt", "chocolate"],
    "mass-kilogram": ["rice", "flour", "sugar", "coffee", "cheese", "meat"],
    "volume-liter": ["milk", "water", "oil", "juice"],
}
EVENTS = _words("concert conference course dinner exam exhibition game interview lecture meeting party wedding")
PLACES = _words("airport bakery hotel library market museum office park restaurant station supermarket university")
PLACES_FOR = {  # what people do there
    "anything": PLACES,
    "shopping": _words("airport market museum station supermarket"),
    "drinking": _words("airport bakery hotel office restaurant station"),
    "learning": _words("hotel library office park university"),
    "banking": _words("airport hotel market station"),
}
PROFESSIONS = _words("architect cook doctor engineer journalist lawyer mechanic nurse teacher translator waiter")
TOPICS = _words("architecture art chemistry history literature mathematics music philosophy physics politics")

# codes of the Unicode CLDR; it has no list of cities, but it names the cities of time zones
TOWNS = [  # that one can drive to
    f"Europe/{city}"
    for city in _words(
        "Amsterdam Athens Berlin Brussels Budapest Copenhagen Istanbul Lisbon London Madrid Moscow Oslo Paris Prague "
        "Rome Stockholm Vienna Warsaw Zurich"
    )
]
CITIES = [*TOWNS, "Africa/Cairo", "America/Havana", "Asia/Singapore", "Asia/Tokyo", "Europe/Dublin"]
COUNTRIES = _words(
    "AR AT AU BE BR CA CH CN DE DK EG ES FI FR GR HU IE IN IT JP KE MX NL NO NZ PL PT RO SE TR UA US VN ZA"
)
LANGUAGES = _words("ar cs da de el en es fi fr hu it ja ko nl no pl pt ru sv tr uk vi zh")
CURRENCIES = _words("CAD CHF CZK EUR GBP INR JPY SEK USD")

MODALS = ["can", "had_to", "have_to", "should", "want_to", "wanted_to", "would_like_to"]
# one clause: statement, fronted (time first), question, where, when, why, request; two clauses: the rest
FORMS = _words(
    "statement fronted question when where why request "
    "because because_first if although although_first before so and but"
)


@dataclass(frozen=True)
class Frame:
    """What a clause around one verb can say; each language file has the verb and its pattern.

    ``slots`` name the kind of each filler (see sampling.SLOTS), the main one first. ``uses`` are the tenses
    past, present, future; `habit` (every Monday), `modal`, `infinitive` (also for requests), `not`
    (negation), `since` (goes on until now), `who` (may describe somebody in a relative clause); and `taught`
    (nothing about it is held out, so that training has every word and its forms).
    ``when`` is the time it may take: any, day, clock (a must), born (a date, a must) or none. ``places`` is
    a key of PLACES_FOR, or empty where no place is said.
    """

    slots: Mapping[str, str]
    uses: frozenset[str]
    when: str
    places: str


def _frame(uses: str, slots: str, when: str = "any", places: str = "") -> Frame:
    pairs = (slot.split(":") for slot in slots.split())
    return Frame(dict(pairs), frozenset(uses.split()), when, places)


_ACT = "past future habit modal infinitive"
_ACT_NOT = f"{_ACT} not"

FRAMES = {
    # what people do
    "buy": _frame(_ACT_NOT, "item:item subject:person", places="shopping"),
    "sell": _frame(_ACT_NOT, "item:item price:price subject:person"),
    "pay": _frame(_ACT, "item:known price:price subject:person"),
    "look_for": _frame(_ACT_NOT, "item:item subject:person", places="anything"),
    "forget": _frame("past not", "item:mine subject:person", places="anything"),
    "lose": _frame("past not", "item:portable subject:person", places="anything"),
    "repair": _frame(_ACT_NOT, "item:repairable subject:person"),
    "bring": _frame(_ACT_NOT, "item:portable subject:person"),
    "give": _frame(_ACT_NOT, "item:portable other:other subject:person"),
    "send": _frame(_ACT_NOT, "item:portable other:other subject:person"),
    "thank": _frame("past infinitive modal", "item:mine other:other subject:person"),
    "call": _frame(_ACT_NOT, "other:other subject:person"),
    "help": _frame(_ACT_NOT, "other:other subject:person", places="anything"),
    "wait": _frame(_ACT_NOT, "other:other subject:person", places="anything"),
    "meet": _frame(_ACT_NOT, "other:other subject:person", places="anything"),
    "pick_up": _frame(_ACT_NOT, "other:other subject:person", places="anything"),
    "visit": _frame(_ACT_NOT, "other:other subject:person"),
    "invite": _frame(_ACT_NOT, "event:event other:other subject:person"),
    "remind": _frame(_ACT_NOT, "event:event other:other subject:person"),
    "postpone": _frame("past future modal infinitive not", "event:event day:weekday subject:person", "none"),
    "cancel": _frame("past future modal infinitive not", "event:event subject:person"),
    "fly": _frame(_ACT_NOT, "country:country subject:person"),
    "move": _frame("past future modal infinitive not taught", "country:country subject:person", "day"),
    "return": _frame(f"{_ACT_NOT} taught", "country:country subject:person"),
    "take_train": _frame(_ACT, "destination:town origin:town subject:person"),
    "drive": _frame(_ACT, "city:town speed:speed subject:person", "day"),
    "take_bus": _frame(f"{_ACT} taught", "place:place subject:person"),
    "go": _frame(_ACT_NOT, "place:place subject:person"),
    "get_up": _frame(_ACT, "clock:spoken subject:person", "day"),
    "arrive": _frame("past future not", "city:city subject:person"),
    "stay": _frame("past future modal infinitive", "city:city duration:weeks subject:person", "none"),
    "rent": _frame("past future modal infinitive", "city:city duration:months subject:person", "none"),
    "drink": _frame(_ACT, "drink:drink subject:person", places="drinking"),
    "order": _frame("past future modal infinitive taught", "drink:drink subject:person", places="drinking"),
    "need": _frame("past present future", "quantity:quantity subject:person", "none"),
    "run": _frame(_ACT, "distance:run subject:person", "day"),
    "learn": _frame(_ACT, "language:language subject:person", "day", places="learning"),
    "speak": _frame("present past who", "language:language subject:person", "none"),
    "write": _frame(_ACT, "language:language other:other subject:person"),
    "translate": _frame(f"{_ACT_NOT} taught", "language:language origin:language item:text subject:person", "day"),
    "watch_film": _frame(_ACT_NOT, "language:language subject:person"),
    "read_chapter": _frame(_ACT_NOT, "chapter:ordinal subject:person"),
    "finish_in_place": _frame("past future", "rank:ordinal subject:person", "day"),
    "exchange": _frame(_ACT, "wanted:currency money:money subject:person", "day", places="banking"),
    # how people are
    "live": _frame("present past since not who", "city:city subject:person", "none"),
    "live_on_floor": _frame("present past who", "floor:ordinal subject:person", "none"),
    "come_from": _frame("present not who", "country:country subject:person", "none"),
    "work_as": _frame("present past since", "profession:profession subject:human", "none"),
    "become": _frame("past future modal taught", "profession:profession subject:human", "none"),
    "be_old": _frame("present", "age:age subject:person", "none"),
    "be_born": _frame("past", "city:city subject:person", "born"),
    "be_taller": _frame("present", "other:other length:height subject:person", "none"),
    "have_left": _frame("past present", "money:money subject:person", "none"),
    "study": _frame("past present future modal infinitive taught", "topic:topic subject:person", "none"),
    "like": _frame("present past not", "item:known subject:person", "none"),
    "be_interested": _frame("present past since not who", "topic:topic subject:person", "none"),
    "look_forward": _frame("present past not", "event:event subject:person", "none"),
    # how things are
    "belong": _frame("present past not", "item:known owner:owner", "none"),
    "cost": _frame("present past", "item:known price:price", "none"),
    "weigh": _frame("present past", "item:heavy weight:weight", "none"),
    "begin": _frame("past present future", "event:event", "clock"),
    "take_place": _frame("past present future not", "event:event city:city"),
    "open": _frame("past future habit", "place:place", "clock"),
    "close": _frame("past future habit", "place:place", "clock"),
    "train_leaves": _frame("past present future", "city:town platform:platform", "clock"),
    "flight_takes": _frame("present", "destination:city origin:city duration:hours", "none"),
    "there_are": _frame("present", "city:city buildings:buildings", "none"),
    "be_far": _frame("present", "destination:city origin:city distance:journey", "none"),
    "be_warm": _frame("past future", "city:city degrees:degrees", "day"),
    "be_time": _frame("present", "clock:spoken", "none"),
    "rise": _frame("past future", "substance:substance percent:percent", "day"),
    "fall": _frame("past future", "substance:substance percent:percent", "day"),
    "cost_per_kilogram": _frame("present past", "substance:solid price:small_price", "none"),
    # what people say and intend: frames around another clause
    "say": _frame("past present", "content:that subject:person", "none"),
    "think": _frame("present", "content:that subject:person", "none"),
    "hope": _frame("present", "content:that subject:person", "none"),
    "hear": _frame("past", "content:that subject:person", "none"),
    "know": _frame("present not", "content:whether subject:person", "none"),
    "wonder": _frame("present", "content:whether subject:person", "none"),
    "forget_to": _frame("past not", "action:to subject:person", "none"),
    "promise": _frame("past", "action:to_or_not subject:person", "none"),
    "decide": _frame("past", "action:to_or_not subject:person", "none"),
    "try": _frame("past present", "action:to subject:person", "none"),
    "plan": _frame("present", "action:to subject:person", "none"),
    "ask_to": _frame("past", "action:to_or_not other:other subject:person", "none"),
    "be_important": _frame("present not", "action:to_or_not", "none"),
    "be_difficult": _frame("present not", "action:to", "none"),
}
