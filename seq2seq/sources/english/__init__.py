"""Tasks in one language, on corpora made by code: correction, dialogue and summaries, from English to English.

Another one is one more module with a function ``draw``, its line in CORPORA below, and its entry in
data/catalogue.yaml.
"""

from collections.abc import Callable, Iterator

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.sources.english import correction, dialogue, summaries
from seq2seq.sources.generated import GeneratedParams, Pair, collect

Draw = Callable[[str, int], Iterator[Pair]]  # the pairs of a set, by its name and a seed, without end

CORPORA: dict[str, tuple[Draw, bool]] = {  # and whether no two pairs may have the same target
    "correction": (correction.draw, True),
    "dialogue": (dialogue.draw, False),
    "summaries": (summaries.draw, True),
}


def generate(name: str, params: GeneratedParams) -> dict[str, pd.DataFrame]:
    """Make the sets of one corpus, as :func:`seq2seq.sources.generated.collect` does.

    Raises:
        UserError: nothing makes a corpus of that name, or not so many pairs.
    """
    if name not in CORPORA:
        raise UserError(f"nothing generates the corpus '{name}'; known: phrasebook, {', '.join(CORPORA)}")
    draw, distinct_targets = CORPORA[name]
    return collect(lambda set_name: draw(set_name, params.seed), params, name, distinct_targets)
