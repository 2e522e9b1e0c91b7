"""Tables for ``dvc plots``, which draws what the page shows wherever it has a chart for it."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq.metrics.scores import UNDEFINED
from seq2seq.report.candidates import list_candidates
from seq2seq.report.comparisons import cleaning_steps, engines, scores_by_set
from seq2seq.report.results import Results


def plot_tables(results: Results) -> dict[str, str]:
    """CSV files by name: scores of systems, speed of engines, both of candidates, and lines dropped by every filter."""
    scores = [
        [f"{name}: {system}{_undefined(score)}", score["bleu"], score["bleu_low"], score["bleu_high"]]
        for name, systems in scores_by_set(results).items()
        for system, score in systems.items()
    ]
    speed = [
        [engine.name, engine.numbers["sentences_per_second"], engine.numbers["size_mb"], engine.numbers["peak_rss_mb"]]
        for engine in engines(results)
    ]
    candidates = [
        [
            one.name,
            one.score["value"],
            one.speed["sentences_per_second"],
            round(one.singles_per_second, 2),
            one.speed["size_mb"],
            one.speed["peak_rss_mb"],
            one.released,
        ]
        for one in list_candidates(results)
    ]
    cleaning = [
        [f"{corpus}: {step.name}", sum(count or 0 for count in step.dropped)]
        for corpus in results.download
        for step in cleaning_steps(results, corpus)
    ]
    return {
        "scores.csv": _csv(["system", "bleu", "bleu_low", "bleu_high"], scores),
        "speed.csv": _csv(["engine", "sentences_per_second", "size_mb", "peak_rss_mb"], speed),
        "candidates.csv": _csv(
            ["candidate", "score", "sentences_per_second", "singles_per_second", "size_mb", "peak_rss_mb", "released"],
            candidates,
        ),
        "cleaning.csv": _csv(["filter", "dropped"], cleaning),
    }


def _undefined(score: Mapping[str, Any]) -> str:
    return " (BLEU is undefined)" if UNDEFINED in score else ""


def _csv(header: list[str], rows: Sequence[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue()
