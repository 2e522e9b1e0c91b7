"""Make the candidates, and measure quality, speed, size and memory of each.

Quality is that of the validation set, so that no test set chooses. The reference is the float32 model as section
``decoding`` searches: a candidate's loss is a paired difference (Koehn 2004) on the same lines.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from seq2seq.benchmark.engines import Timed, time_bundles
from seq2seq.candidates.params import CandidatesParams
from seq2seq.core.progress import Progress
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.export.ctranslate2 import is_known_to_ctranslate2
from seq2seq.export.quantization import quantize, why_unsupported
from seq2seq.inference.translator import Translator
from seq2seq.metrics.metric import FloatArray, Metric
from seq2seq.metrics.resampling import Difference, interval, paired_difference, resampled_scores
from seq2seq.metrics.scores import EvaluationParams
from seq2seq.metrics.string_metrics import LABELS, metric_of

FLOAT32 = "float32"
TRAINED = ""  # the trained model, whose candidates are named by their types alone
PYTORCH = "pytorch"  # the trained bundle itself, in the table of speeds


@dataclass(frozen=True)
class Candidate:
    """A bundle and how it searches."""

    name: str
    folder: str  # of its bundle
    decoding: DecodingParams


def make_bundles(models: Mapping[str, Path], out: Path, params: CandidatesParams) -> dict[str, str]:
    """Write a bundle of each model for each type into a folder named after both.

    Args:
        models: PyTorch bundles by what their candidates' names begin with; the trained model's is empty.
        out: folder to write to.
        params: the types.

    Returns:
        Why a candidate was left out, by its name.

    Raises:
        UserError: one is no PyTorch bundle.
    """
    left_out: dict[str, str] = {}
    for model, bundle in models.items():
        for kind in params.types:
            name = f"{model} {kind}".strip()
            if reason := why_unsupported(bundle, kind):
                left_out[name] = reason
                print(f"candidates: {name} is left out: {reason}", flush=True)
            elif kind == FLOAT32 and not is_known_to_ctranslate2(bundle):
                shutil.copytree(bundle, out / name)
            else:
                quantize(bundle, out / name, kind)
    return left_out


def list_candidates(folders: Sequence[str], params: CandidatesParams, decoding: DecodingParams) -> Iterator[Candidate]:
    """Every bundle with every beam, in the order that decides between equals; the reference bears the name float32."""
    for beam in params.beams_to_try(decoding.beam_size):
        for folder in folders:
            name = folder if beam == decoding.beam_size else f"{folder}, beam {beam}"
            yield Candidate(name, folder, decoding.model_copy(update={"beam_size": beam}))


def measure(
    models: Mapping[str, Path],
    folder: Path,
    validation: pd.DataFrame,
    params: CandidatesParams,
    decoding: DecodingParams,
    evaluation: EvaluationParams,
    runtime: RuntimeParams,
) -> dict[str, Any]:
    """Measure every candidate of the bundles in ``folder``.

    Args:
        models: as for :func:`make_bundles`; the trained bundle is timed beside the candidates.
        folder: of the candidates' bundles, as :func:`make_bundles` writes them.
        validation: columns source and references.
        params: what is tried.
        decoding: how the reference searches.
        evaluation: of the intervals.
        runtime: device and threads.

    Returns:
        ``lines``, of the validation set; ``candidates``, by name: folder, beam_size, ``scores`` and ``difference`` by
        metric, each with its interval (the difference from float32 is positive where the candidate is better),
        ``same``, the share of equal outputs, and ``speed``, as :func:`~seq2seq.benchmark.engines.time_bundles` has it;
        and ``pytorch``, the speed of the trained bundle.

    Raises:
        UserError: a bundle can't be loaded, or the validation set is empty.
    """
    names = [f"{model} {kind}".strip() for model in models for kind in params.types]
    folders = [name for name in names if (folder / name).exists()]
    candidates = {one.name: one for one in list_candidates(folders, params, decoding)}
    outputs = {
        one.name: _translate(folder / one.folder, one, validation["source"].tolist(), runtime)
        for one in candidates.values()
    }
    language = Translator.load(folder / FLOAT32, runtime).manifest.languages.target
    quality = compare_outputs(outputs, validation["references"].tolist(), language, evaluation)
    timed = {one.name: Timed(folder / one.folder, one.decoding) for one in candidates.values()}
    if is_known_to_ctranslate2(models[TRAINED]):
        timed = {PYTORCH: Timed(models[TRAINED], decoding)} | timed
    texts = validation["source"].head(params.sentences).tolist()
    speed = time_bundles(timed, texts, params.rounds, runtime)
    return {
        "lines": len(validation),
        "candidates": {
            name: {"folder": one.folder, "beam_size": one.decoding.beam_size} | quality[name] | {"speed": speed[name]}
            for name, one in candidates.items()
        },
        PYTORCH: speed.get(PYTORCH, speed[FLOAT32]),
    }


def _translate(bundle: Path, candidate: Candidate, sources: list[str], runtime: RuntimeParams) -> list[str]:
    with Progress(candidate.name, len(sources), "sentences") as progress:
        return Translator.load(bundle, runtime).translate(sources, candidate.decoding, progress)


def compare_outputs(
    outputs: dict[str, list[str]], references: list[list[str]], language: str, evaluation: EvaluationParams
) -> dict[str, dict[str, Any]]:
    """Score outputs by the names of their candidates, and compare each with those of float32, in every metric.

    Numbers that are undefined are None, and the reason stands beside them; equal outputs differ by 0 in any metric.
    """
    found: dict[str, dict[str, Any]] = {name: {"scores": {}, "difference": {}} for name in outputs}
    for label in LABELS:
        metric = metric_of(label, language)
        counts = {name: metric.statistics(texts, references) for name, texts in outputs.items()}
        for name, ours in counts.items():
            found[name]["scores"][label] = _score(metric, ours, evaluation)
            same = outputs[name] == outputs[FLOAT32]
            difference = (
                Difference(0.0, 0.0, 0.0)
                if same
                else paired_difference(metric, ours, counts[FLOAT32], evaluation.bootstrap_samples, evaluation.seed)
            )
            found[name]["difference"][label] = _as_json(*difference)
    for name, texts in outputs.items():
        equal = sum(ours == theirs for ours, theirs in zip(texts, outputs[FLOAT32], strict=True))
        found[name]["same"] = equal / len(texts)
    return found


def _score(metric: Metric, counts: FloatArray, evaluation: EvaluationParams) -> dict[str, Any]:
    sums = counts.sum(axis=0)
    if reason := metric.why_undefined(sums):
        return _as_json(float("nan"), float("nan"), float("nan"), reason)
    (resampled,) = resampled_scores(metric, [counts], evaluation.bootstrap_samples, evaluation.seed)
    return _as_json(float(metric.score(sums)), *interval(resampled))


def _as_json(value: float, low: float, high: float, undefined: str = "") -> dict[str, Any]:
    if undefined:
        return {"value": None, "low": None, "high": None, "undefined": undefined}
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}
