"""The candidates for release on the page: a table, and quality against speed as a picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seq2seq.metrics.string_metrics import LABELS
from seq2seq.report.charts import ScatterChart, ScatterPoint, scatter_chart
from seq2seq.report.results import Results

BATCHES, SINGLE = "in batches of {}", "one by one"  # sentences


@dataclass(frozen=True)
class Candidate:
    """One line of the table."""

    name: str
    score: Mapping[str, Any]  # value, low and high, or undefined
    difference: Mapping[str, Any]  # from float32, likewise
    same: float  # share of the outputs that are those of float32
    speed: Mapping[str, float]
    verdict: str  # why it is released, or why not
    released: bool

    @property
    def singles_per_second(self) -> float:
        """Sentences a second where each comes alone."""
        return 1000 / self.speed["latency_ms"]


def list_candidates(results: Results) -> list[Candidate]:
    """Every candidate, in the order in which params name them, by the metric that chose."""
    metric = results.params["choice"]["metric"]
    choice = results.choice
    return [
        Candidate(
            name,
            measured["scores"][metric],
            measured["difference"][metric],
            measured["same"],
            measured["speed"],
            choice["reason"] if name == choice["name"] else choice["rejected"][name],
            name == choice["name"],
        )
        for name, measured in results.candidates["candidates"].items()
    ]


def draw_candidates(results: Results) -> dict[str, ScatterChart]:
    """Quality with its interval against speed, by how sentences come; none where the metric is undefined."""
    label = LABELS[results.params["choice"]["metric"]]
    defined = [one for one in list_candidates(results) if one.score["value"] is not None]
    batches = BATCHES.format(results.params["decoding"]["batch_size"])
    rates = {
        batches: {one.name: one.speed["sentences_per_second"] for one in defined},
        SINGLE: {one.name: one.singles_per_second for one in defined},
    }
    charts = {}
    for how, rate in rates.items():
        points = [
            ScatterPoint(
                one.name, rate[one.name], one.score["value"], one.score["low"], one.score["high"], one.released
            )
            for one in defined
        ]
        if chart := scatter_chart(points, "sentences a second", label):
            charts[how] = chart
    return charts
