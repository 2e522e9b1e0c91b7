"""The learning curve of a training: one point for each validation."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from seq2seq.core.files import write_text
from seq2seq.training.params import load_training


@dataclass(frozen=True)
class Point:
    """One validation: losses in nats per target token, the training loss smoothed labels included."""

    update: int
    epoch: int
    lr: float
    train_loss: float
    validation_loss: float
    unigram_loss: float  # of guessing by frequency, which a model has to beat; the same at every point
    validation_score: float | None = None  # BLEU or chrF of greedy outputs, where it decides

    @property
    def merit(self) -> float:
        """What early stopping and averaging go by: more is better."""
        return -self.validation_loss if self.validation_score is None else self.validation_score

    @property
    def beats_guessing(self) -> bool:
        """Whether the model knows more than how often each piece occurs."""
        return self.validation_loss < self.unigram_loss

    def compare_with_guessing(self) -> str:
        """Both losses in words."""
        return (
            f"the validation loss is {self.validation_loss:.2f} nats per target piece at update {self.update:,}, and "
            f"guessing pieces by their frequency gives {self.unigram_loss:.2f}"
        )


def best_updates(points: Sequence[Point], count: int) -> list[int]:
    """The updates of the ``count`` points of most merit, in order."""
    ranked = sorted(points, key=lambda point: (-point.merit, point.update))
    return sorted(point.update for point in ranked[:count])


def validations_since_best(points: Sequence[Point]) -> int:
    """How many points have come since the one of most merit."""
    merits = [point.merit for point in points]
    return len(merits) - 1 - merits.index(max(merits)) if merits else 0


def worse_than_guessing(points: Sequence[Point], averaged: int) -> str:
    """Why a model has learned nothing, in words; empty where it has.

    A model is the average of its ``averaged`` best checkpoints: each of them has to beat guessing by frequency.
    """
    chosen = best_updates(points, averaged)
    worst = max((point for point in points if point.update in chosen), key=lambda point: point.validation_loss)
    return "" if worst.beats_guessing else worst.compare_with_guessing()


def learned_nothing(curve: Path, params: Path, section: str) -> str:
    """Why the model of a finished training has learned nothing, in words; empty where it has, or wasn't trained.

    Args:
        curve: the file of its learning curve.
        params: the params file that it was trained with.
        section: of that file, such as ``train``.

    Raises:
        UserError: the section is missing or wrong.
    """
    points = read_curve(curve)
    if not points:
        return ""
    return worse_than_guessing(points, load_training(params, section).average_checkpoints)


def read_curve(path: Path) -> list[Point]:
    """Read what :func:`write_curve` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Point(
                update=int(row["update"]),
                epoch=int(row["epoch"]),
                lr=float(row["lr"]),
                train_loss=float(row["train_loss"]),
                validation_loss=float(row["validation_loss"]),
                unigram_loss=float(row["unigram_loss"]),
                validation_score=float(row["validation_score"]) if row["validation_score"] else None,
            )
            for row in csv.DictReader(file)
        ]


def write_curve(path: Path, points: Sequence[Point]) -> None:
    """Write a learning curve as CSV, one line per validation; no points leave the header alone."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [column.name for column in fields(Point)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    write_text(path, buffer.getvalue())
