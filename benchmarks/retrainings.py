"""Trainings that differ by their seed alone, and worse ones: ``python -m benchmarks.retrainings RUN_FOLDER OUT``.

What a release gate has to tell apart. The run's folder (the checkout itself, or one in runs/) gives cleaned pairs, the
tokenizer and params. Each model translates the gate set, in int8, and leaves its outputs as a Parquet file
in OUT; `benchmarks.release_gate` reads them. A model that has its outputs isn't trained again.
"""

import argparse
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from seq2seq.core.command_line import ArgumentParser
from seq2seq.core.files import replacing
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.evaluation.evaluate import predict
from seq2seq.export.quantization import quantize
from seq2seq.inference.translator import Translator
from seq2seq.synthesis.params import BackTranslationParams
from seq2seq.text.corpus import GATE, read_corpus
from seq2seq.text.languages import LanguagesParams
from seq2seq.training.data import Direction, read_direction
from seq2seq.training.fit import fit
from seq2seq.training.recipe import read_recipe
from tasks.stage import run

CORPUS, TOKENIZER, PRETRAINED = (Path(place) for place in ("data/clean", "models/tokenizer", "models/pretrained"))


@dataclass(frozen=True)
class Retraining:
    """One training: the recipe of params.yaml with another seed, and maybe with less data or fewer updates."""

    seed: int
    data: float = 1.0  # share of the training pairs, from the beginning
    updates: float = 1.0  # share of the recipe's updates

    @property
    def name(self) -> str:
        """Of its files."""
        changes = [f"{kind}-{share:g}" for kind, share in (("data", self.data), ("updates", self.updates)) if share < 1]
        return "-".join([f"seed-{self.seed}", *changes])


RETRAININGS = (
    *(Retraining(seed) for seed in range(1, 7)),
    Retraining(7, data=0.5),
    Retraining(8, data=0.8),
    Retraining(9, updates=0.5),
    Retraining(10, updates=0.75),
)


def with_less_data(direction: Direction, share: float) -> Direction:
    """The first ``share`` of the training pairs."""
    lines = round(direction.lines * share)

    def real() -> Iterator[pd.DataFrame]:
        left = lines
        for frame in direction.real():
            yield frame.head(left)
            left -= min(left, len(frame))

    return replace(direction, real=real, lines=lines)


def train(retraining: Retraining, work: Path, threads: int) -> pd.DataFrame:
    """Train, quantize and translate the gate set: columns source, target and prediction."""
    languages = load_section(PARAMS, "languages", LanguagesParams)
    synthesis = load_section(PARAMS, "back_translation", BackTranslationParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams).model_copy(update={"threads": threads})
    recipe = read_recipe(PARAMS, "train", PRETRAINED)
    updates = round(recipe.training.max_updates * retraining.updates)
    training = recipe.training.model_copy(update={"seed": retraining.seed, "max_updates": updates})
    recipe = replace(recipe, stage=retraining.name, training=training, runtime=runtime)
    direction = with_less_data(read_direction(CORPUS, None, TOKENIZER, languages, synthesis), retraining.data)
    float32, released = work / "float32", work / "released"
    fit(direction, recipe, task="translation", origin={}, work=work / "training", out=float32)
    if not released.exists():
        quantize(float32, released, "int8")
    translator = Translator.load(released, runtime)
    return predict(
        translator, read_corpus(CORPUS / GATE), load_section(PARAMS, "decoding", DecodingParams), retraining.name
    )


def _write(frame: pd.DataFrame, path: Path) -> None:
    with replacing(path) as partial_file:
        frame.to_parquet(partial_file)


def main() -> None:
    """Train what has no outputs yet."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=1, help="of each training; several of these may run at once")
    parser.add_argument("--only", nargs="*", help="names of retrainings, to share them among processes")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    for retraining in RETRAININGS:
        path = out / f"{retraining.name}.parquet"
        if path.exists() or (arguments.only and retraining.name not in arguments.only):
            continue
        with chdir(arguments.run_folder):
            frame = train(retraining, out / "work" / retraining.name, arguments.threads)
        _write(frame, path)


if __name__ == "__main__":
    run(main)
