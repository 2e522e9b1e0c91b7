"""A house that opens again: after how many years, and for how much money."""

from random import Random

from seq2seq.sources.english.templates import Drawn, Story, cities, clock, people, weekday, word
from seq2seq.sources.phrasebook.vocabulary import PLACES


def _draw(rng: Random) -> Drawn:
    town, other = cities(rng, 2)
    director, guest = people(rng, 2)
    place = rng.choice(PLACES)
    years, opened = rng.randint(2, 9), rng.randint(2012, 2026)
    day = rng.randrange(7)
    return [f"reopening/{town}/{place}"], {
        "city": town, "place": place, "other": other, "day": weekday(day), "before": weekday(day - 2),
        "closed": str(opened - years), "opened": str(opened), "years": word(years),
        "outcome": "long" if years > 4 else "short", "cost": str(rng.randint(2, 80)),
        "founded": str(rng.randint(1800, 1990)), "guests": f"{rng.randint(2, 90) * 100:,}",
        "director": director, "guest": guest, "windows": str(rng.randint(12, 150)),
        "begin": clock(rng.randint(8, 12)), "price": str(rng.randint(2, 6)),
    }  # fmt: skip


STORY = Story(
    draw=_draw,
    openings=(
        "A long line of people stood in front of the {place} in {city} on {day}.",
        "{director} cut a red ribbon at the {place} in {city} on {day}.",
        "Music played in front of the {place} in {city} on {day} at {begin}.",
    ),
    facts=(
        (
            "The workers came in {closed} and left in {opened}.",
            "Nobody could go inside from {closed} until now, in {opened}.",
            "In {closed} the doors were locked; in {opened} they are unlocked.",
        ),
        (
            "New pipes, walls and windows cost {cost} million euros.",
            "The city has paid {cost} million euros to the builders.",
        ),
    ),
    beside=(
        "The house was founded in {founded}.",
        "{guests} guests came on the first day.",
        "{guest} came from {other} to see it.",
        "All {windows} windows were cleaned on {before}.",
        "It will be open from {begin} on.",
        "{director} thanked all helpers with a speech.",
        "The mayor of {other} sent a letter and flowers.",
        "Inside, a cup of coffee costs {price} euros.",
    ),
    summaries={
        "short": "The {place} in {city} reopened on {day} after {years} years of repairs for {cost} million euros.",
        "long": "It took {years} years and {cost} million euros, but since {day} {city} has its {place} again.",
    },
)
