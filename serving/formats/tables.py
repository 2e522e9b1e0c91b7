"""A column of CSV or TSV."""

import csv
import io
import re
from collections.abc import Sequence

from seq2seq.core.errors import UserError
from serving.formats.form import TEXT

TAB = "\t"


class Table:
    """Rows with a header; the translations of one column go into another, which may be new."""

    markup = TEXT

    def __init__(self, content: str, name: str, delimiter: str, column: str | None, into: str) -> None:
        """Find the column.

        Args:
            content: of the file.
            name: of the file.
            delimiter: between cells.
            column: the header of the cells to translate.
            into: the header of those to write; what they hold already stays.

        Raises:
            UserError: no column was named, or there is none of that name.
        """
        self._end = "\r\n" if "\r\n" in content else "\n"
        self._delimiter = delimiter
        if delimiter == TAB:  # which knows no quotation marks: they are text
            self._rows = [line.split(TAB) if line else [] for line in re.split("\r?\n", content)]
        else:
            self._rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter))
        header = self._rows[0] if self._rows else []
        if column is None or column not in header:
            what = f"it has no column {column!r}" if column else "say which column to translate"
            raise UserError(f"{name}: {what}; --column takes one of: {', '.join(header)}")
        if into not in header:
            header.append(into)
        self._source, self._target = header.index(column), header.index(into)
        for row in self._rows[1:]:
            if row:  # not an empty line
                row += [""] * (len(header) - len(row))
        self._wanted = [row for row in self._rows[1:] if row and row[self._source].strip() and not row[self._target]]
        self.texts = [row[self._source] for row in self._wanted]

    def write(self, outputs: Sequence[str], faults: Sequence[list[str]]) -> str:
        """The rows, with the column."""
        for row, output in zip(self._wanted, outputs, strict=True):
            row[self._target] = output if self._delimiter != TAB else " ".join(output.split())
        if self._delimiter == TAB:
            return self._end.join(TAB.join(row) for row in self._rows)
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self._delimiter, lineterminator=self._end).writerows(self._rows)
        return out.getvalue()
