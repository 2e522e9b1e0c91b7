"""This project: seq2seq.training.trainer.Trainer."""

import tempfile
from pathlib import Path
from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks.engines.job import Job, Turns, serve
from seq2seq.core.runtime import RuntimeParams, autocast_dtype, prepare_device
from seq2seq.models.batches import PairedSequences
from seq2seq.models.transformer import Transformer, TransformerParams
from seq2seq.training.params import TrainingParams
from seq2seq.training.trainer import Trainer


def train(job: Job, turns: Turns) -> dict[str, Any]:
    """Train on the job's pairs; the trainer plans the job's batches itself, from the same seed."""
    runtime = RuntimeParams.model_validate(job.runtime)
    device = prepare_device(runtime)
    params = TrainingParams.model_validate(job.training)
    model = Transformer(TransformerParams.model_validate(job.model), job.vocabulary, job.vocabulary, shared=True)
    register_optimizer_step_post_hook(turns.count)
    with tempfile.TemporaryDirectory() as work:
        training, validation = (PairedSequences.of(pairs.src, pairs.tgt) for pairs in (job.train, job.validation))
        trainer = Trainer(model, params, Path(work), device, autocast_dtype(runtime, device))
        points = trainer.train(lambda _: [training], validation, "ours")
    return {"validation_loss": points[-1].validation_loss, "weights": sum(w.numel() for w in model.parameters())}


if __name__ == "__main__":
    serve(train)
