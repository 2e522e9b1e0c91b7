"""Training of any encoder-decoder: schedule, early stopping, averaging, and resumption to the same bytes."""

import csv
import io
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import torch
from pydantic import Field
from safetensors.torch import load_file, save
from torch import Tensor, nn

from seq2seq.batches import Batch, PairedSequences, training_batches
from seq2seq.encoder_decoder import EncoderDecoder
from seq2seq.errors import UserError
from seq2seq.files import write_bytes, write_text
from seq2seq.loss import smoothed_cross_entropy
from seq2seq.params import Section
from seq2seq.progress import Progress


class TrainingParams(Section):
    """How a model is trained."""

    max_updates: int = Field(ge=1, description="optimizer steps at most")
    max_epochs: int = Field(ge=1, description="passes over the training set at most")
    batch_tokens: int = Field(ge=16, description="source plus target tokens of a batch at most, padding counted")
    lr: float = Field(gt=0, le=1, description="learning rate at the end of warm-up")
    warmup_updates: int = Field(ge=1, description="updates of linear warm-up; the rate then falls as 1/sqrt(update)")
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


def learning_rate(update: int, params: TrainingParams) -> float:
    """Linear warm-up, then inverse square root decay (Vaswani et al. 2017, section 5.3); updates count from 1."""
    return params.lr * min(update / params.warmup_updates, math.sqrt(params.warmup_updates / update))


def batch_loss(model: EncoderDecoder, batch: Batch, smoothing: float, dtype: torch.dtype | None) -> tuple[Tensor, int]:
    """Summed loss of a batch in nats, and the number of its real target tokens."""
    with torch.autocast(batch.src.device.type, dtype=dtype, enabled=dtype is not None):
        hidden = model(batch.src, batch.src_mask, batch.tgt_in)  # [B, T, D]
    real = batch.tgt_out[batch.tgt_mask]  # [N]
    return smoothed_cross_entropy(hidden[batch.tgt_mask], model.output_weight, real, smoothing), len(real)


@torch.inference_mode()
def validation_loss(
    model: EncoderDecoder, pairs: PairedSequences, batch_tokens: int, device: torch.device, dtype: torch.dtype | None
) -> float:
    """Mean cross-entropy of a set in nats per target token, without label smoothing and dropout."""
    model.eval()
    total, tokens = 0.0, 0
    for rows in pairs.plan(batch_tokens, generator=None):
        loss, count = batch_loss(model, pairs.batch(rows).to(device), 0.0, dtype)
        total, tokens = total + float(loss), tokens + count
    model.train()
    return total / max(tokens, 1)


class Trainer:
    """Trains one model in one folder; a new Trainer on the same folder goes on where a killed one stopped."""

    def __init__(
        self,
        model: EncoderDecoder,
        params: TrainingParams,
        work: Path,
        device: torch.device,
        dtype: torch.dtype | None,
    ) -> None:
        """Seed everything and pick up the checkpoint in ``work``, if there is one."""
        self.model, self.params, self.work = model.to(device), params, work
        self.device, self.dtype = device, dtype
        decayed = [weight for weight in model.parameters() if weight.dim() > 1]
        others = [weight for weight in model.parameters() if weight.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": params.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=params.lr,
            betas=(0.9, params.adam_beta2),
            eps=1e-9,
            fused=True,
        )
        self.position = Position()
        torch.manual_seed(params.seed)
        self._resume()

    def train(self, pairs: PairedSequences, validation: PairedSequences, label: str) -> list[Point]:
        """Train to the end, leave the averaged weights in the model, and return the learning curve.

        Raises:
            UserError: the loss is no longer a number.
        """
        params, position = self.params, self.position
        self.model.train()
        with Progress(label, params.max_updates, "updates") as progress:
            progress.add(position.update)
            while position.epoch < params.max_epochs and not self._done():
                for batch in training_batches(pairs, params.batch_tokens, params.seed, position.epoch, position.batch):
                    self._update(batch.to(self.device))
                    progress.add(1, self._note())
                    if position.update % params.validate_every == 0 or position.update == params.max_updates:
                        self._validate(validation)
                    if self._done():
                        break
                else:
                    position.epoch, position.batch = position.epoch + 1, 0
            if position.tokens:  # the last epoch ended between two validations
                self._validate(validation)
        self._average()
        return position.points

    def _done(self) -> bool:
        return self.position.update >= self.params.max_updates or self.position.stopped(self.params)

    def _update(self, batch: Batch) -> None:
        position = self.position
        position.update, position.batch = position.update + 1, position.batch + 1
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(position.update, self.params)
        self.optimizer.zero_grad(set_to_none=True)
        loss, tokens = batch_loss(self.model, batch, self.params.label_smoothing, self.dtype)
        (loss / tokens).backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.params.clip_norm)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            raise UserError(
                f"training: the loss is {loss.item():g} and the norm of its gradient {norm.item():g} "
                f"at update {position.update} "
                f"(epoch {position.epoch + 1}, batch {position.batch}); "
                f"lower the learning rate (lr={self.params.lr:g}) or lengthen warmup_updates in params.yaml"
            )
        self.optimizer.step()
        position.loss, position.tokens = position.loss + loss.item(), position.tokens + tokens

    def _note(self) -> str:
        position = self.position
        last = f", validation {position.points[-1].validation_loss:.3f}" if position.points else ""
        return f"loss {position.loss / max(position.tokens, 1):.3f}{last}"

    def _validate(self, validation: PairedSequences) -> None:
        position = self.position
        loss = validation_loss(self.model, validation, self.params.batch_tokens, self.device, self.dtype)
        rate = learning_rate(position.update, self.params)
        point = Point(position.update, position.epoch + 1, rate, position.loss / position.tokens, loss)
        position.points.append(point)
        position.loss, position.tokens = 0.0, 0
        self._save()

    def _best(self) -> list[int]:
        ranked = sorted(self.position.points, key=lambda point: (point.validation_loss, point.update))
        return sorted(point.update for point in ranked[: self.params.average_checkpoints])

    def _weights_file(self, update: int) -> Path:
        return self.work / f"weights-{update:09d}.safetensors"

    def _save(self) -> None:
        if self.position.update in self._best():
            write_bytes(self._weights_file(self.position.update), save(self.model.weights()))
        checkpoint = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
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
        torch.set_rng_state(checkpoint["random"].cpu())
        if checkpoint["random_cuda"]:
            torch.cuda.set_rng_state_all([state.cpu() for state in checkpoint["random_cuda"]])
        points = [Point(**point) for point in checkpoint["position"].pop("points")]
        self.position = Position(**checkpoint["position"], points=points)

    def _average(self) -> None:
        chosen = [load_file(self._weights_file(update)) for update in self._best()]
        with torch.no_grad():
            for name, weight in self.model.named_parameters():
                weight.copy_(torch.stack([weights[name].double() for weights in chosen]).mean(0))
        self.model.eval()


def write_curve(path: Path, points: list[Point]) -> None:
    """Write a learning curve as CSV, one line per validation; no points leave the header alone."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [column.name for column in fields(Point)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    write_text(path, buffer.getvalue())
