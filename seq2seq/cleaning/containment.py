"""Lines that hold most of a held-out one: by the share of its runs of words that they have too.

An exact count over an index of the held-out lines, which are few: an estimate by MinHash, made for many against many,
would be slower here and miss some. Brown et al. 2020, appendix C, and most since measure contamination so.
"""

from collections import Counter
from collections.abc import Iterable

from seq2seq.text.languages import split_words

RUN = 4  # words; of a script without spaces, letters
SHORTEST = 2  # runs of a held-out line; shorter lines are compared as wholes alone


class Containment:
    """An index of held-out lines by their runs of words."""

    def __init__(self, lines: Iterable[str], share: float) -> None:
        """Index lines; a text holds one if it has at least ``share`` (0 to 1) of its runs."""
        self._share = share
        self._lines: list[tuple[str, int]] = []
        self._with: dict[tuple[str, ...], list[int]] = {}
        for line in sorted(lines):
            runs = _runs(line)
            if len(runs) < SHORTEST:
                continue
            for run in runs:
                self._with.setdefault(run, []).append(len(self._lines))
            self._lines.append((line, len(runs)))

    def find(self, text: str) -> str | None:
        """The held-out line of which a text holds the most, if that is enough; of equals the first by code points."""
        shared = Counter(number for run in _runs(text) for number in self._with.get(run, ()))
        most = max(shared, key=lambda number: (shared[number] / self._lines[number][1], -number), default=None)
        if most is None or shared[most] < self._share * self._lines[most][1]:
            return None
        return self._lines[most][0]


def _runs(text: str) -> set[tuple[str, ...]]:
    words = split_words(text)
    return set(zip(*(words[start:] for start in range(RUN)), strict=False))
