"""The files of an unfinished training: whole states to go on from, and weights that may be averaged at the end."""

import hashlib
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2seq.core.errors import UserError
from seq2seq.core.files import write_bytes

KEPT = 2  # states; the older one serves when the newer one is damaged


class Checkpoints:
    """Checkpoints in one folder, each named by its update, and each either whole or absent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save_state(self, update: int, state: dict[str, Any]) -> None:
        """Write the state after an update, and remove all but the newest few."""
        _write(self.folder / f"checkpoint-{update:09d}.pt", state)
        for file in self._states()[KEPT:]:
            file.unlink()

    def newest_state(self, device: torch.device) -> dict[str, Any] | None:
        """Read the state of the highest update that is whole; None where there is none.

        A damaged one is reported and skipped: what was learned since the one before it is learned again.
        """
        files = self._states()
        for place, file in enumerate(files, start=1):
            if state := _read(file, device):
                return state
            instead = "going on from the one before it" if place < len(files) else "starting anew"
            print(f"notice: {file} is damaged; {instead}", file=sys.stderr, flush=True)
        return None

    def _states(self) -> list[Path]:
        """Newest first."""
        return sorted(self.folder.glob("checkpoint-*.pt"), reverse=True)

    def _weights(self, update: int) -> Path:
        return self.folder / f"weights-{update:09d}.pt"

    def save_weights(self, update: int, weights: dict[str, Tensor]) -> None:
        """Write the weights after an update."""
        _write(self._weights(update), weights)

    def keep_weights(self, updates: Iterable[int]) -> None:
        """Remove the weights of all other updates."""
        kept = {self._weights(update) for update in updates}
        for file in self.folder.glob("weights-*.pt"):
            if file not in kept:
                file.unlink()

    def average(self, updates: Iterable[int]) -> dict[str, Tensor]:
        """The mean of the weights after some updates (Junczys-Dowmunt et al. 2016, https://arxiv.org/abs/1605.04809).

        Raises:
            UserError: a file is missing or damaged.
        """
        files = [self._weights(update) for update in updates]
        totals = dict[str, Tensor]()
        for file in files:
            weights = _read(file, torch.device("cpu")) if file.exists() else None
            if weights is None:
                raise UserError(f"{file} is damaged or missing; remove {self.folder} and run the stage again")
            for name, weight in weights.items():
                totals[name] = weight.double() if name not in totals else totals[name].add_(weight)
        return {name: total / len(files) for name, total in totals.items()}


def _write(file: Path, content: dict[str, Any]) -> None:
    """Write a PyTorch file followed by its SHA-256, which PyTorch ignores.

    PyTorch doesn't check the checksums in its files: it silently reads nearly every file that has a changed byte.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    buffer.write(hashlib.sha256(buffer.getbuffer()).digest())
    write_bytes(file, buffer.getvalue())


def _read(file: Path, device: torch.device) -> dict[str, Any] | None:
    """Read what :func:`_write` wrote; None where it is damaged."""
    data = file.read_bytes()
    size = hashlib.sha256().digest_size
    if hashlib.sha256(memoryview(data)[:-size]).digest() != data[-size:]:
        return None
    content: dict[str, Any] = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    return content
