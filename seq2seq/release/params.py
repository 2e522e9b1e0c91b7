"""How a model is named in the registry, and what its release depends on."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, field_validator

from seq2seq.core.params import Section, load_section, read_yaml

NAME = re.compile(r"\w[\w.+-]*")
LONGEST_NAME = 200  # bytes: a folder of artifacts bears the name, and a run the name and a digest (MLflow: 250)
LONGEST_CORPORA = 100  # bytes of the name that tell the corpora
FIELD = re.compile(r"\{(corpora|source|target)\}")


class ReleaseParams(Section):
    """How a model is named, and how much worse it may look and still replace another."""

    name: str = Field(
        description="Names the registered model, whose versions are compared; may use {corpora}, {source} and {target}."
    )
    margin: float = Field(
        ge=0, le=100, description="Promotes a challenger that may be this much BLEU worse, at the 95 % lower bound."
    )
    bootstrap_samples: int = Field(
        ge=100,
        le=100_000,
        description="Resamples the gate set this many times for a comparison; more makes it steadier and slower.",
    )
    seed: int = Field(ge=0, description="Another seed draws other resamples, which moves the interval a little.")

    @field_validator("name")
    @classmethod
    def _names_a_model(cls, pattern: str) -> str:
        name = FIELD.sub("x", pattern)
        if "{" in name or "}" in name:
            raise ValueError("may use {corpora}, {source} and {target}, and no other braces")
        if not NAME.fullmatch(name):
            raise ValueError("may hold letters, digits and . _ + - only, a letter or a digit first")
        corpora = "x" * LONGEST_CORPORA + "+000-others-01234567"
        longest = pattern.format(corpora=corpora, source="xxx", target="xxx")
        if len(longest.encode()) > LONGEST_NAME:
            raise ValueError(f"makes names of more than {LONGEST_NAME} bytes, which can't be stored; shorten it")
        return pattern

    def model_name(self, corpora: Sequence[str], source: str, target: str) -> str:
        """The registered model's name; without corpora of the catalogue it learns from the user's own pairs."""
        return self.name.format(corpora=_join(corpora) or "pairs", source=source, target=target)


def _join(corpora: Sequence[str]) -> str:
    """Name corpora: all of them, or of many the first, how many others, and a digest of the whole."""
    whole = "+".join(corpora)
    if len(whole.encode()) <= LONGEST_CORPORA:
        return whole
    first = ""
    named = 0
    for corpus in corpora:
        if len(f"{first}{corpus}".encode()) > LONGEST_CORPORA:
            break
        first += f"{corpus}+"
        named += 1
    return f"{first}{len(corpora) - named}-others-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def registered_name(params: Path) -> str:
    """The name under which the model of a params file is registered."""
    release = load_section(params, "release", ReleaseParams)
    tree = read_yaml(params)
    return release.model_name(tree["corpora"]["names"], tree["languages"]["source"], tree["languages"]["target"])


def is_no_worse(low: float, margin: float) -> bool:
    """Whether a difference in BLEU is above minus a margin, at its 95 % lower bound ``low``."""
    return low > -margin


def digest_of_set(sources: Sequence[str], references: Sequence[Sequence[str]]) -> str:
    """Hex SHA-256 that names an evaluation set: models are compared only on identical ones.

    Args:
        sources: of each line.
        references: of each line one or several texts; one is named as it was before lines could have several.
    """
    targets = [texts[0] if len(texts) == 1 else list(texts) for texts in references]
    return hashlib.sha256(json.dumps([list(sources), targets]).encode()).hexdigest()
