"""A price that rose or fell: how far, and why."""

from random import Random

from seq2seq.sources.english.templates import Drawn, Story, cities, people, weekday
from seq2seq.sources.phrasebook.vocabulary import SUBSTANCES

_UP = {  # what a trader says, and in a few words
    "farmers harvested little after a dry summer": "a poor harvest",
    "nothing has come through the harbor since the workers stopped": "a strike",
    "more people ask for it than ever before": "high demand",
    "the state takes a larger share of every sale": "a higher tax",
    "the trucks need fuel that nobody can pay for": "expensive fuel",
}
_DOWN = {
    "farmers harvested more than they can store": "a good harvest",
    "hardly anybody asks for it in this season": "low demand",
    "the state takes a smaller share of every sale": "a lower tax",
    "three new shops from abroad sell it as well": "new competitors",
    "the trucks spend less at the filling station": "cheap fuel",
}
_FOOD = sorted({*SUBSTANCES["mass-gram"], *SUBSTANCES["mass-kilogram"]})


def _draw(rng: Random) -> Drawn:
    place = cities(rng, 1)[0]
    food, other = rng.sample(_FOOD, 2)
    trader, shopper = people(rng, 2)
    rises = rng.random() < 0.5
    percent = rng.choice([2, 3, 4, 5, 8, 10, 12, 15, 20, 25, 30])
    reason, noun = rng.choice(list((_UP if rises else _DOWN).items()))
    how = " a little" if percent < 5 else "" if percent < 20 else " a lot"
    old = 100 * rng.randint(2, 30)
    new = round(old * (1 + (percent if rises else -percent) / 100))
    day = rng.randrange(7)
    return [f"market/{place}/{food}"], {
        "city": place, "food": food, "other": other, "trader": trader, "shopper": shopper,
        "reason": reason, "noun": noun, "how": how, "outcome": "up" if rises else "down", "percent": str(percent),
        "old": f"${old / 100:.2f}", "new": f"${new / 100:.2f}", "day": weekday(day), "next": weekday(day + 2),
        "else": f"${rng.randint(200, 900) / 100:.2f}", "else_percent": str(rng.randint(1, 40)),
        "cup": f"${rng.randint(2, 5)}", "stalls": str(rng.randint(12, 90)), "year": str(rng.randint(1850, 2000)),
    }  # fmt: skip


STORY = Story(
    draw=_draw,
    openings=(
        "The market hall in {city} was full of people on {day}.",
        "In {city}, shoppers looked twice at the price tags on {day}.",
        "{shopper} came home from the market in {city} on {day} and counted the coins.",
    ),
    facts=(
        (
            "A kilogram of {food} cost {old} last week and costs {new} now.",
            "Traders ask for {new} for a kilogram of {food}, after {old} last week.",
            "For a kilogram of {food} people pay {new}; last week it was {old}.",
        ),
        ("That is a difference of {percent}% for {food}.", "With {food}, the change is {percent}% within a week."),
        (
            "{trader}, who has sold {food} for years, explains that {reason}.",
            "When asked about {food}, {trader} answers that {reason}.",
        ),
    ),
    beside=(
        "The price of {other} has stayed at {else}.",
        "Since last year, rents in {city} have changed by {else_percent}%.",
        "The hall was built in {year} and has {stalls} stalls.",
        "{shopper} bought flowers and went home.",
        "On {next} the market will be closed.",
        "A cup of coffee at the entrance costs {cup}.",
        "Many customers come by bicycle.",
    ),
    summaries={
        "up": "The price of {food} in {city} rose{how} by {percent}% because of {noun}.",
        "down": "Thanks to {noun}, {food} has become{how} cheaper in {city}, by {percent}%.",
    },
)
