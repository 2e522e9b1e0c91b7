"""Another program that scores lines, such as COMET or Bicleaner: a command in an environment of its own.

It reads lines of fields between tabs from standard input and writes one number for each to standard output. A line
break or tab within a field becomes a space. What it writes to standard error is shown as it comes.
"""

import math
import shlex
import shutil
import subprocess
from array import array
from collections.abc import Iterable, Sequence
from tempfile import TemporaryFile
from typing import TextIO

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section


class Scorer(Section):
    """A command that scores lines; subclasses say what becomes of the numbers."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Names the scorer in reports: small letters, digits and -, a letter first.",
    )
    command: str = Field(description="Reads lines of fields between tabs, writes a number for each; without a shell.")

    @field_validator("command")
    @classmethod
    def _is_a_command(cls, command: str) -> str:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"can't be cut into words: {error}") from None
        if not words:
            raise ValueError("write the command that scores")
        return command

    def check(self) -> None:
        """Check that the program can be started.

        Raises:
            UserError: there is no such program.
        """
        program = shlex.split(self.command)[0]
        if not shutil.which(program):
            raise UserError(f"{self}: there is no program '{program}'; install it, or correct its path")

    def score(self, rows: Iterable[Sequence[str]]) -> NDArray[np.float64]:
        """The number of each row, (N,). Rows and numbers wait on disk, so that memory holds 8 bytes a row.

        Raises:
            UserError: the command can't be started, fails, or doesn't write a finite number for each row.
        """
        with (
            TemporaryFile("w+", encoding="utf-8") as given,
            TemporaryFile("w+", encoding="utf-8", errors="replace") as written,
        ):
            lines = 0
            for row in rows:
                given.write("\t".join(" ".join(text.split()) for text in row) + "\n")
                lines += 1
            given.seek(0)
            self._run(given, written)
            written.seek(0)
            return self._read_numbers(written, lines)

    def _run(self, given: TextIO, written: TextIO) -> None:
        try:
            done = subprocess.run(shlex.split(self.command), stdin=given, stdout=written, check=False)
        except OSError as error:
            raise UserError(f"{self} can't be started: {error.strerror}") from None
        if done.returncode:
            raise UserError(f"{self} failed with exit status {done.returncode}; what it wrote stands above")

    def _read_numbers(self, written: TextIO, lines: int) -> NDArray[np.float64]:
        numbers = array("d")
        wrong = ""
        for word in written:
            numbers.append(_number(word))
            if not (wrong or math.isfinite(numbers[-1])):
                wrong = f"'{word.strip()[:80]}' in line {len(numbers):,}"
        if len(numbers) != lines:
            raise UserError(f"{self} wrote {len(numbers):,} lines for {lines:,}; it has to write one number a line")
        if wrong:
            raise UserError(f"{self} wrote {wrong}, which is not a finite number")
        return np.array(numbers)

    def __str__(self) -> str:
        return f"the scorer {self.name} ({self.command})"


def check_names(scorers: Sequence[Scorer]) -> None:
    """Check that each scorer has a name of its own.

    Raises:
        ValueError: two have the same.
    """
    names = [scorer.name for scorer in scorers]
    if len(set(names)) < len(names):
        raise ValueError("two scorers have the same name")


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
