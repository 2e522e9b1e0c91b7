"""Fit a model to sentence pairs: encode them, train, and write the bundle."""

from pathlib import Path

import pandas as pd
import torch

from seq2seq.architectures import build_model
from seq2seq.batches import PairedSequences
from seq2seq.encoder_decoder import ArchitectureParams
from seq2seq.errors import UserError
from seq2seq.languages import LanguagesParams
from seq2seq.runtime import RuntimeParams, autocast_dtype, prepare_device
from seq2seq.tokenizer import Tokenizer
from seq2seq.training import Point, Trainer, TrainingParams
from seq2seq.weights import save_model


def fit(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    validation: pd.DataFrame,
    *,
    tag: bool,
    tokenizer: Tokenizer,
    languages: LanguagesParams,
    architecture: str,
    model_params: ArchitectureParams,
    params: TrainingParams,
    runtime: RuntimeParams,
    origin: dict[str, str],
    work: Path,
    out: Path,
    label: str,
) -> list[Point]:
    """Train a model from source to target, write its bundle to ``out``, and return its learning curve.

    Args:
        real: training pairs, columns source and target.
        synthetic: pairs whose source a backward model made; may have no rows.
        validation: pairs that early stopping and averaging read.
        tag: mark the sources of synthetic pairs.
        tokenizer: of this direction.
        languages: of this direction.
        architecture: name of the kind of model.
        model_params: its shape.
        params: how it is trained.
        runtime: device, precision and threads.
        origin: SHA-256 of the data, params and code, kept in the bundle.
        work: folder of checkpoints, where a killed training is resumed.
        out: the bundle.
        label: name of the training in progress lines.

    Raises:
        UserError: there is nothing to train or to validate on, or the loss is no longer a number.
    """
    device = prepare_device(runtime)
    training_pairs = PairedSequences(
        tokenizer.encode_source(real["source"].tolist()) + tokenizer.encode_source(synthetic["source"].tolist(), tag),
        tokenizer.encode_target(real["target"].tolist() + synthetic["target"].tolist()),
        model_params.max_length,
    )
    validation_pairs = PairedSequences(
        tokenizer.encode_source(validation["source"].tolist()),
        tokenizer.encode_target(validation["target"].tolist()),
        model_params.max_length,
    )
    for name, encoded in (("training", training_pairs), ("validation", validation_pairs)):
        if encoded.left_out:
            print(f"{label}: {encoded.left_out:,} {name} pairs over {model_params.max_length} pieces are left out")
        if not len(encoded):
            raise UserError(f"{label}: the {name} set is empty; reports/cleaning.json says what was dropped, and why")

    torch.manual_seed(params.seed)
    model = build_model(architecture, model_params, tokenizer)
    size = sum(weight.numel() for weight in model.parameters())
    print(f"{label}: {size:,} weights, {len(real):,} real and {len(synthetic):,} synthetic pairs, on {device}")
    trainer = Trainer(model, params, work, device, autocast_dtype(runtime, device))
    points = trainer.train(training_pairs, validation_pairs, label)
    save_model(out, model, tokenizer, languages, origin)
    return points
