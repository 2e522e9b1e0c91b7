"""Turns whose reply needs a comparison, a choice, an opposite, a change of order, or good manners."""

from random import Random

from seq2seq.sources.english.templates import Drawn, Exchange, cities, clock, count, numbers, weekday
from seq2seq.sources.phrasebook import vocabulary
from seq2seq.sources.phrasebook.en import article, plural

_OPPOSITES = (
    "big small", "cheap expensive", "new old", "heavy light", "clean dirty", "beautiful ugly", "wet dry",
    "black white", "common rare", "simple complicated", "bright dark", "broken whole",
)  # fmt: skip
_SIDES = (
    "to the left of, to the right of", "north of, south of", "east of, west of", "behind, in front of",
    "above, below", "next to, next to", "opposite, opposite", "far from, far from",
)  # fmt: skip
_FOOD = [
    "bread", "butter", "cake", "cheese", "chocolate", "coffee", "cocoa", "juice", "milk", "rice", "soup", "sugar",
    "tea", "water",
]  # fmt: skip


def _relative(rng: Random) -> str:
    return rng.choice(sorted(vocabulary.FAMILY))


def _name(rng: Random) -> str:
    return rng.choice(sorted(vocabulary.NAMES))


def _opening_hours(rng: Random) -> Drawn:
    place = rng.choice(vocabulary.PLACES)
    opens, closes, now = rng.randint(7, 11), rng.randint(16, 21), rng.randint(6, 22)
    slots = {"place": place, "opens": clock(opens), "closes": clock(closes), "now": clock(now, 30)}
    if now < opens:
        slots |= {"answer": f"not yet, it opens at {slots['opens']}", "advice": "you will be too early"}
    elif now < closes:
        slots |= {"answer": f"yes, it is open until {slots['closes']}", "advice": "you will find it open"}
    else:
        slots |= {"answer": f"no, it closes at {slots['closes']}", "advice": "you will be too late"}
    return [f"open/{place}/{now}"], slots


def _comparison(rng: Random) -> Drawn:
    less, more = sorted(rng.sample(range(18, 91), 2))
    people = rng.sample(sorted(vocabulary.NAMES), 2)
    things = rng.sample(vocabulary.ITEMS, 2)
    first = rng.randrange(2)  # the place of the younger or cheaper one
    slots = numbers(a=[less, more][first], b=[less, more][1 - first])
    slots |= {"one": people[0], "two": people[1], "young": people[first], "old": people[1 - first]}
    slots |= {"this": things[0], "that": things[1], "cheap": things[first], "dear": things[1 - first]}
    return [f"less/{less}/{more}"], slots


def _opposite(rng: Random) -> Drawn:
    words = rng.choice(_OPPOSITES).split()
    thing = rng.choice(vocabulary.ITEMS)
    rng.shuffle(words)
    one, other = words
    return [f"opposite/{one}/{thing}"], {
        "thing": thing, "things": plural(thing), "one": one, "other": other, "relative": _relative(rng),
        "this": article(f"{one} {thing}"), "that": article(f"{other} {thing}"),
    }  # fmt: skip


def _menu(rng: Random) -> Drawn:
    food = rng.sample(_FOOD, 3)
    gone = rng.randrange(3)
    one, other = food[:gone] + food[gone + 1 :]
    rank = ["first", "second", "third"][gone]
    return [f"menu/{'/'.join(sorted(food))}"], {
        "x": food[0], "y": food[1], "z": food[2], "gone": food[gone], "one": one, "other": other, "rank": rank
    }  # fmt: skip


def _order(rng: Random) -> Drawn:
    boxes = rng.sample(sorted(vocabulary.DRINKS), 2)
    drinks = [rng.choice(vocabulary.DRINKS[box]) for box in boxes]
    counts = rng.sample(range(2, 9), 2)
    one, other = (f"{count(n, box)} of {drink}" for n, box, drink in zip(counts, boxes, drinks, strict=True))
    slots = {"one": one, "other": other, "drink": drinks[0], "second": drinks[1], "relative": _relative(rng)}
    return [f"order/{'/'.join(drinks)}"], slots


def _side(rng: Random) -> Drawn:
    one, other, third = rng.sample(vocabulary.PLACES, 3)
    sides = rng.choice(_SIDES).split(", ")
    rng.shuffle(sides)
    turns = rng.sample(["left", "right"], 2)
    return [f"side/{min(one, other)}/{max(one, other)}"], {
        "one": one, "other": other, "third": third, "side": sides[0], "opposite": sides[1],
        "turn": turns[0], "next": turns[1],
    }  # fmt: skip


