"""Training of any encoder-decoder: schedule, early stopping, averaging, and resumption to the same bytes."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import load_file, save
from torch import Tensor, nn

from seq2seq import schedules
from seq2seq.batches import Batch, PairedSequences, Shards, training_batches
from seq2seq.encoder_decoder import EncoderDecoder
from seq2seq.errors import UserError
from seq2seq.files import write_bytes, write_text
from seq2seq.loss import divergence, smoothed_cross_entropy
from seq2seq.params import Section
from seq2seq.processes import ALONE, Processes, unshared
from seq2seq.progress import Progress


class TrainingParams(Section):
    """How a model is trained."""

    max_updates: int = Field(ge=1, description="optimizer steps at most")
    max_epochs: int = Field(ge=1, description="passes over the training set at most")
    batch_tokens: int = Field(ge=16, description="source plus target tokens of a batch at most, padding counted")
    accumulate: int = Field(ge=1, description="parts that a batch is computed in, one after another, to save memory")
    launch: str = Field(min_length=1, description="how the stage's process is started: python, or torchrun for several")
    schedule: Literal["inverse_sqrt", "cosine", "plateau", "constant"] = Field(description="way down after warm-up")
    lr: float = Field(gt=0, le=1, description="learning rate at the end of warm-up")
    warmup_updates: int = Field(ge=1, description="updates of linear warm-up")
    r_drop: float = Field(ge=0, le=100, description="weight of the divergence between two dropouts; 0 computes one")
    adversarial: float = Field(ge=0, le=10, description="norm of a shift of the embeddings against the model; 0: none")
    label_smoothing: float = Field(ge=0, lt=1, description="probability mass spread over the vocabulary")
    adam_beta2: float = Field(gt=0, lt=1, description="Adam's decay of the squared gradient")
    weight_decay: float = Field(ge=0, description="decoupled, as in AdamW")
    clip_norm: float = Field(gt=0, description="largest norm of the gradient")
    validate_every: int = Field(ge=1, description="updates between validations, each of which is a checkpoint")
    patience: int = Field(ge=1, description="validations without a lower loss before training stops")
    average_checkpoints: int = Field(ge=1, le=100, description="checkpoints of lowest loss whose weights are averaged")
    seed: int = Field(ge=0, lt=2**63, description="of initial weights, order of batches and dropout")


@dataclass(frozen=True)
class Point:
    """One validation: losses in nats per target token, the training loss smoothed labels included."""

    update: int
    epoch: int
    lr: float
    train_loss: float
    validation_loss: float


@dataclass
class Position:
    """How far a training has come."""

    update: int = 0
    epoch: int = 0
    batch: int = 0  # batches of this epoch already seen
    loss: float = 0.0  # summed since the last validation
    tokens: int = 0
    points: list[Point] = field(default_factory=list)

    def stopped(self, params: TrainingParams) -> bool:
        """Whether early stopping has ended the training."""
        losses = [point.validation_loss for point in self.points]
        return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= params.patience


class BatchLoss(nn.Module):
    """A model together with its loss, so that several processes can share their gradients of both."""

    def __init__(self, model: EncoderDecoder, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.model, self.dtype = model, dtype

    def forward(self, batch: Batch, smoothing: float, r_drop: float = 0.0) -> Tensor:
        """Summed loss of a batch in nats; with ``r_drop``, the mean of two dropouts and what divides them.

        Half of the loss of Liang et al. 2021, https://arxiv.org/abs/2106.14448, which adds up the two.
        """
        real, weight = batch.tgt_out[batch.tgt_mask], self.model.output_weight  # [N], [V, D]
        hidden = self._hidden(batch)
        loss = smoothed_cross_entropy(hidden, weight, real, smoothing)
        if not r_drop:
            return loss
        other = self._hidden(batch)
        mean = (loss + smoothed_cross_entropy(other, weight, real, smoothing)) / 2
        return mean + r_drop / 2 * divergence(hidden, other, weight)

    def _hidden(self, batch: Batch) -> Tensor:
        """Hidden states [N, D] of the real target tokens."""
        with torch.autocast(batch.src.device.type, dtype=self.dtype, enabled=self.dtype is not None):
            hidden: Tensor = self.model(batch.src, batch.src_mask, batch.tgt_in)  # [B, T, D]
        return hidden[batch.tgt_mask]


class Trainer:
    """Trains one model in one folder; a new Trainer on the same folder goes on where a killed one stopped.

    Of several processes each computes its part of every batch, and the first one writes.
    """

    def __init__(
        self,
        model: EncoderDecoder,
        params: TrainingParams,
        work: Path,
        device: torch.device,
        dtype: torch.dtype | None,
        processes: Processes = ALONE,
    ) -> None:
        """Pick up the checkpoint in ``work``, if there is one."""
        self.model, self.params, self.work = model.to(device), params, work
        self.device, self.processes = device, processes
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        decayed = [weight for weight in trained if weight.dim() > 1]
        others = [weight for weight in trained if weight.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": params.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=params.lr,
            betas=(0.9, params.adam_beta2),
            eps=1e-9,
            fused=True,
        )
        self.position = Position()
        self._resume()
        self.loss = BatchLoss(self.model, dtype)
        self.shared_loss = processes.wrap(self.loss, device)

    def train(self, shards: Shards, validation: PairedSequences, label: str) -> list[Point]:
        """Train to the end, leave the averaged weights in the first process's model, and return the learning curve.

        Raises:
            UserError: the loss is no longer a number.
        """
        params, position = self.params, self.position
        self.model.train()
        with Progress(label, params.max_updates, "updates", quiet=not self.processes.is_first) as progress:
            progress.add(position.update)
            while position.epoch < params.max_epochs and not self._done():
                for pairs, rows in training_batches(
                    shards, params.batch_tokens, params.seed, position.epoch, position.batch
                ):
                    self._update(pairs, rows)
                    progress.add(1, self._note())
                    if position.update % params.validate_every == 0 or position.update == params.max_updates:
                        self._validate(validation)
                    if self._done():
                        break
                else:
                    position.epoch, position.batch = position.epoch + 1, 0
            if position.tokens:  # the last epoch ended between two validations
                self._validate(validation)
        if self.processes.is_first:
            self._average()
        return position.points

    def _done(self) -> bool:
        return self.position.update >= self.params.max_updates or self.position.stopped(self.params)

    def _update(self, pairs: PairedSequences, rows: NDArray[np.int64]) -> None:
        position = self.position
        position.update, position.batch = position.update + 1, position.batch + 1
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        # what is random in an update depends on nothing before it: a resumed training needs no random state
        torch.manual_seed(_mix(self.params.seed, position.update, self.processes.rank))
        self.optimizer.zero_grad(set_to_none=True)
        loss, tokens = self._accumulate(pairs, rows), pairs.target_tokens(rows)
        if self.params.adversarial:
            with shifted(self.model.embeddings(), self.params.adversarial):
                self._accumulate(pairs, rows)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.params.clip_norm).item()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise UserError(
                f"training: the loss is {loss:g} and the norm of its gradient {norm:g} at update {position.update} "
                f"(epoch {position.epoch + 1}, batch {position.batch}); "
                f"lower the learning rate (lr={self.params.lr:g}) or lengthen warmup_updates in params.yaml"
            )
        self.optimizer.step()
        position.loss, position.tokens = position.loss + loss, position.tokens + tokens

    def _rate(self) -> float:
        params, losses = self.params, [point.validation_loss for point in self.position.points]
        progress = schedules.Progress(self.position.update, params.warmup_updates, params.max_updates, losses)
        return schedules.learning_rate(params.schedule, params.lr, progress)

    def _accumulate(self, pairs: PairedSequences, rows: NDArray[np.int64]) -> float:
        """Leave the gradient of the mean loss per token of a batch, and return its summed loss."""
        # DistributedDataParallel takes the mean over processes, of which each has summed its own tokens
        scale = self.processes.count / pairs.target_tokens(rows)
        total = torch.zeros((), device=self.device)
        parts = self._parts(rows)
        for number, part in enumerate(parts, start=1):
            with nullcontext() if number == len(parts) else unshared(self.shared_loss):
                batch = pairs.batch(part).to(self.device)
                loss = self.shared_loss(batch, self.params.label_smoothing, self.params.r_drop)
                # a process with no pair of its own takes part all the same
                loss = loss if len(rows) > self.processes.rank else 0 * loss
                (loss * scale).backward()
            total += loss.detach()
        return self.processes.sum(total).item()

    def _parts(self, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """This process's pairs of a batch, in the parts that are computed one after another; never none."""
        mine = rows[self.processes.rank :: self.processes.count]
        return [part for part in np.array_split(mine, self.params.accumulate) if len(part)] or [rows[:1]]

    def _note(self) -> str:
        position = self.position
        last = f", validation {position.points[-1].validation_loss:.3f}" if position.points else ""
        return f"loss {position.loss / max(position.tokens, 1):.3f}{last}"

    def _validate(self, validation: PairedSequences) -> None:
        position = self.position
        loss = self._validation_loss(validation)
        point = Point(position.update, position.epoch + 1, self._rate(), position.loss / position.tokens, loss)
        position.points.append(point)
        position.loss, position.tokens = 0.0, 0
        self._save()

    @torch.inference_mode()
    def _validation_loss(self, pairs: PairedSequences) -> float:
        """Mean cross-entropy of a set in nats per target token, without label smoothing and dropout."""
        self.model.eval()
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        for rows in pairs.plan(self.params.batch_tokens, None)[self.processes.rank :: self.processes.count]:
            total += self.loss(pairs.batch(rows).to(self.device), 0.0)
        self.model.train()
        return self.processes.sum(total).item() / max(pairs.target_tokens(np.arange(len(pairs))), 1)

    def _best(self) -> list[int]:
        ranked = sorted(self.position.points, key=lambda point: (point.validation_loss, point.update))
        return sorted(point.update for point in ranked[: self.params.average_checkpoints])

    def _weights_file(self, update: int) -> Path:
        return self.work / f"weights-{update:09d}.safetensors"

    def _save(self) -> None:
        if not self.processes.is_first:
            return
        if self.position.update in self._best():
            write_bytes(self._weights_file(self.position.update), save(self.model.weights()))
        checkpoint = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "position": asdict(self.position),
        }
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes(self.work / "checkpoint.pt", buffer.getvalue())
        kept = {self._weights_file(update) for update in self._best()}
        for file in self.work.glob("weights-*.safetensors"):
            if file not in kept:
                file.unlink()

    def _resume(self) -> None:
        file = self.work / "checkpoint.pt"
        if not file.exists():
            return
        checkpoint = torch.load(file, map_location=self.device, weights_only=True)
        self.model.load_state_dict(checkpoint["model"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        points = [Point(**point) for point in checkpoint["position"].pop("points")]
        self.position = Position(**checkpoint["position"], points=points)

    def _average(self) -> None:
        chosen = [load_file(self._weights_file(update)) for update in self._best()]
        self.model.take_weights(
            (name, torch.stack([weights[name].double() for weights in chosen]).mean(0)) for name in chosen[0]
        )
        self.model.eval()


@contextmanager
def shifted(weights: Sequence[Tensor], norm: float) -> Iterator[None]:
    """Shift weights along their gradients, in which the loss rises, as long as the block lasts.

    The fast gradient method of Miyato et al. 2017, https://arxiv.org/abs/1605.07725, on whole matrices.
    """
    before = [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for weight in weights:
            assert weight.grad is not None
            weight += norm * weight.grad / weight.grad.norm().clamp(min=1e-12)
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, old in zip(weights, before, strict=True):
                weight.copy_(old)


def _mix(*numbers: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def write_curve(path: Path, points: list[Point]) -> None:
    """Write a learning curve as CSV, one line per validation; no points leave the header alone."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [column.name for column in fields(Point)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    write_text(path, buffer.getvalue())
