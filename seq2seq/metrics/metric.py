"""What every metric of a corpus is made of: counts for each line, and a score from the sum of any lines' counts.

So a set is read once, and the score of a resampled set, or of a slice, is a sum away.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
References = Sequence[Sequence[str]]  # for each line one or more texts that would be right


class Metric(ABC):
    """A metric that knows nothing of a line but its K counts, the statistics.

    Shapes: N lines, K counts.
    """

    name: str
    label: str  # as people write it
    higher_is_better: bool = True

    @abstractmethod
    def statistics(self, hypotheses: Sequence[str], references: References) -> FloatArray:
        """The counts of each line, (N, K).

        Raises:
            ValueError: there are no lines, a line has no reference, or the two sides differ in number.
        """

    @abstractmethod
    def score(self, sums: FloatArray) -> FloatArray:
        """Scores (...) of sets, given the sums of their lines' counts (..., K)."""

    @abstractmethod
    def tells(self, references: References) -> npt.NDArray[np.bool_]:
        """On which lines the metric can tell outputs apart, (N,)."""

    @abstractmethod
    def why_undefined(self, sums: FloatArray) -> str:
        """Why the score of these sums, (K,), says nothing, in words; empty where it does."""

    @abstractmethod
    def signature(self, references: References) -> str:
        """How it is computed, in the form of sacreBLEU's signatures."""


class MeanOfLines(Metric):
    """A metric that gives each line a number and a set their mean. Counts: the number, and 1 for the line."""

    def score(self, sums: FloatArray) -> FloatArray:
        """Means."""
        means: FloatArray = sums[..., 0] / sums[..., 1]
        return means

    def tells(self, references: References) -> npt.NDArray[np.bool_]:
        """All lines."""
        return np.ones(len(references), dtype=bool)

    def why_undefined(self, sums: FloatArray) -> str:
        """Never."""
        return ""


def counts_of_values(values: npt.ArrayLike) -> FloatArray:
    """The statistics (N, 2) of a mean of ``values``, one for each line."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.column_stack([numbers, np.ones(len(numbers))])


def check_aligned(hypotheses: Sequence[str], references: References) -> None:
    """Check that outputs and references belong together, line by line.

    Raises:
        ValueError: there are no lines, a line has no reference, or the two sides differ in number.
    """
    if not references or len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} outputs can't be scored against {len(references)} lines of references")
    if not all(map(len, references)):
        raise ValueError(f"line {list(map(len, references)).index(0) + 1} has no reference")
