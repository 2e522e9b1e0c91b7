"""The phrasebook: parallel sentences made by code, for a demonstration that needs no network.

A message (messages.py) is drawn at random (sampling.py) from frames and words without a language
(vocabulary.py), and each language file says it with its own word order, case and agreement, with dates,
numbers and names from the Unicode CLDR (cldr.py). Held-out sets hold what training lacks: pairs of a frame
and its main filler, such as flying and Portugal, are dealt out to one set each.

Another language is one more file like zh.py, its name in LANGUAGES below, and its code under `phrasebook` in
data/catalogue.yaml.
"""

import hashlib
from collections.abc import Iterator
from random import Random

import pandas as pd
from pydantic import Field

from seq2seq.corpus import pairs
from seq2seq.errors import UserError
from seq2seq.params import Section
from seq2seq.phrasebook import de, en, zh
from seq2seq.phrasebook.grammar import Language
from seq2seq.phrasebook.messages import Sentence, combinations
from seq2seq.phrasebook.sampling import Sampler

ORIGIN = "phrasebook"
LANGUAGES = {language.code: language for language in (de.LANGUAGE, en.LANGUAGE, zh.LANGUAGE)}
_HELD_OUT = ("validation", "gate", "test")
_HELD_OUT_PERCENT = 4  # of the combinations, for each held-out set


class PhrasebookParams(Section):
    """How much the phrasebook generates."""

    train_pairs: int = Field(ge=1, le=200_000, description="distinct training pairs")
    held_out_pairs: int = Field(ge=1, le=5_000, description="pairs in each of validation, gate and test")
    mono_lines: int = Field(ge=0, le=200_000, description="target-language sentences without a source")
    seed: int = Field(ge=0, description="of everything random")


def generate(source: str, target: str, params: PhrasebookParams) -> dict[str, pd.DataFrame]:
    """Make the sets train, validation, gate, test and mono, with columns source, target and origin.

    No line stands twice on its side, in one set or in two, even with its case ignored. The opposite
    direction has the same pairs. In ``mono`` the source is empty.

    Raises:
        UserError: a language is unknown to the phrasebook, or both are the same.
    """
    languages = [_language(source), _language(target)]
    if source == target:
        raise UserError(f"languages.source and languages.target are both '{source}'; the phrasebook translates")
    sizes = dict.fromkeys(_HELD_OUT, params.held_out_pairs)
    sizes |= {"train": params.train_pairs, "mono": params.mono_lines}
    seen: set[tuple[str, str]] = set()
    corpora = {}
    for name, size in sizes.items():
        lines = _distinct(draw_messages(name, languages, params.seed), languages, seen)
        rows = [next(lines) for _ in range(size)]
        sources = [""] * size if name == "mono" else [row[0] for row in rows]
        corpora[name] = pairs(sources, [row[1] for row in rows], ORIGIN)
    return corpora


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
    wanted = name if name in _HELD_OUT else "train"
    while True:
        sentence = sampler.sentence()
        owners = {_owner(combination, seed) for clause in sentence.clauses for combination in combinations(clause)}
        if (owners - {"train"} or {"train"}) == {wanted}:
            yield sentence


def _owner(combination: str, seed: int) -> str:
    """The set that a combination of a frame and its main filler is dealt out to."""
    number = int.from_bytes(hashlib.sha256(f"{seed} {combination}".encode()).digest()[:4]) % 100
    place = number // _HELD_OUT_PERCENT
    return _HELD_OUT[place] if place < len(_HELD_OUT) else "train"


def _distinct(
    messages: Iterator[Sentence], languages: list[Language], seen: set[tuple[str, str]]
) -> Iterator[tuple[str, ...]]:
    """Say each message in all languages; skip it where one of its lines was seen before."""
    for message in messages:
        lines = tuple(language.render(message) for language in languages)
        keys = {(language.code, line.lower()) for language, line in zip(languages, lines, strict=True)}
        if seen.isdisjoint(keys):
            seen |= keys
            yield lines
