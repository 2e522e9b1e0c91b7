"""What became of the lines: counts for each filter, and examples drawn by hash, so that no order colours them."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from seq2seq.cleaning.duplicates import Mask, hash_texts

EXAMPLES = 3  # of what each filter dropped, for the report
EXAMPLE_CHARACTERS = 200
MATCHES = 100  # of lines with the held-out ones that they nearly are

Example = tuple[int, str, str]  # hash, source, target


@dataclass
class Dropped:
    """What one filter dropped."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)  # those of the smallest hashes

    def add(self, count: int, examples: list[Example]) -> None:
        """Count more; keep the examples of the smallest hashes."""
        self.count += count
        self.examples = sorted([*self.examples, *examples])[:EXAMPLES]


@dataclass
class Tally:
    """What became of the lines of one corpus, or of one of its partitions."""

    lines_in: int = 0
    filters: dict[str, Dropped] = field(default_factory=dict)
    held_out: int = 0
    kept: int = 0
    scores: dict[str, dict[str, float]] = field(default_factory=dict)  # by scorer: what it gave, and what stays
    near: list[Example] = field(default_factory=list)  # lines and the held-out ones that they nearly are

    def drop(self, name: str, frame: pd.DataFrame, keep: Mask) -> pd.DataFrame:
        """Return the rows to keep; count the others for the filter ``name``, with a few examples."""
        dropped = self.filters.setdefault(name, Dropped())
        if keep.all():
            return frame
        rows = frame[~keep]
        sides = rows["source"].tolist(), rows["target"].tolist()
        hashes = hash_texts([f"{source}\t{target}" for source, target in zip(*sides, strict=True)]).tolist()
        dropped.add(len(rows), list(zip(hashes, *sides, strict=True)))
        return frame[keep]

    def add_matches(self, matches: list[tuple[str, str]]) -> None:
        """Keep some of the texts that hold most of a held-out line, each with that line."""
        hashes = hash_texts([text for text, _ in matches]).tolist()
        rows = [(number, text, line) for number, (text, line) in zip(hashes, matches, strict=True)]
        self.near = sorted({*self.near, *rows})[:MATCHES]

    def add(self, other: "Tally") -> None:
        """Add what became of a partition's lines."""
        self.lines_in += other.lines_in
        self.held_out += other.held_out
        self.kept += other.kept
        self.near = sorted({*self.near, *other.near})[:MATCHES]
        for name, dropped in other.filters.items():
            self.filters.setdefault(name, Dropped()).add(dropped.count, dropped.examples)

    def report(self) -> dict[str, Any]:
        """The tally as JSON; the lines in are those dropped, held out and kept."""
        filters = {
            name: {
                "dropped": dropped.count,
                "examples": [[text[:EXAMPLE_CHARACTERS] for text in texts] for _, *texts in dropped.examples],
            }
            for name, dropped in self.filters.items()
        }
        near = {"nearly_held_out": [list(texts) for _, *texts in self.near]} if self.near else {}
        scores = {"scores": self.scores} if self.scores else {}
        counts = {"lines_in": self.lines_in, "filters": filters, "held_out": self.held_out, "kept": self.kept}
        return counts | scores | near
