"""The gate set as careless people would write it: in capitals, or with a slip of the finger.

A model that only reads tidy text serves fewer people than its score on tidy text says. Made from the text alone,
without a dictionary, so for every language that has letters.
"""

import hashlib
from collections.abc import Callable, Sequence

LETTERS = 4  # of the shortest word that gets a slip: in shorter ones another word may come out


def in_capitals(text: str) -> str:
    """The text in capital letters; the same text where its script has none."""
    return text.upper()


def with_slip(text: str) -> str:
    """The text with two neighbouring letters of one word swapped; the same text where no word is long enough.

    The text itself decides on the word and the place, so that the same text always gets the same slip.
    """
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if word.isalpha() and len(word) >= LETTERS]
    if not long:
        return text
    draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    place = long[draw % len(long)]
    word = words[place]
    swaps = [at for at in range(len(word) - 1) if word[at] != word[at + 1]]
    if not swaps:
        return text
    at = swaps[draw // len(long) % len(swaps)]
    words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


PERTURBATIONS: dict[str, Callable[[str], str]] = {"capitals": in_capitals, "slips": with_slip}


def translate_perturbed(
    translate: Callable[[list[str]], list[str]], sources: Sequence[str], outputs: Sequence[str]
) -> dict[str, list[str]]:
    """What a system makes of perturbed sources, by perturbation; a source that doesn't change keeps its output.

    Args:
        translate: the system.
        sources: as they are.
        outputs: what it makes of these.
    """
    found = {}
    for name, perturb in PERTURBATIONS.items():
        perturbed = [perturb(source) for source in sources]
        changed = [row for row, source in enumerate(sources) if perturbed[row] != source]
        answers = list(outputs)
        for row, answer in zip(changed, translate([perturbed[row] for row in changed]), strict=True):
            answers[row] = answer
        found[name] = answers
    return found
