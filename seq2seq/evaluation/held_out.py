"""The sets that a model is judged on, a line for each source: columns source, references and origin.

Test sets are reported, the gate set decides on promotion, and the validation set on everything else.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.text.corpus import GATE, TEST, VALIDATION, folders, gather_references, read_corpus

NEAREST = "nearest_sentence"  # a baseline, and its column: the target of the training source nearest to a source


def read_test_sets(corpus: Path) -> dict[str, pd.DataFrame]:
    """Read every test set of a cleaned corpus, by name, in alphabetical order.

    Raises:
        UserError: there is none, or one has no lines.
    """
    found = folders(corpus / TEST)
    if not found:
        raise UserError(f"{corpus / TEST} holds no test set; run the stage clean")
    return {folder.name: _read(folder) for folder in found}


def read_evaluated_sets(corpus: Path, kinds: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Read the sets to score by name: all test sets, the validation set, or both.

    Raises:
        UserError: one is missing, or has no lines.
    """
    sets = read_test_sets(corpus) if TEST in kinds else {}
    return sets | ({VALIDATION: read_validation(corpus)} if VALIDATION in kinds else {})


def read_gate(corpus: Path) -> pd.DataFrame:
    """Read the gate set of a cleaned corpus.

    Raises:
        UserError: it has no lines.
    """
    return _read(corpus / GATE)


def read_validation(corpus: Path) -> pd.DataFrame:
    """Read the validation set of a cleaned corpus.

    Raises:
        UserError: it has no lines.
    """
    return _read(corpus / VALIDATION)


def _read(folder: Path) -> pd.DataFrame:
    frame = read_corpus(folder)
    if frame.empty:
        raise UserError(f"{folder} has no lines; run the stage clean again")
    return gather_references(frame)
