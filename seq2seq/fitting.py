"""Fit a model to sentence pairs: encode them, train, and write the bundle."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from seq2seq.batches import PairedSequences
from seq2seq.corpus import swap
from seq2seq.encoder_decoder import ArchitectureParams
from seq2seq.errors import UserError
from seq2seq.fine_tuning import first_model
from seq2seq.languages import LanguagesParams
from seq2seq.processes import Processes, join_processes
from seq2seq.runtime import RuntimeParams, autocast_dtype, prepare_device
from seq2seq.token_store import Encoded, TokenStore, fits, write_token_store
from seq2seq.tokenizer import Tokenizer
from seq2seq.training import Point, Trainer, TrainingParams
from seq2seq.weights import save_model

LINES_AT_ONCE = 10_000  # to encode: lists of numbers take much more memory than text


@dataclass(frozen=True)
class TrainingData:
    """What a model learns from: frames with columns source and target, read anew whenever they are asked for."""

    real: Callable[[], Iterable[pd.DataFrame]]
    synthetic: Callable[[], Iterable[pd.DataFrame]]  # a backward model made their sources; may be none
    lines: int  # of both
    validation: pd.DataFrame  # what early stopping and averaging read
    tag: bool  # mark the sources of synthetic pairs

    def reverse(self) -> "TrainingData":
        """The same pairs for the opposite direction."""
        return TrainingData(
            lambda: map(swap, self.real()),
            lambda: map(swap, self.synthetic()),
            self.lines,
            swap(self.validation),
            self.tag,
        )

    def encode(self, tokenizer: Tokenizer) -> Iterator[tuple[Encoded, Encoded]]:
        """Yield sources and targets of the training pairs, in pieces."""
        for frames, tag in ((self.real(), False), (self.synthetic(), self.tag)):
            for frame in frames:
                for start in range(0, len(frame), LINES_AT_ONCE):
                    lines = frame[start : start + LINES_AT_ONCE]
                    sources, targets = lines["source"].tolist(), lines["target"].tolist()
                    yield tokenizer.encode_source(sources, tag), tokenizer.encode_target(targets)


def fit(
    data: TrainingData,
    *,
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
    pretrained: Path | None = None,
) -> list[Point]:
    """Train a model from source to target, write its bundle to ``out``, and return its learning curve.

    Of several processes that torchrun started, the first one writes.

    Args:
        data: training and validation pairs.
        tokenizer: of this direction.
        languages: of this direction.
        architecture: name of the kind of model.
        model_params: its shape, or how it is trained further.
        params: how it is trained.
        runtime: device, precision and threads.
        origin: SHA-256 of the data, params and code, kept in the bundle.
        work: folder of encoded pairs and checkpoints, where a killed training is resumed.
        out: the bundle.
        label: name of the training in progress lines.
        pretrained: the bundle that a pretrained model begins with.

    Raises:
        UserError: there is nothing to train or to validate on, or the loss is no longer a number.
    """
    device = prepare_device(runtime)
    processes = join_processes(device)
    limit = model_params.max_length
    store = _encode_training_pairs(data, tokenizer, limit, work / "tokens", processes)
    validation = _encode_validation_pairs(data.validation, tokenizer, limit)
    left_out = {"training": store.left_out, "validation": len(data.validation) - len(validation)}
    for name, kept in (("training", store.pairs), ("validation", len(validation))):
        if left_out[name] and processes.is_first:
            print(f"{label}: {left_out[name]:,} {name} pairs over {limit} pieces are left out")
        if not kept:
            raise UserError(f"{label}: the {name} set is empty; reports/cleaning.json says what was dropped, and why")

    torch.manual_seed(params.seed)
    model = first_model(architecture, model_params, tokenizer, pretrained)
    size = sum(weight.numel() for weight in model.parameters())
    if processes.is_first:
        count = f"{processes.count} processes" if processes.count > 1 else device
        print(f"{label}: {size:,} weights, {store.pairs:,} pairs, on {count}", flush=True)
    trainer = Trainer(model, params, work, device, autocast_dtype(runtime, device), processes)
    points = trainer.train(store, validation, label)
    if processes.is_first:
        save_model(out, model, tokenizer, languages, origin)
    processes.wait()
    return points


def _encode_training_pairs(
    data: TrainingData, tokenizer: Tokenizer, max_length: int, folder: Path, processes: Processes
) -> TokenStore:
    if processes.is_first and not folder.exists():
        write_token_store(folder, data.encode(tokenizer), data.lines, max_length)
    processes.wait()
    return TokenStore(folder)


def _encode_validation_pairs(frame: pd.DataFrame, tokenizer: Tokenizer, max_length: int) -> PairedSequences:
    sources = tokenizer.encode_source(frame["source"].tolist())
    targets = tokenizer.encode_target(frame["target"].tolist())
    kept = [(src, tgt) for src, tgt in zip(sources, targets, strict=True) if fits(src, tgt, max_length)]
    return PairedSequences.of([src for src, _ in kept], [tgt for _, tgt in kept])
