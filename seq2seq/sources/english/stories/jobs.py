"""A company that grows or shrinks: by how many people, and why."""

from random import Random

from seq2seq.sources.english.templates import Drawn, Story, cities, people, weekday
from seq2seq.sources.phrasebook.en import plural
from seq2seq.sources.phrasebook.vocabulary import ITEMS

_MORE = {  # as the director says it, and in a few words
    "the order books are full until next summer": "many orders",
    "a rich family has bought half of the company": "a new investor",
    "shops in twelve more countries want to sell them": "rising exports",
    "the old rivals have given up": "less competition",
}
_LESS = {
    "the order books have been empty since spring": "a lack of orders",
    "machines will do a large part of the work": "new machines",
    "the warehouse is moving to another country": "a move abroad",
    "the rivals ask for half of the price": "cheap competitors",
}


def _draw(rng: Random) -> Drawn:
    place, other = cities(rng, 2)
    director, worker = people(rng, 2)
    thing = rng.choice(ITEMS)
    few, many = sorted(rng.sample(range(1, 11), 2))
    grows = rng.random() < 0.5
    reason, noun = rng.choice(list((_MORE if grows else _LESS).items()))
    return [f"jobs/{place}/{thing}"], {
        "city": place, "things": plural(thing), "other": other, "reason": reason, "noun": noun,
        "now": f"{100 * (few if grows else many):,}", "then": f"{100 * (many if grows else few):,}",
        "outcome": "more" if grows else "less", "change": f"{100 * (many - few):,}",
        "year": str(rng.randint(2025, 2030)), "director": director, "worker": worker, "day": weekday(rng.randrange(7)),
        "founded": str(rng.randint(1850, 2010)), "age": str(rng.randint(20, 64)), "floors": str(rng.randint(2, 12)),
        "made": f"{rng.randint(2, 90) * 1000:,}",
    }  # fmt: skip


STORY = Story(
    draw=_draw,
    openings=(
        "{director} runs a company in {city} that makes {things}.",
        "On {day}, {director} gathered everybody who makes {things} in {city}.",
        "{worker} has made {things} in {city} since the age of {age}.",
    ),
    facts=(
        (
            "Today {now} people work there; in {year} it will be {then}.",
            "The company has {now} workers and plans with {then} for {year}.",
            "By {year}, the number of workers will go from {now} to {then}.",
        ),
        ("The reason is that {reason}.", "{director} says that {reason}.", "It is no secret that {reason}."),
    ),
    beside=(
        "The company was founded in {founded}.",
        "Last year, {made} {things} left the factory.",
        "The building has {floors} floors and a view of the river.",
        "{worker}, who is {age} years old, heard about it on {day}.",
        "A second factory stands in {other}.",
        "In the canteen, soup is free for everybody.",
        "The mayor of {city} has visited the factory {floors} times.",
    ),
    summaries={
        "more": "A maker of {things} in {city} will hire {change} people by {year} because of {noun}.",
        "less": "By {year}, {noun} will cost {change} people who make {things} in {city} their jobs.",
    },
)
