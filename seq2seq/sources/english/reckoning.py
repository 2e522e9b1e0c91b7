"""Turns whose reply is reckoned: sums and prices, days and times."""

from datetime import date, timedelta
from functools import partial
from random import Random

from babel.dates import format_skeleton

from seq2seq.sources.english.templates import Drawn, Exchange, clock, numbers, weekday
from seq2seq.sources.phrasebook import cldr, vocabulary
from seq2seq.sources.phrasebook.en import plural

_FIRST_DAY = date(2025, 1, 1)


def _sum(where: str, rng: Random) -> Drawn:
    a, b = rng.randint(2, 20), rng.randint(2, 12)
    things = {"things": plural(rng.choice(vocabulary.ITEMS)), "relative": rng.choice(sorted(vocabulary.FAMILY))}
    return [f"{where}/{min(a, b)}/{max(a, b)}"], numbers(a=a, b=b, c=a + b) | things


def _difference(where: str, rng: Random) -> Drawn:
    b, c = rng.randint(2, 12), rng.randint(2, 18)
    things = {"things": plural(rng.choice(vocabulary.ITEMS)), "name": rng.choice(sorted(vocabulary.NAMES))}
    return [f"{where}/{b}/{c}"], numbers(a=b + c, b=b, c=c) | things


def _product(where: str, rng: Random) -> Drawn:
    a, b = rng.randint(2, 10), rng.randint(2, 10)
    box = rng.choice(sorted(vocabulary.DRINKS))
    drink = rng.choice(vocabulary.DRINKS[box])
    slots = numbers(a=a, b=b, c=a * b) | {"drink": f"{box} of {drink}", "drinks": f"{plural(box)} of {drink}"}
    return [f"{where}/{min(a, b)}/{max(a, b)}"], slots


def _weekday(where: str, rng: Random) -> Drawn:
    day, days = rng.randrange(7), rng.randint(2, 9)
    offsets = {"day": 0, "tomorrow": 1, "yesterday": -1, "later": days, "earlier": -days}
    names = {name: weekday(day + offset) for name, offset in offsets.items()}
    return [f"{where}/{day}/{days}"], names | numbers(n=days) | {"event": rng.choice(vocabulary.EVENTS)}


def _date(rng: Random) -> Drawn:
    day = rng.randrange(365)
    offsets = {"day": 0, "tomorrow": 1, "yesterday": -1, "later": 7}
    days = {name: _FIRST_DAY + timedelta(day + offset) for name, offset in offsets.items()}
    return [f"date/{day}"], {name: format_skeleton("MMMMd", one, locale="en") for name, one in days.items()}


def _duration(rng: Random) -> Drawn:
    hour, minute, hours = rng.randint(6, 18), 15 * rng.randrange(4), rng.randint(2, 5)
    slots = {"start": clock(hour, minute), "end": clock(hour + hours, minute)} | numbers(n=hours)
    slots["city"] = cldr.city("en", rng.choice(vocabulary.TOWNS))
    return [f"clock/{hour}:{minute}/{hours}"], slots | {"event": rng.choice(vocabulary.EVENTS)}


RECKONED: dict[str, Exchange] = {
    # the same sum may stand in training as a plain question, and in the test set as a story
    "sums": Exchange(
        1,
        partial(_sum, "sum"),
        (
            ("What is {a} plus {b}?", "{a} plus {b} is {c}."),
            ("How much is {a_} plus {b_}?", "{a_} plus {b_} is {c_}."),
            ("Could you tell me what {a} plus {b} is, please?", "Of course, it is {c}."),
        ),
    ),
    "gains": Exchange(
        1,
        partial(_sum, "gain"),
        (
            ("I have {a} {things} and buy {b} more. How many do I have then?", "Then you have {c} {things}."),
            ("I had {a_} {things} and my {relative} gave me {b_}. How many is that?", "That is {c_} {things}."),
        ),
    ),
    "differences": Exchange(
        1,
        partial(_difference, "difference"),
        (
            ("What is {a} minus {b}?", "{a} minus {b} is {c}."),
            ("How much is {a_} minus {b_}?", "{a_} minus {b_} is {c_}."),
        ),
    ),
    "losses": Exchange(
        1,
        partial(_difference, "loss"),
        (
            ("I had {a} {things} and lost {b}. How many do I have left?", "You have {c} {things} left."),
            ("{name} had {a_} {things} and sold {b_}. How many are left?", "{c_} {things} are left."),
        ),
    ),
    "products": Exchange(
        1,
        partial(_product, "product"),
        (
            ("What is {a} times {b}?", "{a} times {b} is {c}."),
            ("How much is {a_} times {b_}?", "{a_} times {b_} is {c_}."),
        ),
    ),
    "prices": Exchange(
        1,
        partial(_product, "price"),
        (
            ("A {drink} costs ${a}. How much are {b_} {drinks}, please?", "{b_} {drinks} cost ${c}."),
            ("I want to pay for {b_} {drinks}, at ${a} each.", "That is ${c}, please."),
        ),
    ),
    "weekdays": Exchange(
        1,
        partial(_weekday, "weekday"),
        (
            ("Today is {day}. What day is it in {n_} days?", "In {n_} days it is {later}."),
            ("Today is {day}. What day was it {n_} days ago?", "{n_} days ago it was {earlier}."),
            ("What day is tomorrow, if today is {day}?", "Tomorrow is {tomorrow}."),
            ("If today is {day}, what day was yesterday?", "Yesterday was {yesterday}."),
        ),
    ),
    "appointments": Exchange(
        1,
        partial(_weekday, "appointment"),
        (
            ("It is {day}, and the {event} is in {n} days. On what day is that?", "The {event} is on {later}."),
            ("The {event} on {day} begins {n_} days later than planned.", "So the {event} is on {later}."),
        ),
    ),
    "dates": Exchange(
        1,
        _date,
        (
            ("Today is {day}. What is the date tomorrow?", "Tomorrow is {tomorrow}."),
            ("Today is {day}. What was the date yesterday?", "Yesterday was {yesterday}."),
            ("If today is {day}, what is the date in a week?", "In a week it is {later}."),
        ),
    ),
    "durations": Exchange(
        2,
        _duration,
        (
            ("The train to {city} leaves at {start} and takes {n_} hours. When is it there?", "It is there at {end}."),
            ("The {event} begins at {start} and lasts {n} hours. When does it end?", "The {event} ends at {end}."),
            ("It is {end}, and I have waited for {n_} hours. When did I come?", "You came at {start}."),
        ),
    ),
}
