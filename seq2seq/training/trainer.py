"""Training of any encoder-decoder: schedule, early stopping, averaging, and resumption to the same bytes."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seq2seq.core.errors import UserError
from seq2seq.core.progress import Progress
from seq2seq.models.batches import PairedSequences, Shards, training_batches
from seq2seq.models.encoder_decoder import EncoderDecoder
from seq2seq.training import schedules
from seq2seq.training.checkpoints import Checkpoints
from seq2seq.training.distributed import ALONE, Processes, unshared
from seq2seq.training.guessing import unigram_loss
from seq2seq.training.learning_curve import Point, best_updates, validations_since_best, worse_than_guessing
from seq2seq.training.objective import BatchLoss, shifted
from seq2seq.training.optimizer import make_optimizer, moving_average
from seq2seq.training.params import TrainingParams


@dataclass
class Position:
    """How far a training has come."""

    update: int = 0
    epoch: int = 0
    batch: int = 0  # batches of this epoch already seen
    loss: float = 0.0  # summed since the last validation
    tokens: int = 0
    unigram_loss: float = 0.0  # of guessing by frequency, counted in the first epoch
    points: list[Point] = field(default_factory=list)


def say_nothing(_point: Point) -> None:
    """Report a point to nobody."""


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
        score: Callable[[EncoderDecoder], float] | None = None,
        tell: Callable[[Point], None] = say_nothing,
    ) -> None:
        """Pick up the newest checkpoint in ``work``, if there is one.

        Args:
            model: what is trained.
            params: how.
            work: folder of the unfinished training.
            device: where.
            dtype: of matrix products under autocast; None computes in float32.
            processes: which of how many this one is.
            score: BLEU or the like of a model on the validation set; it then chooses the checkpoints.
            tell: is called in the first process with every new point of the learning curve.

        Raises:
            UserError: the checkpoint belongs to another model, or the processes found different ones.
        """
        self.model = model.to(device)
        self.params = params
        self.device = device
        self.processes = processes
        self.score = score
        self.tell = tell
        self.optimizer = make_optimizer(model, params)
        self.scaler = torch.amp.GradScaler(device.type, enabled=dtype is torch.float16)
        self.ema = moving_average(model, params.ema) if params.ema else None
        self.position = Position()
        self.checkpoints = Checkpoints(work)
        self._resume()
        self._check_together()
        if params.compile:
            self.model.compile(dynamic=True)
        self.loss = BatchLoss(self.model, dtype)
        self.validation_loss = BatchLoss(self.validated, dtype)
        self.shared_loss = processes.wrap(self.loss, device)

    @property
    def validated(self) -> EncoderDecoder:
        """The model that is validated and kept: the moving average, or the one that is trained."""
        return cast(EncoderDecoder, self.ema.module) if self.ema else self.model

    def train(self, epochs: Callable[[int], Shards], validation: PairedSequences, label: str) -> list[Point]:
        """Train to the end, leave the averaged weights in the first process's model, and return the learning curve.

        Args:
            epochs: gives the training set of an epoch, counted from 0.
            validation: what the loss of validations is computed on.
            label: begins each line of progress.

        Raises:
            UserError: the loss is no longer a number, or a score should choose the best model and is always 0.
        """
        params = self.params
        position = self.position
        self.model.train()
        if not self._done():
            shards = epochs(position.epoch)  # encoded before the clock starts
            if not position.update:
                position.unigram_loss = unigram_loss(shards, validation, len(self.model.output_weight))
        started = time.monotonic()
        learned = 0  # target tokens
        quiet = not self.processes.is_first
        with Progress(label, params.max_updates, "updates", initial=position.update, quiet=quiet) as progress:
            for pairs, rows in self._batches(epochs):
                self._update(pairs, rows)
                learned += pairs.target_tokens(rows)
                progress.total = self._expected_updates()
                progress.add(1, f"{learned / (time.monotonic() - started):,.0f} target tokens/s, {self._note()}")
                if position.update % params.validate_every == 0 or position.update == params.max_updates:
                    self._validate(validation, label)
            if position.tokens:  # the last epoch ended between two validations
                self._validate(validation, label)
        self._check_scores()
        if self.processes.is_first:
            if nothing := worse_than_guessing(position.points, params.average_checkpoints):
                _warn(f"{label}: this model has learned nothing: {nothing}")
            self._average_best()
        return position.points

    def loss_before(self, validation: PairedSequences) -> float | None:
        """The validation loss of the model that the training begins with; None where it has gone on since."""
        if self.position.update:
            return None
        self.validated.eval()
        return self._mean_loss(validation)

    def _batches(self, epochs: Callable[[int], Shards]) -> Iterator[tuple[PairedSequences, NDArray[np.int64]]]:
        """The batches from here to the end of the training."""
        params = self.params
        position = self.position
        while not self._done():
            shards = epochs(position.epoch)
            for batch in training_batches(shards, params.batch_tokens, params.seed, position.epoch, position.batch):
                yield batch
                if self._done():
                    return
            position.epoch += 1
            position.batch = 0

    def _expected_updates(self) -> int:
        """Updates of the whole training if it does not stop early; how long an epoch is shows at its end."""
        position = self.position
        params = self.params
        if not position.epoch:
            return params.max_updates
        per_epoch = (position.update - position.batch) / position.epoch
        return min(params.max_updates, round(per_epoch * params.max_epochs))

    def _done(self) -> bool:
        position = self.position
        params = self.params
        ended = position.update >= params.max_updates or position.epoch >= params.max_epochs
        return ended or validations_since_best(position.points) >= params.patience

    def _update(self, pairs: PairedSequences, rows: NDArray[np.int64]) -> None:
        position = self.position
        position.update += 1
        position.batch += 1
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        # what is random in an update depends on nothing before it: a resumed training needs no random state
        torch.manual_seed(_mix(self.params.seed, position.update, self.processes.rank))
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._accumulate(pairs, rows)
        if self.params.adversarial:
            with shifted(self.model.embeddings(), self.params.adversarial):
                self._accumulate(pairs, rows)
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.params.clip_norm).item()
        self._check(loss, norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.ema:
            self.ema.update_parameters(self.model)
        position.loss += loss
        position.tokens += pairs.target_tokens(rows)

    def _check(self, loss: float, norm: float) -> None:
        """Stop a training that has diverged, before it harms the weights."""
        # in fp16 a gradient may overflow: that update is left out, and the next one is scaled by half as much
        overflow = self.scaler.is_enabled() and self.scaler.get_scale() > 1.0
        if math.isfinite(loss) and (math.isfinite(norm) or overflow):
            return
        position = self.position
        raise UserError(
            f"training: the loss is {loss:g} and the norm of its gradient {norm:g} at update {position.update} "
            f"(epoch {position.epoch + 1}, batch {position.batch}); {self._gentler()}"
        )

    def _gentler(self) -> str:
        return f"lower the learning rate (lr={self.params.lr:g}) or lengthen warmup_updates in params.yaml"

    def _rate(self) -> float:
        params = self.params
        points = self.position.points
        losses = [point.validation_loss for point in points if point.update > params.warmup_updates]
        step = schedules.Step(self.position.update, params.warmup_updates, params.max_updates, losses)
        return schedules.learning_rate(params.schedule, params.lr, step)

    def _accumulate(self, pairs: PairedSequences, rows: NDArray[np.int64]) -> float:
        """Leave the gradient of the mean loss per token of a batch, and return its summed loss."""
        # DistributedDataParallel takes the mean over processes; each has summed its own tokens
        scale = self.processes.count / pairs.target_tokens(rows)
        total = torch.zeros((), device=self.device)
        parts = self._parts(rows)
        for number, part in enumerate(parts, start=1):
            with nullcontext() if number == len(parts) else unshared(self.shared_loss):
                batch = pairs.batch(part).to(self.device)
                loss = self.shared_loss(batch, self.params.label_smoothing, self.params.r_drop)
                # a process with no pair of its own takes part all the same
                loss = loss if len(rows) > self.processes.rank else 0 * loss
                self.scaler.scale(loss * scale).backward()
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

    def _validate(self, validation: PairedSequences, label: str) -> None:
        position = self.position
        self.validated.eval()
        loss = self._mean_loss(validation)
        if not math.isfinite(loss):
            raise UserError(f"training: the validation loss is {loss:g} at update {position.update}; {self._gentler()}")
        score = self.score(self.validated) if self.score else None
        self.model.train()
        epoch = position.epoch + (position.batch > 0)  # counted from 1: the one that has just ended, or the running one
        train_loss = position.loss / position.tokens
        point = Point(position.update, epoch, self._rate(), train_loss, loss, position.unigram_loss, score)
        position.points.append(point)
        position.loss = 0.0
        position.tokens = 0
        if self.processes.is_first:
            self._warn_of_guessing(label)
            self._save()
            self.tell(point)

    def _warn_of_guessing(self, label: str) -> None:
        """Say that the model is no better than guessing, at the first validation after warm-up that shows it."""
        points = self.position.points
        warmup = self.params.warmup_updates
        if [point for point in points if point.update >= warmup and not point.beats_guessing] == points[-1:]:
            _warn(f"{label}: {points[-1].compare_with_guessing()}; {self._gentler()}")

    def _check_scores(self) -> None:
        """Stop where early stopping had nothing to go by."""
        scores = [point.validation_score for point in self.position.points]
        if scores and not any(scores) and None not in scores:
            metric = self.params.early_stopping_metric
            raise UserError(
                f"training: {metric} is 0 at every validation, so it can't tell which model is best; set "
                "early_stopping_metric to loss, or train longer"
            )

    @torch.inference_mode()
    def _mean_loss(self, pairs: PairedSequences) -> float:
        """Mean cross-entropy of a set in nats per target token, without label smoothing and dropout."""
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        for rows in pairs.plan(self.params.batch_tokens, None)[self.processes.rank :: self.processes.count]:
            total += self.validation_loss(pairs.batch(rows).to(self.device), 0.0)
        return self.processes.sum(total).item() / max(pairs.target_tokens(np.arange(len(pairs))), 1)

    def _save(self) -> None:
        points = self.position.points
        count = self.params.average_checkpoints
        best = best_updates(points, count)
        if self.position.update in best:
            self.checkpoints.save_weights(self.position.update, self.validated.weights())
        state = {name: part.state_dict() for name, part in self._stateful().items()}
        self.checkpoints.save_state(self.position.update, state | {"position": asdict(self.position)})
        self.checkpoints.keep_weights([*best, *best_updates(points[:-1], count)])  # as the state before needs them

    def _stateful(self) -> dict[str, Any]:
        """What a checkpoint holds besides the position, each with ``state_dict`` and ``load_state_dict``."""
        parts: dict[str, Any] = {"model": self.model, "optimizer": self.optimizer, "scaler": self.scaler}
        return parts | ({"ema": self.ema} if self.ema else {})

    def _resume(self) -> None:
        state = self.checkpoints.newest_state(self.device)
        if state is None:
            return
        try:
            for name, part in self._stateful().items():
                part.load_state_dict(state[name])
        except (RuntimeError, ValueError, KeyError):
            raise UserError(
                f"the checkpoints in {self.checkpoints.folder} belong to another model; "
                "remove the folder and run the stage again"
            ) from None
        points = [Point(**point) for point in state["position"].pop("points")]
        self.position = Position(**state["position"], points=points)

    def _check_together(self) -> None:
        """Stop processes that have not found the same checkpoint: a shared folder may show files late."""
        if len(updates := set(self.processes.gather(self.position.update))) > 1:
            raise UserError(
                f"training: the processes found different checkpoints, of updates {sorted(updates)}, in "
                f"{self.checkpoints.folder}; share that folder among the machines, and start again"
            )

    def _average_best(self) -> None:
        average = self.checkpoints.average(best_updates(self.position.points, self.params.average_checkpoints))
        self.model.take_weights(average.items())
        self.model.eval()


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)


def _mix(*numbers: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
