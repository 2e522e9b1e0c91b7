"""How long an update takes on this machine: a few are done on pieces drawn at random."""

import time

import numpy as np
import torch

from seq2seq.core.runtime import RuntimeParams, autocast_dtype, prepare_device
from seq2seq.models.architectures import MODELS
from seq2seq.models.batches import PairedSequences
from seq2seq.models.encoder_decoder import ArchitectureParams
from seq2seq.tokenizers.base import EOS, SPECIAL_PIECES
from seq2seq.training.objective import BatchLoss
from seq2seq.training.optimizer import make_optimizer
from seq2seq.training.params import TrainingParams

FEWEST = 2  # updates to time, after one that isn't timed
MOST = 20
ENOUGH = 8.0  # seconds, after which no further one is timed


def seconds_per_update(
    architecture: str,
    shape: ArchitectureParams,
    training: TrainingParams,
    runtime: RuntimeParams,
    vocabulary: int,
    lengths: tuple[float, float],
) -> float:
    """What the fastest of some updates with full batches takes, in seconds: others may use the machine too.

    Args:
        architecture: name of the model's section.
        shape: that section.
        training: the section of its training.
        runtime: device and threads.
        vocabulary: pieces of either side.
        lengths: mean pieces of a source and of a target.
    """
    device = prepare_device(runtime)
    model = MODELS[architecture](shape, vocabulary, vocabulary, True).to(device).train()
    loss = BatchLoss(model, autocast_dtype(runtime, device))
    optimizer = make_optimizer(model, training)
    source, target = (max(1, min(round(length), shape.max_length)) for length in lengths)
    rows = max(1, training.batch_tokens // (source + target + 2))
    draw = np.random.default_rng(1)
    body = draw.integers(len(SPECIAL_PIECES), vocabulary, (rows, source + target)).tolist()
    pairs = PairedSequences.of([[*row[:source], EOS] for row in body], [row[source:] for row in body])
    batch = pairs.batch(range(rows)).to(device)
    seconds: list[float] = []
    while len(seconds) <= FEWEST or (len(seconds) <= MOST and sum(seconds) < ENOUGH):
        started = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        total = loss(batch, training.label_smoothing, training.r_drop) / batch.tgt_mask.sum()
        total.backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])
