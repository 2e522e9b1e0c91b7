"""Fit a model to sentence pairs: encode them, train, and write the bundle."""

from collections.abc import Callable
from pathlib import Path

import torch

from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.core.runtime import RuntimeParams, autocast_dtype, prepare_device
from seq2seq.models.encoder_decoder import ArchitectureParams
from seq2seq.text.corpus import VALIDATION
from seq2seq.text.languages import LanguagesParams
from seq2seq.tokenizers.base import Tokenizer
from seq2seq.training.data import EpochStores, TrainingData, tell_left_out
from seq2seq.training.distributed import join_processes
from seq2seq.training.initial_model import first_model
from seq2seq.training.learning_curve import Point
from seq2seq.training.params import TrainingParams
from seq2seq.training.token_store import TokenStore
from seq2seq.training.trainer import Trainer, say_nothing
from seq2seq.training.validation_score import GreedyScore


def fit(
    data: TrainingData,
    *,
    tokenizer: Tokenizer,
    languages: LanguagesParams,
    task: str,
    architecture: str,
    model_params: ArchitectureParams,
    params: TrainingParams,
    runtime: RuntimeParams,
    origin: dict[str, str],
    work: Path,
    out: Path,
    label: str,
    pretrained: Path | None = None,
    tell: Callable[[Point], None] = say_nothing,
) -> list[Point]:
    """Train a model from source to target, write its bundle to ``out``, and return its learning curve.

    Of several processes that torchrun started, the first one writes.

    Args:
        data: training and validation pairs.
        tokenizer: of this direction.
        languages: of this direction.
        task: what the model is for, in a word.
        architecture: name of the kind of model.
        model_params: its shape, or how it is trained further.
        params: how it is trained.
        runtime: device, precision and threads.
        origin: SHA-256 of the data, params and code, kept in the bundle.
        work: folder of encoded pairs and checkpoints, where a killed training is resumed.
        out: the bundle.
        label: name of the training in progress lines, and of its section in params.yaml.
        pretrained: the bundle that a pretrained model begins with.
        tell: is called in the first process with every new point of the learning curve.

    Raises:
        UserError: there is nothing to train or to validate on, params ask for what can't be, or the loss is no
            longer a number.
    """
    limit = model_params.max_length
    params.check(label, architecture, limit)
    device = prepare_device(runtime)
    processes = join_processes(device)
    validation = data.encode_validation(tokenizer, limit)
    too_long = len(data.validation) - len(validation)
    if processes.is_first:
        tell_left_out(label, VALIDATION, too_long, limit)
    _check_size(label, VALIDATION, len(validation), too_long)
    stores = EpochStores(data, tokenizer, params.subword_sampling, params.seed, limit, work, processes, label)

    def checked_store(epoch: int) -> TokenStore:
        store = stores(epoch)
        _check_size(label, "training", store.pairs, store.left_out)
        return store

    torch.manual_seed(params.seed)
    model = first_model(architecture, model_params, tokenizer, pretrained)
    size = sum(weight.numel() for weight in model.parameters())
    if processes.is_first:
        count = f"{processes.count} processes" if processes.count > 1 else device
        print(f"{label}: {size:,} weights, {data.lines:,} pairs, on {count}", flush=True)
    score = None
    if params.early_stopping_metric != "loss":
        metric, language = params.early_stopping_metric, languages.target
        score = GreedyScore(metric, data.validation, tokenizer, language, device, processes)
    processes.wait()  # now the first one holds the folder, and no former training changes what all read there
    trainer = Trainer(model, params, work, device, autocast_dtype(runtime, device), processes, score, tell)
    points = trainer.train(checked_store, validation, label)
    if processes.is_first:
        save_model(out, model, tokenizer, languages, origin, task)
    processes.wait()
    return points


def _check_size(label: str, name: str, pairs: int, too_long: int) -> None:
    if pairs:
        return
    if too_long:
        raise UserError(f"{label}: all {too_long:,} {name} pairs are too long for the model; raise its max_length")
    raise UserError(f"{label}: the {name} set is empty; reports/cleaning.json says what was dropped, and why")
