"""Old pairs among the new ones, so that a model that is trained further forgets little of what it knew.

Mixed fine-tuning: Chu et al. 2017, "An Empirical Comparison of Domain Adaptation Methods for Neural Machine
Translation", https://aclanthology.org/P17-2061.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.text.corpus import read_partitions


@dataclass(frozen=True)
class OldPairs:
    """How many pairs of the old corpora are read in an epoch beside all the new ones."""

    corpora: frozenset[str]
    new: int  # pairs
    old: int
    kept: int  # of the old ones

    @property
    def lines(self) -> int:
        """Pairs of an epoch."""
        return self.new + self.kept

    def thin(self, frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Leave out old pairs at equal distances, so that a sorted corpus keeps something of all it has."""
        seen = 0
        for frame in frames:
            is_old = frame["origin"].isin(self.corpora)
            number = seen + is_old.cumsum()  # of an old pair, counted from 1
            seen += int(is_old.sum())
            is_kept = number * self.kept // self.old > (number - 1) * self.kept // self.old
            yield frame[~is_old | is_kept]

    def __str__(self) -> str:
        names = ", ".join(sorted(self.corpora))
        share = f"{self.kept / self.lines:.0%} of an epoch"
        return f"{self.new:,} new pairs and {self.kept:,} of {self.old:,} old ones ({names}), {share}"


def mix_old(folder: Path, corpora: Iterable[str], share: float) -> OldPairs:
    """Count the pairs of a corpus, and say how many of the old ones make up a share of an epoch; at most all.

    Args:
        folder: the training set.
        corpora: the origins of its old pairs.
        share: of the old pairs among all that are read.

    Raises:
        UserError: it has no pairs of an old corpus, or no others.
    """
    old = frozenset(corpora)
    counts: Counter[str] = Counter()
    for frame in read_partitions(folder):
        counts.update(frame["origin"].tolist())
    if absent := sorted(old - counts.keys()):
        raise UserError(
            f"train.old_corpora: the training set has no pairs of {absent[0]}; it has some of "
            f"{', '.join(sorted(counts)) or 'nothing'}"
        )
    old_lines = sum(counts[name] for name in old)
    new_lines = counts.total() - old_lines
    if not new_lines:
        raise UserError("train.old_corpora names all that there is; leave out the corpus that is new")
    return OldPairs(old, new_lines, old_lines, min(old_lines, round(new_lines * share / (1 - share))))
