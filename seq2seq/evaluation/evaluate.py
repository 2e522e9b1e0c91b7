"""Translate sets of sentences and score what comes out."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seq2seq.core.progress import Progress
from seq2seq.decoding.params import DecodingParams
from seq2seq.inference.translator import Translator
from seq2seq.metrics.external import External, ScorerParams, run_scorer
from seq2seq.metrics.metric import counts_of_values
from seq2seq.metrics.scores import EvaluationParams, labels, score, summarize
from seq2seq.text.perturbations import translate_perturbed


def predict(translator: Translator, frame: pd.DataFrame, decoding: DecodingParams, label: str) -> pd.DataFrame:
    """Translate one set; its columns, ``prediction``, and ``truncated``, whether the model read a beginning alone."""
    sources = frame["source"].tolist()
    with Progress(label, len(sources), "sentences") as progress:
        predictions = translator.translate(sources, decoding, progress)
    truncated = pd.Series(translator.find_truncated(sources), index=frame.index, dtype=bool)
    return frame.assign(prediction=predictions, truncated=truncated)


def add_perturbed(frame: pd.DataFrame, translator: Translator, decoding: DecodingParams, label: str) -> pd.DataFrame:
    """Add a column for each perturbation: what the model makes of sources as careless people write them."""

    def translate(texts: list[str]) -> list[str]:
        with Progress(f"{label}, perturbed", len(texts), "sentences") as progress:
            return translator.translate(texts, decoding, progress)

    return frame.assign(**translate_perturbed(translate, frame["source"].tolist(), frame["prediction"].tolist()))


def run_scorers(scorers: Sequence[ScorerParams], predictions: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Add a column for each scorer, under its name: its number for each line. It runs once for all sets.

    Raises:
        UserError: a scorer's command can't be started, fails, or doesn't write a finite number for each line.
    """
    together = pd.concat(predictions.values(), ignore_index=True)
    lines = (together["source"].tolist(), together["prediction"].tolist(), together["references"].tolist())
    for scorer in scorers:
        together[scorer.name] = run_scorer(scorer, *lines)
    ends = itertools.accumulate(map(len, predictions.values()))
    return {
        name: together[end - len(frame) : end].reset_index(drop=True)
        for (name, frame), end in zip(predictions.items(), ends, strict=True)
    }


def score_sets(
    predictions: Mapping[str, pd.DataFrame], language: str, params: EvaluationParams
) -> dict[str, dict[str, Any]]:
    """Score the predictions of each set.

    Returns:
        For each set what :func:`seq2seq.metrics.scores.score` has, the summary of each scorer's column, and
        ``truncated``, the number of sources that were longer than the model reads: it saw only their beginnings.
    """
    scores = {}
    for name, frame in predictions.items():
        found = score(
            frame["prediction"].tolist(),
            frame["references"].tolist(),
            language,
            samples=params.bootstrap_samples,
            seed=params.seed,
            rouge=params.rouge,
        )
        for scorer in params.scorers:
            counts = counts_of_values(frame[scorer.name])
            found |= summarize(External(scorer), counts, params.bootstrap_samples, params.seed)
        scores[name] = found | {"truncated": int(frame["truncated"].sum())}
    return scores


def describe_score(score: Mapping[str, Any], params: EvaluationParams) -> str:
    """What :func:`score_sets` found of one set, in a line: each metric with its interval, or why it says nothing."""
    parts = []
    for name, label in labels(params).items():
        if reason := score.get(f"{name}_undefined"):
            parts.append(f"{label} undefined: {reason}")
        else:
            low, high = score[f"{name}_low"], score[f"{name}_high"]
            parts.append(f"{label} {score[name]:.1f} ({low:.1f} to {high:.1f})")
    if params.rouge:
        parts.append(f"ROUGE-L {score['rougeL']:.1f}")
    if score["bleu_told"] < 1:
        parts.append(f"BLEU can tell {score['bleu_told']:.0%} of the lines")
    return "; ".join(parts)


def write_predictions(folder: Path, predictions: Mapping[str, pd.DataFrame]) -> None:
    """Write one Parquet file per set into a new folder: source, references, origin, prediction, scorers' numbers."""
    folder.mkdir(parents=True)
    for name, frame in predictions.items():
        columns = [str(column) for column in frame if column != "truncated"]
        numbers = [column for column in columns if pd.api.types.is_float_dtype(frame[column])]
        kinds = {"references": pa.list_(pa.string())} | dict.fromkeys(numbers, pa.float64())
        schema = pa.schema([(column, kinds.get(column, pa.string())) for column in columns])
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata()
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
