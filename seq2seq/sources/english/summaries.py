"""Short articles, and summaries that have to choose among their sentences, reckon with them, and say it anew.

An article sets the scene, tells its facts in any order, and has other things beside them: numbers of last year,
another city's weather. The summary says in other words what the facts mean: how clear a victory was, how cold a
day will feel, how many people were hurt in all.
"""

from collections.abc import Iterator
from random import Random

from seq2seq.sources.english.stories import STORIES
from seq2seq.sources.english.templates import say
from seq2seq.sources.generated import Pair, belongs

_BESIDE = (2, 4)  # sentences that belong in no summary, at least and at most
_SCENE_FIRST = 0.8  # how often


def draw(name: str, seed: int) -> Iterator[Pair]:
    """Draw pairs of the set ``name``, without end."""
    rng = Random(f"summaries {seed} {name}")
    while True:
        story = rng.choice(list(STORIES.values()))
        parts, slots = story.draw(rng)
        sentences = [rng.choice(group) for group in story.facts] + rng.sample(story.beside, rng.randint(*_BESIDE))
        rng.shuffle(sentences)
        place = 0 if rng.random() < _SCENE_FIRST else rng.randrange(len(sentences))
        sentences.insert(place, rng.choice(story.openings))
        if belongs(parts, name, seed):
            yield say(" ".join(sentences), slots), say(story.summaries[slots["outcome"]], slots)
