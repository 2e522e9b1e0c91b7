"""Params, scores and learning curves in the flat form that MLflow keeps."""

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seq2seq.core.params import read_yaml
from seq2seq.core.redaction import redact


def params_of(file: Path) -> dict[str, str]:
    """All of a params file, by key; what MLflow would cut is cut here, where it can be said."""
    from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

    params = {key: redact(str(value)) for key, value in _leaves(read_yaml(file), ".")}
    for key, value in params.items():
        if len(value) > MAX_PARAM_VAL_LENGTH:
            print(
                f"notice: {key} has {len(value):,} characters, of which MLflow keeps {MAX_PARAM_VAL_LENGTH:,}; "
                f"{file} among the run's artifacts has them all"
            )
            params[key] = f"{value[: MAX_PARAM_VAL_LENGTH - 1]}…"
    return params


def _leaves(tree: Mapping[str, Any], separator: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a nested mapping, each with its path."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, separator, f"{prefix}{key}{separator}")
        else:
            yield f"{prefix}{key}", value


def numbers_of(tree: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers in a nested mapping, each with its path."""
    return ((key, value) for key, value in _leaves(tree, "/") if isinstance(value, (int, float)))


def curve_points(folder: Path) -> Iterator[tuple[str, float, int]]:
    """Each point of each learning curve, with the update that it belongs to."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("update"))
                for key, value in row.items():
                    if value and math.isfinite(float(value)):
                        yield f"{path.stem}/{key}", float(value), step
