"""Two texts, line by line: Moses' format, ``x.en`` beside ``x.de``."""

from collections.abc import Iterator
from itertools import zip_longest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import checked
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import Row, Wanted
from seq2seq.sources.readers.texts import UTF8, read_lines


def align(source: Content, target: Content, encoding: str = UTF8) -> Iterator[tuple[str, str]]:
    """Yield the lines of two texts, side by side.

    Raises:
        UserError: they have different numbers of lines, or one of them can't be read.
    """
    texts = [read_lines(side, encoding) for side in (source, target)]
    for number, (left, right) in enumerate(zip_longest(*texts), start=1):
        if left is None or right is None:
            longer = number + sum(1 for text in texts for _ in text)  # the other has ended
            counts = (number - 1, longer) if left is None else (longer, number - 1)
            raise UserError(
                f"the files of a pair have different numbers of lines: {source.name} has {counts[0]:,}, "
                f"{target.name} has {counts[1]:,}; line N of one must translate line N of the other"
            )
        yield left, right


def read_aligned(source: Content, target: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of two line-aligned texts.

    Raises:
        UserError: as :func:`align` does.
    """
    for number, (left, right) in enumerate(align(source, target, wanted.encoding), start=1):
        yield checked("line", number, left, right)
