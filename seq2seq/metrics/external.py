"""Metrics that another program computes, such as COMET: a command in an environment of its own.

It reads lines of ``source TAB output TAB reference`` from standard input and writes one number for each to standard
output. A line break or tab within a text becomes a space. What it writes to standard error is shown as it comes.
"""

import shlex
import shutil
import subprocess
from collections.abc import Sequence

import numpy as np
from pydantic import Field, field_validator

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section
from seq2seq.metrics.metric import FloatArray, MeanOfLines, References, check_aligned, counts_of_values
from seq2seq.metrics.string_metrics import LABELS
from seq2seq.text.perturbations import PERTURBATIONS

COLUMNS = ("source", "references", "origin", "prediction", "truncated", *PERTURBATIONS)  # of predictions
KEYS = (*LABELS, "rouge1", "rouge2", "sentences", "signature")  # of scores


class ScorerParams(Section):
    """A metric that another program computes."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Names the metric in reports: small letters, digits and -, a letter first.",
    )
    command: str = Field(
        description="Reads lines of source TAB output TAB reference, writes a number for each; runs without a shell."
    )
    higher_is_better: bool = Field(description="False where a lower number is the better one.")

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in COLUMNS + KEYS:
            raise ValueError("that name is taken; choose another")
        return name

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


def check_program(scorer: ScorerParams) -> None:
    """Check that a scorer can be started.

    Raises:
        UserError: there is no such program.
    """
    program = shlex.split(scorer.command)[0]
    if not shutil.which(program):
        raise UserError(f"{_named(scorer)}: there is no program '{program}'; install it, or correct its path")


class External(MeanOfLines):
    """A scorer's numbers: the mean over the lines, of several references the best for each line."""

    def __init__(self, scorer: ScorerParams, sources: Sequence[str] = ()) -> None:
        """Take the source of each line, which the command reads besides."""
        self.name = self.label = scorer.name
        self.higher_is_better = scorer.higher_is_better
        self._scorer, self._sources = scorer, sources

    def statistics(self, hypotheses: Sequence[str], references: References) -> FloatArray:
        """Run the command: its number, and 1 for the line, (N, 2).

        Raises:
            ValueError: there are no lines, a line has no reference, or the sides differ in number.
            UserError: the command can't be started, fails, or doesn't write a finite number for each line.
        """
        return counts_of_values(run_scorer(self._scorer, self._sources, hypotheses, references))

    def signature(self, references: References) -> str:
        """Its name."""
        return f"{self.name}|external:yes|references:best"


def run_scorer(
    scorer: ScorerParams, sources: Sequence[str], hypotheses: Sequence[str], references: References
) -> FloatArray:
    """The number of each line, (N,): of several references the best.

    Raises:
        ValueError: there are no lines, a line has no reference, or the sides differ in number.
        UserError: the command can't be started, fails, or doesn't write a finite number for each line.
    """
    check_aligned(hypotheses, references)
    lines = [
        "\t".join(" ".join(text.split()) for text in (source, output, reference)) + "\n"
        for source, output, texts in zip(sources, hypotheses, references, strict=True)
        for reference in texts
    ]
    numbers = _read_numbers(scorer, _run(scorer, "".join(lines)), len(lines))
    best = np.maximum if scorer.higher_is_better else np.minimum
    firsts = np.cumsum([0, *map(len, references[:-1])])
    return np.asarray(best.reduceat(numbers, firsts), dtype=np.float64)


def _run(scorer: ScorerParams, text: str) -> str:
    try:
        done = subprocess.run(shlex.split(scorer.command), input=text.encode(), stdout=subprocess.PIPE, check=False)
    except OSError as error:
        raise UserError(f"{_named(scorer)} can't be started: {error.strerror}") from None
    if done.returncode:
        raise UserError(f"{_named(scorer)} failed with exit status {done.returncode}; what it wrote stands above")
    return done.stdout.decode(errors="replace")


def _read_numbers(scorer: ScorerParams, text: str, lines: int) -> FloatArray:
    words = text.splitlines()
    if len(words) != lines:
        raise UserError(f"{_named(scorer)} wrote {len(words):,} lines for {lines:,}; it has to write one number a line")
    numbers = np.array([_number(word) for word in words])
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise UserError(
            f"{_named(scorer)} wrote '{words[wrong[0]][:80]}' in line {wrong[0] + 1:,}, which is not a finite number"
        )
    return numbers


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")


def _named(scorer: ScorerParams) -> str:
    return f"the scorer {scorer.name} ({scorer.command})"
