"""Peak memory of training as the corpus grows: ``python -m benchmarks.memory [PAIRS]...`` (300,000 and 3,000,000).

Each size is trained for some updates in a process of its own, on sentences made of random words; since those see the
first shard alone, all batches of an epoch are then made.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from seq2seq.benchmark.worker import peak_memory_mb
from seq2seq.core.params import load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.models.batches import training_batches
from seq2seq.models.transformer import TransformerParams
from seq2seq.text.corpus import pairs
from seq2seq.text.languages import LanguagesParams
from seq2seq.tokenizers.sentencepiece import TokenizerParams, train_tokenizer
from seq2seq.training.data import Direction
from seq2seq.training.fit import fit
from seq2seq.training.params import load_training
from seq2seq.training.recipe import Recipe
from seq2seq.training.token_store import TokenStore
from tasks.stage import run

PARAMS = Path("params.yaml")
SIZES = (300_000, 3_000_000)
LINES_PER_FRAME = 100_000
UPDATES = 50
STORE = "tokens-000000"  # in the folder of work: the encoded pairs


def make_frames(lines: int) -> Iterator[pd.DataFrame]:
    """Yield ``lines`` pairs of 5 to 24 random words a side."""
    random = np.random.default_rng(1)
    words = np.array([f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in ("l", "m", "n", "ra", "so", "tu")])

    def sentences(count: int) -> list[str]:
        drawn = random.choice(words, size=count * 24)
        ends = random.integers(5, 25, size=count)
        return [" ".join(drawn[24 * line : 24 * line + end]) for line, end in enumerate(ends)]

    for start in range(0, lines, LINES_PER_FRAME):
        count = min(LINES_PER_FRAME, lines - start)
        yield pairs(sentences(count), sentences(count), "random")


def train(lines: int) -> None:
    """Train a little on ``lines`` pairs, and print this process's peak memory in MB."""
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    params = load_training(PARAMS, "train").model_copy(update={"max_updates": UPDATES})
    with tempfile.TemporaryDirectory() as folder:
        validation = next(make_frames(500))
        tokenizer_params = load_section(PARAMS, "tokenizer", TokenizerParams)
        learned = train_tokenizer(
            validation["source"], validation["target"], tokenizer_params, runtime.threads, Path(folder, "tokenizer")
        )
        direction = Direction(
            languages=LanguagesParams(source="en", target="de"),
            tokenizer=learned,
            real=lambda: make_frames(lines),
            synthetic=lambda: (),
            lines=lines,
            validation=validation,
            tag=False,
        )
        shape = load_section(PARAMS, "transformer", TransformerParams)
        recipe = Recipe(f"{lines:,} pairs", "transformer", shape, params, runtime)
        fit(direction, recipe, task="translation", origin={}, work=Path(folder), out=Path(folder, "bundle"))
        for pairs_of_shard, rows in training_batches(TokenStore(Path(folder, STORE)), params.batch_tokens, 1, epoch=0):
            pairs_of_shard.batch(rows)
    print(f"{peak_memory_mb():.0f}")


def main() -> None:
    """Train at each size, and print peak memory as a ratio to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", metavar="PAIRS", type=int, nargs="*", default=SIZES)
    first = 0.0
    for size in parser.parse_args().sizes:
        command = [sys.executable, "-c", f"from benchmarks.memory import train; train({size})"]
        found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        peak = float(found.stdout.splitlines()[-1])
        first = first or peak
        print(f"{size:>12,} pairs: {peak:,.0f} MB, {peak / first:.2f} times the first", flush=True)


if __name__ == "__main__":
    run(main)
