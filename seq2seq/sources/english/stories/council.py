"""A vote in a city council: on what, how clear it was, and what it costs."""

from random import Random

from seq2seq.sources.english.templates import Drawn, Story, cities, clock, people, weekday, word

_PLANS = {  # in the words of the proposal, and of the newspaper
    "to build a bridge over the river": "a new bridge",
    "to keep the library open until ten in the evening": "longer opening hours for the library",
    "to let everybody take the bus without a ticket": "free buses",
    "to close the center to all cars": "a car-free center",
    "to build another school in the south": "a second school",
    "to ask for more money from those who park": "higher parking fees",
    "to plant a thousand birches and oaks": "more trees",
    "to open the market after sunset": "a night market",
    "to ask for less money at the museum": "cheaper museum tickets",
    "to lay rails from the station to the university": "a new tram line",
    "to forbid fireworks": "a ban on fireworks",
    "to give every street brighter lamps": "better street lights",
}


def _draw(rng: Random) -> Drawn:
    place, other = cities(rng, 2)
    mayor, member = people(rng, 2)
    plan, noun = rng.choice(list(_PLANS.items()))
    more, fewer = rng.randint(10, 30), rng.randint(0, 9)
    if rng.random() < 0.5:
        fewer = more - rng.randint(1, 2)
    passed = rng.random() < 0.6
    how = "narrowly" if more - fewer < 3 else "unanimously" if not fewer else "clearly"
    return [f"council/{place}/{noun}"], {
        "city": place, "other": other, "plan": plan, "noun": noun, "day": weekday(rng.randrange(7)),
        "yes": str(more if passed else fewer), "no": str(fewer if passed else more),
        "how": how, "outcome": "approved" if passed else "rejected",
        "cost": str(rng.randint(2, 99)), "mayor": mayor, "member": member,
        "visitors": str(rng.randint(5, 90)), "singers": str(rng.randint(12, 60)), "schools": word(rng.randint(2, 9)),
        "hours": str(rng.randint(2, 7)), "year": str(rng.randint(2010, 2024)),
        "begin": clock(rng.randint(14, 19)),
    }  # fmt: skip


STORY = Story(
    draw=_draw,
    openings=(
        "The members of the council met in the town hall of {city} on {day}.",
        "The lamps in the town hall of {city} burned until late on {day}.",
        "On {day} at {begin}, {mayor} opened the meeting of the council of {city}.",
    ),
    facts=(
        (
            "The proposal was {plan}.",
            "The members discussed for {hours} hours whether {plan}.",
            "{member} had proposed {plan}.",
        ),
        (
            "When they voted, {yes} members said yes and {no} said no.",
            "Of the members, {no} voted against the proposal and {yes} for it.",
        ),
        ("The price of the proposal is {cost} million euros.", "{mayor} speaks of {cost} million euros for it."),
    ),
    beside=(
        "In {other}, people have waited for something like it since {year}.",
        "{member} was ill and could not come.",
        "{visitors} citizens listened to the debate.",
        "The next meeting begins at {begin}.",
        "{mayor} has been the mayor since {year}.",
        "Before the meeting, a choir of {singers} children sang.",
        "Next time, the council will discuss the budget of {schools} schools.",
    ),
    summaries={
        "approved": "{city} will have {noun}: the council {how} voted for that on {day}, at {cost} million euros.",
        "rejected": "On {day}, the council of {city} {how} rejected {noun}, at a price of {cost} million euros.",
    },
)
