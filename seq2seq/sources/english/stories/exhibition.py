"""An exhibition: what it shows, where, and until when."""

from datetime import date, timedelta
from random import Random

from babel.dates import format_skeleton

from seq2seq.sources.english.templates import Drawn, Story, cities, people, word

_ART = {  # what hangs or stands there, in other words
    "oil on canvas": "paintings",
    "figures of wood and stone": "sculptures",
    "black and white views of streets": "photographs",
    "sheets with ink and pencil": "drawings",
    "threads of wool and silk": "carpets",
    "bowls and jars of clay": "pottery",
}
_PLACES = ["castle", "library", "museum", "town hall", "university"]
_FIRST_DAY = date(2025, 1, 1)


def _draw(rng: Random) -> Drawn:
    town, other = cities(rng, 2)
    artist, curator = people(rng, 2)
    place = rng.choice(_PLACES)
    pieces, art = rng.choice(list(_ART.items()))
    number = rng.randint(20, 180)
    start = _FIRST_DAY + timedelta(rng.randrange(300))
    days = {"start": start, "end": start + timedelta(rng.randint(20, 60)), "party": start - timedelta(2)}
    return [f"exhibition/{town}/{art}"], {
        "city": town, "other": other, "place": place, "pieces": pieces, "art": art, "family": artist.split()[1],
        "artist": artist, "number": str(number), "outcome": "large" if number > 99 else "small",
        "curator": curator,
        "born": str(rng.randint(1850, 1990)), "price": str(rng.randint(4, 25)), "rooms": word(rng.randint(3, 12)),
        "insured": str(rng.randint(2, 60)),
        **{key: format_skeleton("MMMMd", day, locale="en") for key, day in days.items()},
    }  # fmt: skip


STORY = Story(
    draw=_draw,
    openings=(
        "{curator} has hardly slept in the last weeks.",
        "The {place} in {city} has painted its walls white.",
        "Visitors of {city} can look forward to something special.",
        "For years, {curator} has dreamed of bringing {artist} to {city}.",
    ),
    facts=(
        (
            "{number} works of {artist} are on show in the {place}: {pieces}.",
            "In the {place}, {rooms} rooms are filled with {pieces}, {number} works of {artist}.",
        ),
        (
            "The doors of the {place} in {city} open on {start} and close on {end}.",
            "People can come to {city} between {start} and {end}.",
        ),
    ),
    beside=(
        "A party for invited guests takes place on {party}.",
        "{artist} was born in {other} in {born}.",
        "The works are insured for {insured} million euros.",
        "A ticket costs {price} euros, children pay nothing.",
        "{curator} has written a book about it.",
        "Before, the works were kept in a cellar in {other}.",
        "The cloakroom closes at six o'clock.",
    ),
    summaries={
        "small": "The {place} in {city} shows {number} {art} by {family} until {end}.",
        "large": "Until {end}, {family} fills the {place} in {city} with {number} {art}.",
    },
)
