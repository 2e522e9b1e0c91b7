"""The files of an unfinished training: whole states to go on from, and weights that may be averaged at the end."""

import io
import pickle
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from seq2seq.errors import UserError
from seq2seq.files import write_bytes

KEPT = 2  # states; the older one is for the day when the newer one is damaged
DAMAGED = (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError)  # what torch.load says of such files


class Checkpoints:
    """Checkpoints in one folder, each named by its update, and each either whole or absent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save_state(self, update: int, state: dict[str, Any]) -> None:
        """Write the state after an update, and remove all but the newest few."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_bytes(self.folder / f"checkpoint-{update:09d}.pt", buffer.getvalue())
        for file in self._states()[KEPT:]:
            file.unlink()

    def newest_state(self, device: torch.device) -> dict[str, Any] | None:
        """Read the state of the highest update that is whole; None where there is none.

        A damaged one is told and passed over: what was learned since the one before it is learned again.
        """
        for file in self._states():
            try:
                data = io.BytesIO(file.read_bytes())  # of a short file PyTorch says OSError, as a disk that fails does
                state: dict[str, Any] = torch.load(data, map_location=device, weights_only=True)
            except DAMAGED:
                print(f"notice: {file} is damaged; going on from the one before it", file=sys.stderr, flush=True)
                continue
            return state
        return None

    def _states(self) -> list[Path]:
        """Newest first."""
        return sorted(self.folder.glob("checkpoint-*.pt"), reverse=True)

    def _weights(self, update: int) -> Path:
        return self.folder / f"weights-{update:09d}.safetensors"

    def save_weights(self, update: int, weights: dict[str, Tensor]) -> None:
        """Write the weights after an update."""
        write_bytes(self._weights(update), save(weights))

    def keep_weights(self, updates: Iterable[int]) -> None:
        """Remove the weights of all other updates."""
        kept = {self._weights(update) for update in updates}
        for file in self.folder.glob("weights-*.safetensors"):
            if file not in kept:
                file.unlink()

    def average(self, updates: Iterable[int]) -> dict[str, Tensor]:
        """The mean of the weights after some updates (Junczys-Dowmunt et al. 2016, https://arxiv.org/abs/1605.04809).

        Raises:
            UserError: a file is missing or damaged.
        """
        chosen = []
        for file in map(self._weights, updates):
            try:
                chosen.append(load_file(file))
            except (SafetensorError, FileNotFoundError):
                raise UserError(f"{file} is damaged or missing; remove {self.folder} and run the stage again") from None
        return {name: torch.stack([one[name].double() for one in chosen]).mean(0) for name in chosen[0]}
