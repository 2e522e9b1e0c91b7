"""A forecast: how the day feels, what falls from the sky, and what comes after."""

from random import Random

from seq2seq.sources.english.templates import Drawn, Story, cities, clock, people, weekday, word

_SKIES = {  # what it means for the day, between which temperatures
    "sunny": (8, 36, ["No cloud will be seen in the sky", "The sun will shine from morning to evening"]),
    "rainy": (4, 24, ["Nobody should leave without an umbrella", "Dark clouds will bring a lot of water"]),
    "snowy": (0, 3, ["Children can take their sledges outside", "Up to {amount} centimeters of snow will fall"]),
    "stormy": (3, 26, ["The wind will be able to break trees", "Gusts will reach {gusts} kilometers per hour"]),
    "foggy": (1, 13, ["Drivers will see less than {amount} meters", "The towers of the city will be out of sight"]),
    "cloudy": (2, 25, ["The sun will not come out, but it will stay dry", "The sky will be gray without a drop"]),
}  # fmt: skip
_FEELS = {5: "freezing", 10: "cold", 16: "cool", 22: "mild", 28: "warm", 99: "hot"}  # below so many degrees


def _draw(rng: Random) -> Drawn:
    place, other = cities(rng, 2)
    day = rng.randrange(7)
    sky, (lowest, highest, clues) = rng.choice(list(_SKIES.items()))
    high = rng.randint(lowest, highest)
    then = high + rng.choice([1] if high < 12 else [-1, 1]) * rng.randint(2, 11)
    much = "much " if abs(then - high) > 6 else ""
    numbers = {"amount": str(10 * rng.randint(1, 9)), "gusts": str(5 * rng.randint(14, 24))}
    return [f"weather/{place}/{sky}"], numbers | {
        "city": place, "other": other, "sky": sky, "clue": rng.choice(clues).format_map(numbers),
        "feel": next(feel for limit, feel in _FEELS.items() if high < limit),
        "high": str(high), "then": str(then), "much": much, "outcome": "warmer" if then > high else "colder",
        "day": weekday(day), "next": weekday(day + 1), "before": weekday(day - 1),
        "past": str(max(0, high + rng.randint(-9, 9))), "elsewhere": str(rng.randint(0, 36)),
        "record": str(rng.randint(30, 41)), "year": str(rng.randint(1900, 2020)), "years": word(rng.randint(2, 30)),
        "sunrise": clock(rng.randint(5, 8), rng.randrange(60)),
        "forecaster": people(rng, 1)[0], "stations": str(rng.randint(12, 900)),
    }  # fmt: skip


STORY = Story(
    draw=_draw,
    openings=(
        "The weather service has published its forecast for {city}.",
        "What should people wear in {city} on {day}?",
        "{forecaster} of the weather service spoke about {city} on the radio.",
        "In {city}, everybody talks about the weather.",
    ),
    facts=(
        (
            "On {day}, the temperature will rise to {high} degrees.",
            "The thermometer will show {high} degrees at most on {day}.",
            "At noon on {day} it will be {high} degrees.",
        ),
        ("{clue}.", "{clue}, says {forecaster}."),
        (
            "On {next}, {then} degrees are expected.",
            "The day after, the temperature will reach {then} degrees.",
        ),
    ),
    beside=(
        "On {before}, it was {past} degrees in the city.",
        "In {other}, people expect {elsewhere} degrees.",
        "The sun rises at {sunrise}.",
        "The record is {record} degrees and was measured in {year}.",
        "{forecaster} has worked for the weather service for {years} years.",
        "Farmers in the region had hoped for something else.",
        "The weather service measures the temperature at {stations} places.",
    ),
    summaries={
        "warmer": "{city} can expect a {feel} and {sky} {day} with {high} degrees. {next} will be {much}warmer.",
        "colder": "Before it gets {much}colder on {next}, {day} in {city} will be {feel} and {sky}, at {high} degrees.",
    },
)
