"""The sets that a model is judged on: test sets are reported, the gate set decides on promotion."""

from pathlib import Path

import pandas as pd

from seq2seq.corpus import read_corpus
from seq2seq.errors import UserError

GATE = "gate"


def read_test_sets(corpus: Path) -> dict[str, pd.DataFrame]:
    """Read every test set of a cleaned corpus, by name, in alphabetical order.

    Raises:
        UserError: there is none, or one has no lines.
    """
    folders = sorted(path for path in (corpus / "test").glob("*") if path.is_dir())
    if not folders:
        raise UserError(f"{corpus / 'test'} holds no test set; run the stage clean")
    return {folder.name: _read(folder) for folder in folders}


def read_gate(corpus: Path) -> pd.DataFrame:
    """Read the gate set of a cleaned corpus.

    Raises:
        UserError: it has no lines.
    """
    return _read(corpus / GATE)


def _read(folder: Path) -> pd.DataFrame:
    frame = read_corpus(folder)
    if frame.empty:
        raise UserError(f"{folder} has no lines; reports/cleaning.json says which filter dropped them")
    return frame
