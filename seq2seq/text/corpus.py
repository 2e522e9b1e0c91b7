"""Corpora as partitioned Parquet: ``FOLDER/part-00000.parquet`` with columns source, target, origin.

A monolingual corpus has the same columns; the side that it lacks is the empty string.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seq2seq.core.errors import UserError

Split = Literal["train", "validation", "gate", "test", "mono"]  # what a corpus is for
TRAIN, VALIDATION, GATE, TEST, MONO = get_args(Split)
HELD_OUT = (VALIDATION, GATE, TEST)
COLUMNS = ["source", "target", "origin"]
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
ROWS_PER_PARTITION = 100_000


def partitions(folder: Path) -> list[Path]:
    """The partition files of a corpus in order; a folder that does not exist has none."""
    return sorted(Path(folder).glob("part-*.parquet"))


def folders(path: Path) -> list[Path]:
    """The corpora that stand side by side in a folder, by name; a folder that does not exist has none."""
    return sorted(folder for folder in Path(path).glob("*") if folder.is_dir())


def read_partition(path: Path) -> pd.DataFrame:
    """Read one partition.

    Raises:
        UserError: it is damaged.
    """
    try:
        frame: pd.DataFrame = pq.read_table(path, schema=SCHEMA).to_pandas()
    except pa.ArrowInvalid:
        raise _damaged(path) from None
    return frame


def read_partitions(folder: Path) -> Iterator[pd.DataFrame]:
    """Yield one DataFrame per partition, so that memory does not grow with the corpus.

    Raises:
        UserError: a partition is damaged.
    """
    yield from map(read_partition, partitions(folder))


def read_corpus(folder: Path) -> pd.DataFrame:
    """Read a whole corpus; an absent or empty one has no rows."""
    frames = list(read_partitions(folder))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS, dtype="str")


def write_corpus(folder: Path, frames: Iterable[pd.DataFrame], rows: int = ROWS_PER_PARTITION) -> int:
    """Write frames as partitions of ``rows`` lines each; return the number of lines.

    The bytes depend on the lines alone, not on how they were cut into frames.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    waiting: list[pa.Table] = []
    number = total = 0

    def flush(size: int) -> None:
        nonlocal waiting, number
        table = pa.concat_tables(waiting).combine_chunks()
        pq.write_table(table.slice(0, size), folder / f"part-{number:05d}.parquet", compression="zstd")
        waiting = [table.slice(size)]
        number += 1

    for frame in frames:
        waiting.append(
            pa.Table.from_pandas(frame[COLUMNS], schema=SCHEMA, preserve_index=False).replace_schema_metadata()
        )
        total += len(frame)
        while sum(table.num_rows for table in waiting) >= rows:
            flush(rows)
    if (left := sum(table.num_rows for table in waiting)) or number == 0:
        waiting = waiting or [SCHEMA.empty_table()]
        flush(left)
    return total


def pairs(source: Iterable[str], target: Iterable[str], origin: str) -> pd.DataFrame:
    """Make a corpus frame of line-aligned texts that all come from ``origin``."""
    frame = pd.DataFrame({"source": list(source), "target": list(target)}, dtype="str")
    return frame.assign(origin=pd.Series([origin] * len(frame), dtype="str"))


def swap(frame: pd.DataFrame) -> pd.DataFrame:
    """The same pairs for the opposite direction."""
    return frame.rename(columns={"source": "target", "target": "source"})[COLUMNS]


def gather_references(frame: pd.DataFrame) -> pd.DataFrame:
    """The lines to translate of a held-out set of pairs, with the texts that are right as ``references``.

    Where one source has several targets, they become the references of one line, in the place of the first. All other
    pairs stay lines of their own, those with an empty source and those that stand there twice too.

    Returns:
        The frame's columns, with ``references`` in the place of ``target``.
    """
    targets: dict[str, list[str]] = {}
    for source, target in zip(frame["source"], frame["target"], strict=True):
        found = targets.setdefault(source, [])
        if source and target and target not in found:
            found.append(target)
    several = frame["source"].map(lambda source: len(targets[source]) > 1).astype(bool)
    lines = frame[~(several & frame.duplicated("source"))]
    references = [
        targets[source] if len(targets[source]) > 1 else [target]
        for source, target in zip(lines["source"], lines["target"], strict=True)
    ]
    place = list(lines.columns).index("target")
    lines = lines.drop(columns="target").reset_index(drop=True)
    lines.insert(place, "references", pd.Series(references, dtype=object))
    return lines


def count_lines(folder: Path) -> int:
    """Lines of a corpus, read from its metadata.

    Raises:
        UserError: a partition is damaged.
    """
    total = 0
    for path in partitions(folder):
        try:
            total += pq.read_metadata(path).num_rows
        except pa.ArrowInvalid:
            raise _damaged(path) from None
    return total


def _damaged(path: Path) -> UserError:
    return UserError(f"{path} is damaged; remove it and run the stage that makes it again")
