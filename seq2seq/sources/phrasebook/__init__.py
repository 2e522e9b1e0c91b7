"""The phrasebook: parallel sentences made by code, for a demonstration that needs no network.

A message (messages.py) is drawn at random (sampling.py) from frames and words without a language
(vocabulary.py), and each language file says it with its own word order, case and agreement, with dates,
numbers and names from the Unicode CLDR (cldr.py). Held-out sets hold what training lacks: pairs of a frame
and its main filler, such as flying and Portugal, are dealt out to one set each.

Another language is one more file like zh.py, its name in LANGUAGES below, and its code under `phrasebook` in
data/catalogue.yaml.
"""

from collections.abc import Iterator
from random import Random

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.sources.generated import GeneratedParams, Pair, belongs, collect
from seq2seq.sources.phrasebook import de, en, zh
from seq2seq.sources.phrasebook.grammar import Language
from seq2seq.sources.phrasebook.messages import Sentence, combinations
from seq2seq.sources.phrasebook.sampling import Sampler

ORIGIN = "phrasebook"
LANGUAGES = {language.code: language for language in (de.LANGUAGE, en.LANGUAGE, zh.LANGUAGE)}


def generate(source: str, target: str, params: GeneratedParams) -> dict[str, pd.DataFrame]:
    """Make the sets that :func:`seq2seq.sources.generated.collect` makes; no line stands twice on its side.

    The opposite direction has the same pairs.

    Raises:
        UserError: a language is unknown to the phrasebook, or both are the same.
    """
    languages = [_language(source), _language(target)]
    if source == target:
        raise UserError(f"languages.source and languages.target are both '{source}'; the phrasebook translates")

    def draw(name: str) -> Iterator[Pair]:
        for message in draw_messages(name, languages, params.seed):
            yield languages[0].render(message), languages[1].render(message)

    return collect(draw, params, ORIGIN, distinct_targets=True)


def _language(code: str) -> Language:
    if code not in LANGUAGES:
        raise UserError(
            f"the phrasebook knows {', '.join(sorted(LANGUAGES))}, not '{code}'; "
            "set languages.source and languages.target to two of these, or corpora.names to another corpus"
        )
    return LANGUAGES[code]


def draw_messages(name: str, languages: list[Language], seed: int) -> Iterator[Sentence]:
    """Draw messages that belong in one set, without end."""
    first, second = languages
    sampler = Sampler(
        Random(f"phrasebook {seed} {name}"),
        first.frames & second.frames,
        first.forms & second.forms,
        first.modals & second.modals,
    )
    while True:
        sentence = sampler.sentence()
        parts = [combination for clause in sentence.clauses for combination in combinations(clause)]
        if belongs(parts, name, seed):
            yield sentence
