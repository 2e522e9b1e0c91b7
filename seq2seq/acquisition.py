"""From the catalogue and the user's own pairs to one folder of raw corpora, all in the same form."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field, field_validator

from seq2seq.catalogue import PAIRS, Corpus, FileGroup, FilesCorpus, GeneratedCorpus, WheelsCorpus, load_catalogue, select
from seq2seq.corpus import pairs, write_corpus
from seq2seq.download import fetch
from seq2seq.errors import UserError
from seq2seq.files import replacing
from seq2seq.gettext import read_pairs
from seq2seq.languages import LanguagesParams
from seq2seq.params import Section
from seq2seq.progress import Progress
from seq2seq.text_files import TextFile, find_tables, read_aligned, read_monolingual, read_tables
from seq2seq.wheels import fetch_wheel

Report = dict[str, Any]  # deterministic: it becomes an output of the stage


class CorporaParams(Section):
    """What to learn from: corpora of the catalogue, the user's own pairs, or both."""

    names: list[str] = Field(description="entries of data/catalogue.yaml; [] for your own pairs alone")
    pairs: str = Field(min_length=1, description="a TSV file (source TAB target) or a folder of them")

    @field_validator("names")
    @classmethod
    def _check_names(cls, names: list[str]) -> list[str]:
        if len(set(names)) < len(names):
            raise ValueError("each corpus can be named once")
        return names


class Acquisition:
    """Writes corpora for one direction of translation, taking files from a store, a mirror or the network."""

    def __init__(self, languages: LanguagesParams, store: Path, mirror: Path | None) -> None:
        """Use ``store`` for what is fetched; with a ``mirror`` the network is left alone (but for wheels)."""
        self.source, self.target = languages.source, languages.target
        self.store, self.mirror = store, mirror
