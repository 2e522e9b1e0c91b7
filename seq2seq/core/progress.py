"""Progress of long work: a bar with rate and ETA on a terminal, a line every so often in a log."""

import sys
import time
from types import TracebackType

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 15.0
SLOW = 10  # units per second, below which tenths are told: "0 turns/s" says nothing
VERY_SLOW = 0.1  # below which hundredths are


class Progress:
    """Count work done, as ``with Progress("clean", total=9, unit="lines") as progress: progress.add(1)``."""

    def __init__(self, label: str, total: int | None, unit: str, *, initial: int = 0, quiet: bool = False) -> None:
        """Start counting towards ``total`` (None where it is unknown); a quiet one shows nothing.

        What was done before this start, ``initial``, counts as done and says nothing of the rate.
        """
        self.quiet = quiet
        self.label = label
        self.total = total
        self.unit = unit
        self.done = self.initial = initial
        self.note = ""
        self.started = self.last_line = time.monotonic()
        self.bar = (
            tqdm(total=total, initial=initial, unit=f" {unit}", desc=label, file=sys.stderr, dynamic_ncols=True)
            if sys.stderr.isatty() and not quiet
            else None
        )

    def add(self, amount: int, note: str = "") -> None:
        """Count ``amount`` more units as done; ``note`` stands behind the numbers, such as the loss."""
        self.done += amount
        self.note = note or self.note
        if self.bar is not None:
            self.bar.total = self.total  # which may have become known better
            self.bar.set_postfix_str(self.note, refresh=False)
            self.bar.update(amount)
        elif not self.quiet and time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES:
            self._line()

    def _line(self, ended: bool = False) -> None:
        self.last_line = time.monotonic()
        elapsed = self.last_line - self.started
        rate = (self.done - self.initial) / elapsed if elapsed else 0.0
        parts = [f"{self.label}: {self.done:,}"]
        if self.total:
            parts[0] += f" of {self.total:,} {self.unit}"
            if rate and not ended:
                parts.append(f"{max(self.total - self.done, 0) / rate:,.0f} s left")
        else:
            parts[0] += f" {self.unit}"
        parts.insert(1, f"{rate:,.{0 if rate >= SLOW else 1 if rate >= VERY_SLOW else 2}f} {self.unit}/s")
        print(", ".join(parts + ([self.note] if self.note else [])), file=sys.stderr, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        elif self.done and error is None and not self.quiet:
            self._line(ended=True)
