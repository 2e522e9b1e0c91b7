"""The page: one HTML file with style and charts inside, which needs no other file and no server."""

from dataclasses import dataclass

from markupsafe import Markup

from seq2seq.metrics.scores import EvaluationParams
from seq2seq.metrics.string_metrics import LABELS
from seq2seq.report.candidates import draw_candidates, list_candidates
from seq2seq.report.charts import LineChart, line_chart
from seq2seq.report.comparisons import cleaning_steps, compare_outputs, engines, gains, scores_by_set, what_is_undefined
from seq2seq.report.heat_maps import Attention
from seq2seq.report.results import MODELS, Results
from seq2seq.report.samples import choose_samples
from seq2seq.report.words import direction_in_words, templates
from seq2seq.training.learning_curve import Point, worse_than_guessing

# by their names on the page
LOSSES = {"train": "train_loss", "validation": "validation_loss", "guessing": "unigram_loss"}


@dataclass(frozen=True)
class LearningCurve:
    """A training's losses, and where its validation loss was lowest."""

    chart: LineChart
    lowest: float
    update: int
    epoch: int
    guessing: float  # loss of guessing by frequency
    learned_nothing: str  # why the model has, in words; empty where it has learned something


def render_page(results: Results, evaluation: EvaluationParams, attention: list[Attention], card: str) -> str:
    """Lay out one run's results as HTML; every text from a corpus or a model is escaped, and in ``card`` already."""
    languages = results.manifests["float32"].languages
    float32, int8 = (results.predictions[model] for model in MODELS)
    scores = scores_by_set(results)
    return (
        templates(autoescape=True)
        .get_template("page.html.j2")
        .render(
            results=results,
            languages=languages,
            task=results.manifests["float32"].task,
            directions={"forward": direction_in_words(languages), "backward": direction_in_words(languages.reverse())},
            scores=scores,
            undefined={name: what_is_undefined(systems, evaluation) for name, systems in scores.items()},
            scorers=[scorer.name for scorer in evaluation.scorers],
            quantization=compare_outputs(results, evaluation),
            engines=engines(results),
            gains=gains(results),
            candidates=list_candidates(results),
            pictures=draw_candidates(results),
            choice_metric=LABELS[results.params["choice"]["metric"]],
            released_beam=results.candidates["candidates"][results.choice["name"]]["beam_size"],
            cleaning={corpus: cleaning_steps(results, corpus) for corpus in results.download},
            curves={
                name: _curve(points, results.averaged_checkpoints(name)) for name, points in results.curves.items()
            },
            samples={name: choose_samples(frame, int8[name]) for name, frame in float32.items()},
            attention=attention,
            card=Markup(card),
        )
    )


def _curve(points: list[Point], averaged: int) -> LearningCurve | None:
    lines = {name: [(point.update, getattr(point, column)) for point in points] for name, column in LOSSES.items()}
    chart = line_chart(lines, x_name="update")
    if chart is None:
        return None
    best = min(points, key=lambda point: point.validation_loss)
    return LearningCurve(
        chart,
        best.validation_loss,
        best.update,
        best.epoch,
        best.unigram_loss,
        worse_than_guessing(points, averaged),
    )
