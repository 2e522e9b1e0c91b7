"""Translate sets of sentences and score what comes out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seq2seq.core.progress import Progress
from seq2seq.decoding.params import DecodingParams
from seq2seq.inference.translator import Translator
from seq2seq.metrics.scores import EvaluationParams, score

SCHEMA = pa.schema([(name, pa.string()) for name in ("source", "target", "prediction")])


def predict(translator: Translator, frame: pd.DataFrame, decoding: DecodingParams, label: str) -> pd.DataFrame:
    """Translate one set; columns source, target (the reference), prediction, and whether the source was truncated."""
    sources = frame["source"].tolist()
    with Progress(label, len(sources), "sentences") as progress:
        predictions = translator.translate(sources, decoding, progress)
    truncated = pd.Series(translator.find_truncated(sources), index=frame.index, dtype=bool)
    return frame[["source", "target"]].assign(prediction=predictions, truncated=truncated)


def score_sets(
    predictions: Mapping[str, pd.DataFrame], language: str, params: EvaluationParams
) -> dict[str, dict[str, Any]]:
    """Score the predictions of each set.

    Returns:
        For each set what :func:`seq2seq.metrics.scores.score` has, and ``truncated``, the number of sources that were
        longer than the model reads, so that it saw only their beginnings.
    """
    return {
        name: score(
            frame["prediction"].tolist(),
            frame["target"].tolist(),
            language,
            samples=params.bootstrap_samples,
            seed=params.seed,
            rouge=params.rouge,
        )
        | {"truncated": int(frame["truncated"].sum())}
        for name, frame in predictions.items()
    }


def write_predictions(folder: Path, predictions: Mapping[str, pd.DataFrame]) -> None:
    """Write one Parquet file per set into a new folder."""
    folder.mkdir(parents=True)
    for name, frame in predictions.items():
        table = pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False).replace_schema_metadata()
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
