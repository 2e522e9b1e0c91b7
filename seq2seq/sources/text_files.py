"""Read plain text corpora as frames: line-aligned files, and tab-separated pairs.

Lines end at a line feed and nowhere else (``str.splitlines`` would also cut at U+2028 or a form feed, which
occur in corpora and would shift every line that follows); a carriage return before it is dropped.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.text.corpus import ROWS_PER_PARTITION, pairs

CHECKED_PAIRS = 10_000  # of each table, before anything runs


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


def find_tables(path: Path) -> list[Path]:
    """The user's own tables: the file itself, or the ``*.tsv`` of a folder in order of name.

    Raises:
        UserError: there is nothing at ``path``.
    """
    if path.is_dir():
        return sorted(file for file in path.glob("*.tsv") if file.is_file())
    if not path.is_file():
        raise UserError(
            f"corpora.pairs: {path} does not exist; name a TSV file (source TAB target) or a folder of them"
        )
    return [path]


def unread_files(path: Path) -> list[Path]:
    """Files in the folder of the tables that aren't tables, such as ``mine.csv``, in order of name."""
    if not path.is_dir():
        return []
    explanations = {path / "README.md"}
    hidden = set(path.glob(".*"))
    return sorted(set(path.iterdir()) - set(find_tables(path)) - explanations - hidden)


def check_tables(path: Path) -> list[Path]:
    """The user's own tables, as :func:`find_tables` has them, after reading the first pairs of each.

    Raises:
        UserError: there is nothing at ``path``, a table is empty, or its first pairs can't be read.
    """
    tables = find_tables(path)
    for table in tables:
        if not list(islice(_split(TextFile(table, str(table))), CHECKED_PAIRS)):
            raise UserError(f"{table} is empty; write a pair in each line, source TAB target, or remove it")
    return tables


def read_tables(paths: Iterable[Path], origin: str) -> Iterator[pd.DataFrame]:
    """Yield frames of the pairs of two-column TSV files: source, a tab, target; no header, no quoting.

    Raises:
        UserError: a line has not exactly two columns, or a file is not UTF-8.
    """
    rows = (row for path in paths for row in _split(TextFile(path, str(path))))
    while chunk := list(islice(rows, ROWS_PER_PARTITION)):
        yield pairs([row[0] for row in chunk], [row[1] for row in chunk], origin)


def _split(table: TextFile) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(table.lines(), start=1):
        columns = line.split("\t")
        if len(columns) != 2:
            found = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
            raise UserError(f"{table.name}, line {number}: {found}; write each line as source TAB target")
        yield columns[0], columns[1]
