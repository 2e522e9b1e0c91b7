"""How a model is named in the registry, and what its release depends on."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from seq2seq.core.params import Section, load_section, read_yaml

NAME = re.compile(r"\w[\w.+-]*")
LONGEST_NAME = 200  # bytes: a folder of artifacts bears the name, and a run the name and a digest (MLflow: 250)
LONGEST_CORPORA = 100  # bytes of the name that tell the corpora
FIELD = re.compile(r"\{(corpora|source|target)\}")


class LimitsParams(Section):
    """What a champion may cost, as the stage benchmark measures it; 0 sets no limit."""

    latency_ms: float = Field(ge=0, description="Keeps out a version that is slower with a single sentence (median).")
    start_seconds: float = Field(
        ge=0, description="Keeps out one that needs longer from its start to its first output."
    )
    size_mb: float = Field(ge=0, description="Keeps out one whose bundle is larger, in MB of 10**6 bytes.")
    peak_rss_mb: float = Field(ge=0, description="Keeps out one that takes more memory, Python and libraries included.")


class ReleaseParams(Section):
    """How a model is named, and how much worse it may look and still replace another."""

    name: str = Field(
        description="Names the registered model, whose versions are compared; may use {corpora}, {source} and {target}."
    )
    metric: str = Field(
        description="Decides by this metric of the gate set's outputs: bleu, chrf, ter, exact_match or a scorer's name."
    )
    margin: float = Field(
        gt=0,
        le=100,
        description="Promotes a challenger only if it can't be worse by this many points of the metric; a smaller one "
        "is safer, and promotes equal models less often.",
    )
    confidence: float = Field(
        ge=0.8, le=0.999, description="Asks to be this sure, such as 0.95, of each bound of a difference."
    )
    undecided: Literal["challenger", "champion"] = Field(
        description="Makes a version this where the gate set is too small to tell; champion risks an unseen loss."
    )
    bootstrap_samples: int = Field(
        ge=100,
        le=100_000,
        description="Resamples the gate set this many times for a comparison; more makes it steadier and slower.",
    )
    seed: int = Field(ge=0, description="Another seed draws other resamples, which moves the interval a little.")
    require_commercial: bool = Field(
        description="Promotes no version that learned from a corpus whose licence forbids commercial use."
    )
    limits: LimitsParams

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


def digest_of_set(sources: Sequence[str], references: Sequence[Sequence[str]]) -> str:
    """Hex SHA-256 that names an evaluation set: models are compared only on identical ones.

    Args:
        sources: of each line.
        references: of each line one or several texts; one is named as it was before lines could have several.
    """
    targets = [texts[0] if len(texts) == 1 else list(texts) for texts in references]
    return hashlib.sha256(json.dumps([list(sources), targets]).encode()).hexdigest()
