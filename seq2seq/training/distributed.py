"""Several processes that train one model together, each on its part of every batch.

They are started by torchrun, https://docs.pytorch.org/docs/stable/elastic/run.html, on one machine or many.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from seq2seq.core.errors import UserError

T = TypeVar("T")
# of all for the first, which encodes the corpus: by default 10 minutes (NCCL) or 30 (gloo), and a large one takes
# hours. torchrun ends those that wait for a dead process, whatever this says
LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this one is."""

    rank: int
    count: int

    @property
    def is_first(self) -> bool:
        """Whether this process writes for all."""
        return self.rank == 0

    def sum(self, value: Tensor) -> Tensor:
        """The sum of a tensor over all processes."""
        if self.count > 1:
            dist.all_reduce(value)
        return value

    def gather(self, value: T) -> list[T]:
        """What each process holds, in the order of their ranks; values are pickled on the way."""
        if self.count == 1:
            return [value]
        values: list[T | None] = [None] * self.count
        dist.all_gather_object(values, value)
        return cast(list[T], values)

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            dist.barrier()

    def wrap(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The module with gradients that are the mean over all processes."""
        if self.count == 1:
            return module
        devices = [device.index] if device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=devices, forward_sync_buffers=False)


def unshared(module: nn.Module) -> AbstractContextManager[None]:
    """A context in which gradients of a wrapped module stay with each process; the next backward pass shares them."""
    if isinstance(module, DistributedDataParallel):
        return cast(AbstractContextManager[None], module.no_sync())
    return nullcontext()


ALONE = Processes(0, 1)


def join_processes(device: torch.device) -> Processes:
    """Meet the other processes, where torchrun started this one: over NCCL between GPUs, else over gloo.

    Raises:
        UserError: something else started it as one of several.
    """
    if not dist.is_torchelastic_launched():
        if (count := os.environ.get("WORLD_SIZE", "1")) != "1":
            raise UserError(
                f"WORLD_SIZE is {count}, but torchrun did not start this process, and the others would each train "
                "alone: let launch in params.yaml start torchrun, or unset RANK and WORLD_SIZE"
            )
        return ALONE
    if not dist.is_initialized():
        on_gpu = device.type == "cuda"
        dist.init_process_group(
            "nccl" if on_gpu else "gloo", timeout=LONGEST_WAIT, device_id=device if on_gpu else None
        )
    return Processes(dist.get_rank(), dist.get_world_size())
