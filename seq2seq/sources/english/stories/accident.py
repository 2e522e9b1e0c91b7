"""An accident: where, why, and how many people were hurt."""

from random import Random

from seq2seq.sources.english.templates import Drawn, Story, cities, clock, count, people, weekday, word

_CAUSES = {  # as the police report it, and in a few words
    "the road was as smooth as glass at these temperatures": "ice",
    "nobody could see further than a few meters": "fog",
    "one of the drivers had fallen asleep": "a tired driver",
    "an animal had run across the road": "an animal",
    "one of the cars drove twice as fast as allowed": "a speeding car",
    "one of the drivers was writing a message": "a phone",
    "air escaped from one of the wheels": "a burst tire",
    "boxes had fallen from a van": "lost cargo",
}


def _draw(rng: Random) -> Drawn:
    start, end, other = cities(rng, 3)
    officer, witness = people(rng, 2)
    cause, noun = rng.choice(list(_CAUSES.items()))
    adults, children, hours = rng.randint(2, 9), rng.randint(2, 6), rng.randint(2, 9)
    hour, day = rng.randint(5, 22), rng.randrange(7)
    return [f"accident/{min(start, end)}/{max(start, end)}"], {
        "start": start, "end": end, "other": other, "cause": cause, "noun": noun, "day": weekday(day),
        "adults": word(adults), "children": word(children), "hurt": word(adults + children),
        "hours": word(hours), "outcome": "long" if hours > 4 else "short",
        "time": clock(hour, 5 * rng.randrange(12)),
        "cars": count(rng.randint(2, 6), "car"), "truck": rng.choice(["a bus", "a truck", "a van", "a taxi"]),
        "officer": officer, "witness": witness, "cost": str(rng.randint(11, 95)),
        "earlier": word(rng.randint(2, 12)), "helpers": str(rng.randint(20, 90)), "limit": str(10 * rng.randint(5, 12)),
    }  # fmt: skip


STORY = Story(
    draw=_draw,
    openings=(
        "The police received a call from {witness} at {time} on {day}.",
        "Many people who had to drive to {end} came too late on {day}.",
        "{day} did not begin well for the drivers who come from {start}.",
        "{officer} of the police will remember this {day}.",
    ),
    facts=(
        (
            "On the road from {start} to {end}, {cars} and {truck} collided.",
            "{truck} had hit {cars} between {start} and {end}.",
        ),
        (
            "{adults} adults and {children} children were taken to the hospital.",
            "Doctors treated {adults} grown-ups and {children} children.",
        ),
        ("According to {officer}, {cause}.", "The police found out that {cause}."),
        ("For {hours} hours, nobody could use the road.", "It took {hours} hours until the road was free again."),
    ),
    beside=(
        "{officer} estimates the damage at {cost},000 euros.",
        "In the year before, there were {earlier} accidents at the same place.",
        "{helpers} firefighters worked through the {day}.",
        "The speed limit there is {limit} kilometers per hour.",
        "{witness} brought hot tea to the helpers.",
        "Buses to {other} left half an hour later than planned.",
        "A helicopter circled over the fields at {time}.",
    ),
    summaries={
        "short": "{hurt} people were hurt in an accident between {start} and {end} on {day}, caused by {noun}.",
        "long": "On {day}, {noun} led to an accident with {hurt} injured people that closed the road from {start} to "
        "{end} for {hours} hours.",
    },
)