def _manners(rng: Random) -> Drawn:
    thing = rng.choice(vocabulary.PORTABLE)
    name = _name(rng)
    relative = _relative(rng)
    event = rng.choice(vocabulary.EVENTS)
    subject = vocabulary.FAMILY[relative]
    return [f"thing/{thing}/{name}", f"visit/{relative}/{event}"], {
        "thing": thing, "name": name, "relative": relative, "event": event,
        "subject": subject, "object": {"he": "him", "she": "her"}[subject],
        "daytime": rng.choice(["morning", "afternoon", "evening"]), "day": weekday(rng.randrange(7)),
        "topic": rng.choice(vocabulary.TOPICS), "city": cities(rng, 1)[0],
    }  # fmt: skip


ANSWERS: dict[str, Exchange] = {
    "opening hours": Exchange(
        3,
        _opening_hours,
        (
            ("The {place} opens at {opens} and closes at {closes}. Is it open at {now}?", "{answer}."),
            ("I want to be at the {place} at {now}. It is open from {opens} to {closes}.", "{advice}."),
            ("It is {now} now. Is the {place} open? The sign says: {opens} to {closes}.", "{answer}."),
        ),
    ),
    "comparisons": Exchange(
        3,
        _comparison,
        (
            ("{one} is {a} years old and {two} is {b}. Who is older?", "{old} is older than {young}."),
            ("{one} is {a} years old and {two} is {b}. Who is younger?", "{young} is younger than {old}."),
            ("The {this} costs ${a} and the {that} ${b}. Which one is cheaper?", "The {cheap} is cheaper."),
            ("I have to pay ${a} for the {this} and ${b} for the {that}.", "The {dear} is more expensive."),
        ),
    ),
    "opposites": Exchange(
        2,
        _opposite,
        (
            ("What is the opposite of {this}?", "The opposite of {this} is {that}."),
            ("My {thing} is not {one}. What is it like?", "Your {thing} is {other}."),
            ("I do not want {this}. Do you have the opposite?", "Yes, I have {that}."),
            ("My {relative} likes {one} {things}, and I like the opposite.", "So you like {other} {things}."),
        ),
    ),
    "menus": Exchange(
        3,
        _menu,
        (
            ("You have {x}, {y} and {z}, but no {gone} is left. What can I order?", "You can order {one} or {other}."),
            ("I need {x}, {y} and {z}. What is the {rank} thing on my list?", "The {rank} thing is {gone}."),
            ("I was asked to buy {x}, {y} and {z}. I have {one} and {other}.", "Then you still need {gone}."),
        ),
    ),
    "orders": Exchange(
        3,
        _order,
        (
            ("I would like {one} and {other}, please.", "{one} and {other}, of course."),
            ("For me {drink}, please, and {second} for my {relative}.", "So {second} is for your {relative}."),
            ("We ordered {one}, but you brought {other}.", "I am sorry, I will bring {one} at once."),
        ),
    ),
    "ways": Exchange(
        3,
        _side,
        (
            ("The {one} is {side} the {other}. Where is the {other}?", "The {other} is {opposite} the {one}."),
            ("I turn {turn} at the {one} and {next} at the {other}. Where do I turn {next}?", "At the {other}."),
            (
                "I went from the {one} past the {other} to the {third}. How do I come back?",
                "Go from the {third} past the {other} to the {one}.",
            ),
        ),
    ),
    "manners": Exchange(
        3,
        _manners,
        (
            ("Thank you for the {thing}, {name}.", "You are welcome, I am glad that you like the {thing}."),
            ("I am sorry, {name}, I lost your {thing}.", "Never mind, I have another {thing}."),
            ("Could you lend me your {thing} until {day}?", "Of course, but I need my {thing} on {day}."),
            ("Good {daytime}, my name is {name}.", "Good {daytime}, {name}, nice to meet you."),
            ("Hello {name}, how is your {relative}?", "My {relative} is fine, thank you."),
            ("I passed the exam in {topic} on {day}.", "Congratulations, I knew that you are good at {topic}."),
            ("On {day} we are flying to {city}.", "Have a good flight, I hope that you will like {city}."),
            ("My {relative} is ill, {subject} can't come to the {event}.", "I am sorry, we will miss {object}."),
            ("My {relative} invites you to the {event} on {day}.", "Please thank {object}, I will come on {day}."),
        ),
    ),
}
