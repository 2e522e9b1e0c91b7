"""What the report says in numbers: model against baselines, int8 against float32, engine against engine, lines kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seq2seq.metrics.external import External
from seq2seq.metrics.metric import counts_of_values
from seq2seq.metrics.resampling import Difference, paired_difference
from seq2seq.metrics.scores import EvaluationParams, labels
from seq2seq.metrics.string_metrics import LABELS, metric_of
from seq2seq.report.results import MODELS, Results
from seq2seq.text.corpus import GATE

ENGINES = {"float32": "PyTorch float32", "ct2_float32": "CTranslate2 float32", "int8": "{engine} {quantization}"}
ENGINE_NAMES = {"pytorch": "PyTorch", "ctranslate2": "CTranslate2", "onnx": "ONNX Runtime"}
BASELINES = {  # by their names on the page; the first sentence is there where ROUGE is scored
    "nearest_sentence": "nearest training sentence",
    "copy_source": "copy of the source",
    "lead_sentence": "first sentence of the source",
}
FILTERS = {"held_out": "equal to a held-out line", "in_training": "equal to a training line"}  # else as they are named


def quality(results: Results) -> dict[str, Any]:
    """The content of ``reports/quality.json``: scores of both models on the test sets.

    An undefined score is null, with the reason beside it, and never 0.
    """
    return {model: dict(results.scores[model]["tests"]) for model in MODELS}


def scores_by_set(results: Results) -> dict[str, dict[str, dict[str, Any]]]:
    """For each test set, and last the gate set, the scores of every system by its name on the page."""
    float32, int8 = (results.scores[model] for model in MODELS)
    quantized = f"{results.manifests['int8'].quantization} model"
    table = {}
    for name in float32["tests"]:
        beside = float32["baselines"]["tests"][name]
        table[name] = {
            "float32 model": float32["tests"][name],
            quantized: int8["tests"][name],
            **{label: beside[key] for key, label in BASELINES.items() if key in beside},
        }
    return table | {GATE: {"float32 model": float32[GATE], quantized: int8[GATE]}}


def what_is_undefined(systems: Mapping[str, Mapping[str, Any]], params: EvaluationParams) -> list[str]:
    """Which scores of a set say nothing, of whom and why, a sentence each."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, score in systems.items():
        for key, label in labels(params).items():
            if reason := score.get(f"{key}_undefined"):
                found.setdefault((label, reason), []).append(name)
    return [
        f"{label} is undefined {'on this set' if len(names) == len(systems) else 'for: ' + ', '.join(names)}: {reason}."
        for (label, reason), names in found.items()
    ]


@dataclass(frozen=True)
class Quantization:
    """What quantization did to the outputs of one test set."""

    differences: dict[str, Difference]  # how much better the quantized model is, by the metric's name on the page
    same: float  # share of the outputs that are the same, 0 to 1

    @property
    def bleu(self) -> Difference:
        """The difference in BLEU."""
        return self.differences[LABELS["bleu"]]


def compare_outputs(results: Results, params: EvaluationParams) -> dict[str, Quantization]:
    """The paired differences of the two models on each test set, in every metric."""
    language = results.manifests["float32"].languages.target
    metrics = [metric_of(name, language) for name in LABELS]
    found = {}
    for name, theirs in results.predictions["float32"].items():
        ours = results.predictions["int8"][name]
        references = theirs["references"].tolist()
        differences = {}
        for metric in metrics:
            first, second = (metric.statistics(frame["prediction"].tolist(), references) for frame in (ours, theirs))
            difference = paired_difference(metric, first, second, params.bootstrap_samples, params.seed)
            differences[LABELS[metric.name]] = difference
        for scorer in params.scorers:
            first, second = (counts_of_values(frame[scorer.name]) for frame in (ours, theirs))
            difference = paired_difference(External(scorer), first, second, params.bootstrap_samples, params.seed)
            differences[scorer.name] = difference
        found[name] = Quantization(differences, float((ours["prediction"] == theirs["prediction"]).mean()))
    return found


@dataclass(frozen=True)
class Engine:
    """One line of the table of speeds."""

    name: str
    numbers: Mapping[str, float]
    faster: float  # times as fast as PyTorch float32


@dataclass(frozen=True)
class Gains:
    """How many times as fast, and how much of that comes from the engine and from int8."""

    engine: float | None  # None where CTranslate2 doesn't know the architecture
    quantization: float | None
    together: float
    smaller: float  # weights of PyTorch float32 over those of the quantized model


def engines(results: Results) -> list[Engine]:
    """The engines in the order of their names above."""
    first = results.speed["float32"]["sentences_per_second"]
    released = results.manifests["int8"]
    return [
        Engine(
            label.format(engine=ENGINE_NAMES[released.engine], quantization=released.quantization),
            results.speed[name],
            results.speed[name]["sentences_per_second"] / first,
        )
        for name, label in ENGINES.items()
        if name in results.speed
    ]


def gains(results: Results) -> Gains:
    """Separate what the engine gains from what int8 gains."""
    pytorch, engine, quantized = (results.speed.get(name, {}) for name in ENGINES)
    rate = "sentences_per_second"
    return Gains(
        engine=engine[rate] / pytorch[rate] if engine else None,
        quantization=quantized[rate] / engine[rate] if engine else None,
        together=quantized[rate] / pytorch[rate],
        smaller=pytorch["size_mb"] / quantized["size_mb"],
    )


@dataclass(frozen=True)
class Step:
    """What one filter dropped of a corpus: lines by side (train or mono; None where it does not apply)."""

    name: str
    dropped: list[int | None]
    examples: list[tuple[str, str]]


def cleaning_steps(results: Results, corpus: str) -> list[Step]:
    """The filters of a corpus in the order in which they are applied."""
    sides = [tally["filters"] for tally in results.cleaning.get(corpus, {}).values()]
    names = list(dict.fromkeys(name for filters in sides for name in filters))
    return [
        Step(
            FILTERS.get(name, name.replace("_", " ")),
            [filters[name]["dropped"] if name in filters else None for filters in sides],
            [(source, target) for filters in sides if name in filters for source, target in filters[name]["examples"]],
        )
        for name in names
    ]
