"""A football match: who beat whom, how clearly, and who scored."""

from random import Random

from seq2seq.sources.english.templates import Drawn, Story, cities, count, people, weekday, word

_BEAT = {1: "narrowly beat", 2: "beat", 3: "clearly beat"}  # by so many goals
_TIMES = {1: "once", 2: "twice"}


def _draw(rng: Random) -> Drawn:
    winner, loser, other = cities(rng, 3)
    host, guest = rng.sample([winner, loser], 2)
    lost = rng.randrange(4)
    won = lost + rng.choice([1, 1, 2, 2, 3, 4])
    share = rng.randint(1, min(won, 4))
    day = rng.randrange(7)
    scorer, coach, rival, player, unlucky = people(rng, 5)
    return [f"match/{min(winner, loser)}/{max(winner, loser)}"], {
        "winner": winner, "loser": loser, "host": host, "guest": guest, "other": other,
        "outcome": "at home" if host == winner else "away",
        "won": str(won), "lost": str(lost), "goals": count(won, "goal"), "few": word(lost) if lost else "none",
        "beat": _BEAT.get(won - lost, "crushed"), "day": weekday(day), "next": weekday(day + rng.randint(3, 6)),
        "scorer": scorer, "family": scorer.split()[1], "share": word(share),
        "times": _TIMES.get(share, f"{word(share)} times"), "times_": count(share, "goal"),
        "coach": coach, "rival": rival, "player": player, "unlucky": unlucky, "minute": str(rng.randint(11, 80)),
        "crowd": f"{rng.randint(2, 60) * 500:,}", "price": str(rng.randint(10, 60)),
        "year": str(rng.randint(1920, 2015)),
        "once_won": str(rng.randint(2, 4)), "once_lost": str(rng.randrange(2)),
    }  # fmt: skip


STORY = Story(
    draw=_draw,
    openings=(
        "The football teams of {winner} and {loser} met on {day}.",
        "On {day}, {crowd} people came to the football stadium in {host}.",
        "{coach} had prepared the team of {winner} for weeks for the match on {day}.",
        "The sun shone over the stadium in {host} on {day}, and {crowd} people waited for the football match.",
    ),
    facts=(
        (
            "At the end, {winner} had scored {goals} and {loser} {few}.",
            "{loser} lost the match by {lost} to {won} against {winner}.",
            "At the end it stood {won} to {lost}, and the players of {winner} danced, not those of {loser}.",
        ),
        (
            "{scorer} scored {share} of the goals for {winner}.",
            "Of the goals of {winner}, {share} came from {scorer}.",
        ),
        ("{guest} had traveled to {host} by train.", "{host} was the home team.", "The host, {host}, played in red."),
    ),
    beside=(
        "{rival}, who trains {loser}, complained about the referee.",
        "{player} left the field after {minute} minutes with an injured knee.",
        "A year ago, {loser} had won by {once_won} to {once_lost} against {winner}.",
        "The next match of {winner} is on {next} against {other}.",
        "In the first half, neither team played well.",
        "The stadium was built in {year} and is the oldest one in the country.",
        "A ticket cost {price} euros.",
        "{unlucky} of {loser} hit the post in the last minute.",
    ),
    summaries={
        "at home": "{winner} {beat} {loser} {won}-{lost} at home on {day}. {family} scored {times}.",
        "away": "With {times_} from {family}, {winner} {beat} {loser} {won}-{lost} away from home on {day}.",
    },
)
