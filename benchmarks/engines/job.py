"""What an engine is told, and when it may work; see benchmarks.training, which starts engines.

It knows PyTorch and the standard library alone, since each peer runs in an environment of its own.

Shapes: B batch, S source length, T target length, V vocabulary.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Pairs:
    """Sentence pairs in pieces, and the batches that they come in."""

    src: list[list[int]]  # ends with EOS
    tgt: list[list[int]]  # without BOS and EOS
    batches: list[list[int]]  # numbers of pairs

    def target_tokens(self, batch: list[int]) -> int:
        """Real target tokens of a batch, EOS included."""
        return sum(len(self.tgt[row]) + 1 for row in batch)


@dataclass(frozen=True)
class Job:
    """One training, the same for every engine."""

    train: Pairs  # one batch for each update
    validation: Pairs
    model: dict[str, Any]  # the section `transformer` of params.yaml
    training: dict[str, Any]  # the section `train`
    runtime: dict[str, Any]  # the section `runtime`
    vocabulary: int  # pieces, joint
    pad: int
    unk: int
    bos: int
    eos: int
    warmup: int  # updates before the first turn
    updates: int  # of each turn
    turns: int

    @property
    def total_updates(self) -> int:
        """Updates of the whole training."""
        return self.warmup + self.turns * self.updates

    @classmethod
    def read(cls, path: Path) -> "Job":
        """Read what :meth:`write` wrote."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        train, validation = (Pairs(**fields.pop(name)) for name in ("train", "validation"))
        return cls(train, validation, **fields)

    def write(self, path: Path) -> None:
        """Write the job as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def padded(self, pairs: Pairs, batch: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Source [B, S], target [B, T] that begins with BOS, and target [B, T] that ends with EOS."""
        src = [pairs.src[row] for row in batch]
        tgt = [pairs.tgt[row] for row in batch]
        tgt_in, tgt_out = [[self.bos, *one] for one in tgt], [[*one, self.eos] for one in tgt]
        return self._stack(src), self._stack(tgt_in), self._stack(tgt_out)

    def _stack(self, lists: list[list[int]]) -> Tensor:
        longest = max(map(len, lists))
        return torch.tensor([one + [self.pad] * (longest - len(one)) for one in lists])

    @torch.inference_mode()
    def validation_loss(self, predict: Callable[[Tensor, Tensor], Tensor]) -> float:
        """Mean cross-entropy of the validation pairs in nats per target token, without label smoothing.

        Args:
            predict: maps source [B, S] and target that begins with BOS [B, T] to logits or their log-softmax [B, T, V].
        """
        total = 0.0
        for batch in self.validation.batches:
            src, tgt_in, tgt_out = self.padded(self.validation, batch)
            logits = predict(src, tgt_in).flatten(0, 1)
            total += F.cross_entropy(logits, tgt_out.flatten(), ignore_index=self.pad, reduction="sum").item()
        return total / sum(map(self.validation.target_tokens, self.validation.batches))


class Turns:
    """Lets a training work when it is its turn, and times the turns.

    Every line that comes in, whatever it says, lets the training go on to the end of its warm-up, of its next turn, or
    of all, and then is answered by a line of JSON.
    """

    def __init__(self, job: Job, lines: TextIO, answers: TextIO) -> None:
        self.job = job
        self.lines = lines
        self.answers = answers
        self.update = 0
        self.started = 0.0

    def count(self, *_: object) -> None:
        """Note that an update is done; as a hook of PyTorch's optimizers it takes what they pass."""
        self.update += 1
        done, rest = divmod(self.update - self.job.warmup, self.job.updates)
        if done < 0 or rest:
            return
        self.answer({"seconds": time.perf_counter() - self.started} if done else {})
        self.wait()

    def wait(self) -> None:
        """Wait for a line."""
        self.lines.readline()
        self.started = time.perf_counter()

    def answer(self, answer: dict[str, Any]) -> None:
        """Send one line."""
        print(json.dumps(answer), file=self.answers, flush=True)


@torch.no_grad()
def draw_together(*layers: Any) -> None:
    """Draw the weights of linear layers as those of one: so ours begins, which computes them in one product."""
    joint = torch.cat([layer.weight for layer in layers])
    torch.nn.init.xavier_uniform_(joint)
    for layer, part in zip(layers, joint.chunk(len(layers)), strict=True):
        layer.weight.copy_(part)


def serve(train: Callable[[Job, Turns], dict[str, Any]]) -> None:
    """Train as the job on the command line says; what ``train`` returns is the last answer.

    What the toolkit prints goes to standard error.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    job = Job.read(Path(sys.argv[1]))
    torch.set_num_threads(job.runtime["threads"])
    torch.manual_seed(job.training["seed"])
    turns = Turns(job, sys.stdin, answers)
    turns.wait()
    turns.answer(train(job, turns))
