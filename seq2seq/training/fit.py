"""Fit a model to sentence pairs: encode them, train, and write the bundle."""

import sys
from collections.abc import Callable
from pathlib import Path

import torch

from seq2seq.bundles.manifest import bundle_digest
from seq2seq.bundles.pytorch import save_model
from seq2seq.core.runtime import autocast_dtype, prepare_device
from seq2seq.models.batches import PairedSequences
from seq2seq.text.corpus import VALIDATION
from seq2seq.training.data import Direction, EpochStores, check_size, tell_left_out
from seq2seq.training.distributed import Processes, join_processes
from seq2seq.training.learning_curve import Point
from seq2seq.training.recipe import Recipe
from seq2seq.training.trainer import Trainer, say_nothing
from seq2seq.training.validation_score import GreedyScore, check_metric


def fit(
    direction: Direction,
    recipe: Recipe,
    *,
    task: str,
    origin: dict[str, str],
    work: Path,
    out: Path,
    tell: Callable[[Point], None] = say_nothing,
) -> list[Point]:
    """Train a model, write its bundle to ``out``, and return its learning curve.

    Of several processes that torchrun started, the first one writes.

    Args:
        direction: languages, tokenizer and pairs.
        recipe: what is trained, and how.
        task: what the model is for, in a word.
        origin: SHA-256 of the data, params and code, kept in the bundle.
        work: folder of encoded pairs and checkpoints, where a killed training is resumed.
        out: the bundle.
        tell: is called in the first process with every new point of the learning curve.

    Raises:
        UserError: there is nothing to train or to validate on, params ask for what can't be, or the loss is no
            longer a number.
    """
    recipe.check()
    params = recipe.training
    device = prepare_device(recipe.runtime)
    processes = join_processes(device)
    validation = _encode_validation(direction, recipe.model.max_length, processes, recipe.stage)
    stores = EpochStores(direction, params, recipe.model.max_length, work, processes, recipe.stage)
    torch.manual_seed(params.seed)
    model = recipe.first_model(direction.tokenizer)
    if processes.is_first:
        size = sum(weight.numel() for weight in model.parameters())
        place = f"{processes.count} processes" if processes.count > 1 else device
        print(f"{recipe.stage}: {size:,} weights, {direction.lines:,} pairs, on {place}", flush=True)
        if recipe.start:
            print(f"{recipe.stage}: goes on from bundle {bundle_digest(recipe.start)}", flush=True)
        if recipe.overruled:
            print(f"{recipe.stage}: notice: {recipe.overruled}", flush=True)
    score = None
    if params.early_stopping_metric != "loss":
        check_metric(params.early_stopping_metric, direction, recipe.stage)
        score = GreedyScore(params.early_stopping_metric, direction, device, processes)
    processes.wait()  # now the first one holds the folder, and no former training changes what all read there
    trainer = Trainer(model, params, work, device, autocast_dtype(recipe.runtime, device), processes, score, tell)
    before = trainer.loss_before(validation) if recipe.start else None
    if processes.is_first and before is not None:
        print(f"{recipe.stage}: the validation loss is {before:.3f} before the first update", flush=True)
    points = trainer.train(stores, validation, recipe.stage)
    if processes.is_first:
        if before is not None and before < min(point.validation_loss for point in points):
            print(
                f"warning: {recipe.stage}: the model that it goes on from had a lower validation loss, {before:.3f}, "
                "than any that came of it; lower the learning rate (train.lr)",
                file=sys.stderr,
                flush=True,
            )
        save_model(out, model, direction.tokenizer, direction.languages, origin, task)
    processes.wait()
    return points


def _encode_validation(direction: Direction, max_length: int, processes: Processes, label: str) -> PairedSequences:
    pairs = direction.encode_validation(max_length)
    too_long = len(direction.validation) - len(pairs)
    if processes.is_first:
        tell_left_out(label, f"{VALIDATION} pairs", too_long, max_length)
    check_size(label, VALIDATION, len(pairs), too_long)
    return pairs
