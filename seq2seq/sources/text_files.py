"""Read the plain text files of the catalogue as frames: line-aligned, or monolingual.

Lines end at a line feed and nowhere else (``str.splitlines`` would also cut at U+2028 or a form feed, which
occur in corpora and would shift every line that follows); a carriage return before it is dropped.
"""

import gzip
import zlib
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.text.corpus import ROWS_PER_PARTITION, pairs


class TextFile(NamedTuple):
    """A text on disk and the name that the user knows it by, such as its URL; ``.gz`` in the name unpacks it."""

    path: Path
    name: str

    def lines(self) -> Iterator[str]:
        """Yield the lines without their ends.

        Raises:
            UserError: it is not UTF-8, or is a damaged gzip file.
        """
        number = 0
        try:
            with gzip.open(self.path) if self.name.endswith(".gz") else self.path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    text = line.decode("utf-8").removesuffix("\n").removesuffix("\r")
                    yield text.removeprefix("\ufeff") if number == 1 else text
        except UnicodeDecodeError as error:
            raise UserError(
                f"{self.name}, line {number}: not valid UTF-8 ({error.reason}); save the file as UTF-8"
            ) from None
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise UserError(
                f"{self.name} is truncated or damaged after line {number:,}: not a whole gzip file; get it again"
            ) from None
        except PermissionError:
            raise UserError(f"{self.name} may not be read by this user; see to its permissions") from None


def read_aligned(source: TextFile, target: TextFile, origin: str) -> Iterator[pd.DataFrame]:
    """Yield frames of the pairs of two line-aligned texts.

    Raises:
        UserError: they have different numbers of lines, or one of them can't be read.
    """
    rows = zip_longest(source.lines(), target.lines())
    while chunk := list(islice(rows, ROWS_PER_PARTITION)):
        if None in chunk[-1]:  # the shorter text has ended
            counts = [sum(1 for _ in text.lines()) for text in (source, target)]
            raise UserError(
                f"the files of a pair have different numbers of lines: {source.name} has {counts[0]:,}, "
                f"{target.name} has {counts[1]:,}; line N of one must translate line N of the other"
            )
        yield pairs([row[0] for row in chunk], [row[1] for row in chunk], origin)


def read_monolingual(text: TextFile, origin: str) -> Iterator[pd.DataFrame]:
    """Yield frames of target-language lines without a source."""
    lines = text.lines()
    while chunk := list(islice(lines, ROWS_PER_PARTITION)):
        yield pairs([""] * len(chunk), chunk, origin)
