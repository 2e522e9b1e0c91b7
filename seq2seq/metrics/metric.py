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


def check_aligned(hypotheses: Sequence[str], references: References) -> None:
    """Check that outputs and references belong together, line by line.

    Raises:
        ValueError: there are no lines, a line has no reference, or the two sides differ in number.
    """
    if not references or len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} outputs can't be scored against {len(references)} lines of references")
    if not all(references):
        raise ValueError(f"line {next(row for row, texts in enumerate(references, 1) if not texts)} has no reference")
