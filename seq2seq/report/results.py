"""Everything that a run left behind, as the report reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from seq2seq.bundles.manifest import Manifest, bundle_digest, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json
from seq2seq.core.params import read_yaml
from seq2seq.training.learning_curve import Point, read_curve
from seq2seq.training.params import SECTIONS

MODELS = ("float32", "int8")


@dataclass(frozen=True)
class Results:
    """What the stages wrote; the keys of ``scores``, ``predictions``, ``manifests`` and ``digests`` are MODELS."""

    params: dict[str, Any]
    download: dict[str, Any]
    cleaning: dict[str, Any]
    mixing: dict[str, Any]  # old pairs and changed copies, where there were any in training
    speed: dict[str, dict[str, float]]
    candidates: dict[str, Any]  # what was measured of each
    choice: dict[str, Any]  # which one is released, and why
    scores: dict[str, dict[str, Any]]
    predictions: dict[str, dict[str, pd.DataFrame]]  # by model and set
    curves: dict[str, list[Point]]  # by direction; empty where nothing was trained
    manifests: dict[str, Manifest]
    digests: dict[str, str]

    def averaged_checkpoints(self, direction: str) -> int:
        """How many checkpoints the training of a direction averages."""
        return int(self.params[SECTIONS[direction]]["average_checkpoints"])


def read_results(params: Path, reports: Path, float32: Path, int8: Path) -> Results:
    """Read the folder of reports and the two bundles.

    Raises:
        UserError: something is missing.
    """
    try:
        scores = {model: read_json(reports / "scores" / f"{model}.json") for model in MODELS}
        return Results(
            params=read_yaml(params),
            download=read_json(reports / "download.json"),
            cleaning=read_json(reports / "cleaning.json"),
            mixing=read_json(reports / "mixing.json"),
            speed=read_json(reports / "speed.json"),
            candidates=read_json(reports / "candidates.json"),
            choice=read_json(reports / "choice.json"),
            scores=scores,
            predictions={
                model: {name: _predictions(reports, model, name) for name in scores[model]["tests"]} for model in MODELS
            },
            curves={name: read_curve(reports / "curves" / f"{name}.csv") for name in SECTIONS},
            manifests={"float32": read_manifest(float32), "int8": read_manifest(int8)},
            digests={"float32": bundle_digest(float32), "int8": bundle_digest(int8)},
        )
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; run: dvc repro report") from None


def _predictions(reports: Path, model: str, name: str) -> pd.DataFrame:
    return pd.read_parquet(reports / "predictions" / model / f"{name}.parquet")
