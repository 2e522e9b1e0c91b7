"""Section ``cleaning`` of params.yaml: a line a filter, and what one corpus has otherwise."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field, field_validator, model_validator

from seq2seq.cleaning.scoring import PairScorer
from seq2seq.core.params import Section, check_section
from seq2seq.core.scorers import check_names

LEAST_SIMILARITY = 0.5  # of two lines that may be called alike


class CleaningParams(Section):
    """Which lines are good enough to train on, and how many are held out; 0 or false turns a filter off."""

    max_words: int = Field(
        ge=1, le=100_000, description="Drops pairs and lines with more words than this on either side."
    )
    max_length_ratio: float = Field(
        ge=1.0,
        le=1000.0,
        description="Drops pairs with a higher ratio of the longer side's words to the shorter's, one added to each.",
    )
    drop_identical: bool = Field(
        description="Drops pairs with two equal sides; false keeps them, where a source may be right as it is."
    )
    repair: bool = Field(description="Repairs mojibake and HTML's entities (schÃ¶n, &amp;) before all filters.")
    drop_broken: bool = Field(description="Drops lines with mojibake or replacement characters.")
    max_word_characters: int = Field(
        ge=0, le=10_000, description="Drops lines with a longer word, addresses and scripts without spaces excepted."
    )
    min_script_percent: float = Field(
        ge=0, le=100, description="Drops lines with fewer of their letters in their language's script."
    )
    max_copied_percent: float = Field(
        ge=0, le=100, description="Drops pairs of 4 words or more that share more of their words than this; 0 is off."
    )
    max_repeats: int = Field(
        ge=0, le=1000, description="Drops lines in which a word or a phrase comes more often in a row; 0 is off."
    )
    match_numbers: bool = Field(description="Drops pairs whose sides have unlike numbers in digits.")
    match_links: bool = Field(description="Drops pairs whose sides have unlike addresses of the web or of mail.")
    match_placeholders: bool = Field(description="Drops pairs whose sides have unlike placeholders: %s, {name}, <b>.")
    drop_markup: bool = Field(description="Drops lines with tags of HTML or XML.")
    identify_from: int = Field(
        ge=0,
        le=10_000,
        description="Drops lines of at least this many words that are clearly in another language; 0 is off.",
    )
    check_languages: bool = Field(
        description="Stops where nearly all of 200 lines of a corpus are in another language, or its sides swapped."
    )
    near_duplicate_similarity: float = Field(
        ge=0,
        le=1,
        description="Drops pairs so much like an earlier one, case, punctuation and digits aside: 1 where the rest is "
        "equal, 0.8 where most runs of 4 characters are; 0 is off.",
    )
    scorers: list[PairScorer] = Field(
        description="Drops pairs to which these programs give low numbers, each in an environment of its own."
    )
    drop_held_out: bool = Field(
        description="Drops training and monolingual lines that stand in held-out sets; false shows what a leak does."
    )
    drop_held_out_targets: bool = Field(
        description="Drops training pairs that share a target with a held-out set; false keeps them."
    )
    held_out_loosely: bool = Field(
        description="Compares with held-out lines without punctuation and digits; false as they are but for case."
    )
    held_out_containment: float = Field(
        ge=0,
        le=1,
        description="Drops lines that hold this share of a held-out line's runs of 4 words, or more; 0 is off.",
    )
    held_out_percent: float = Field(
        gt=0.0,
        le=20.0,
        description="Takes this much of a corpus without held-out sets for each of validation, gate and test.",
    )
    held_out_at_most: int = Field(ge=1, le=1_000_000, description="Takes at most this many lines for each such set.")
    workers: int = Field(ge=0, le=1024, description="Filters in this many processes; 0 takes one for each core.")
    corpora: dict[str, dict[str, Any]] = Field(
        description="What single corpora have otherwise: {NAME: {max_words: 50}}; filters of lines alone."
    )

    @field_validator("near_duplicate_similarity")
    @classmethod
    def _is_alike(cls, similarity: float) -> float:
        if 0 < similarity < LEAST_SIMILARITY:
            raise ValueError(f"calls unlike lines alike; set it to {LEAST_SIMILARITY} or more, or to 0")
        return similarity

    @field_validator("scorers")
    @classmethod
    def _have_names_of_their_own(cls, scorers: list[PairScorer]) -> list[PairScorer]:
        check_names(scorers)
        return scorers

    @model_validator(mode="after")
    def _corpora_have_filters(self) -> "CleaningParams":
        for name, changes in self.corpora.items():
            if wrong := sorted(OF_ALL & changes.keys()):
                raise ValueError(f"corpora.{name}: {wrong[0]} holds for all corpora; set it beside corpora")
            self.of(name)
        return self

    def of(self, corpus: str) -> "CleaningParams":
        """The params of one corpus.

        Raises:
            UserError: a key or value in what it has otherwise is wrong.
        """
        if corpus not in self.corpora:
            return self
        tree = self.model_dump() | self.corpora[corpus] | {"corpora": {}}
        return check_section(tree, "cleaning", type(self), f"cleaning.corpora.{corpus}")

    def scorers_of_all(self) -> Iterator[PairScorer]:
        """Those of this section, and of single corpora."""
        for params in (self, *map(self.of, self.corpora)):
            yield from params.scorers


OF_ALL = {
    "check_languages",
    "near_duplicate_similarity",
    "drop_held_out",
    "drop_held_out_targets",
    "held_out_loosely",
    "held_out_containment",
    "held_out_percent",
    "held_out_at_most",
    "workers",
    "corpora",
}  # what isn't a filter of single lines
