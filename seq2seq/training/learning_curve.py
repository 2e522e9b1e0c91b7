"""The learning curve of a training: one point for each validation."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from seq2seq.core.files import write_text


@dataclass(frozen=True)
class Point:
    """One validation: losses in nats per target token, the training loss smoothed labels included."""

    update: int
    epoch: int
    lr: float
    train_loss: float
    validation_loss: float
    validation_score: float | None = None  # BLEU or chrF of greedy outputs, where it decides

    @property
    def merit(self) -> float:
        """What early stopping and averaging go by: more is better."""
        return -self.validation_loss if self.validation_score is None else self.validation_score


def best_updates(points: Sequence[Point], count: int) -> list[int]:
    """The updates of the ``count`` points of most merit, in order."""
    ranked = sorted(points, key=lambda point: (-point.merit, point.update))
    return sorted(point.update for point in ranked[:count])


def validations_since_best(points: Sequence[Point]) -> int:
    """How many points have come since the one of most merit."""
    merits = [point.merit for point in points]
    return len(merits) - 1 - merits.index(max(merits)) if merits else 0


def write_curve(path: Path, points: Sequence[Point]) -> None:
    """Write a learning curve as CSV, one line per validation; no points leave the header alone."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [column.name for column in fields(Point)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    write_text(path, buffer.getvalue())
