"""ONNX bundles at work: a model for our own search, whose two graphs ONNX Runtime computes on the CPU.

Shapes: B batch, S source length, T target length, V vocabulary.
"""

from pathlib import Path

import onnxruntime
import torch
from torch import Tensor

from seq2seq.bundles.manifest import ONNX
from seq2seq.core.errors import UserError
from seq2seq.core.runtime import RuntimeParams
from seq2seq.models.protocol import State

START, STEP = "start.onnx", "step.onnx"
FIXED, MOVING, AFTER = "fixed.", "moving.", "after."  # before the names of a state's tensors


class OnnxModel:
    """See :class:`seq2seq.models.protocol.Model`."""

    def __init__(self, bundle: Path, runtime: RuntimeParams) -> None:
        """Load the graphs of a bundle.

        Raises:
            UserError: ``runtime`` asks for CUDA.
        """
        if runtime.device == "cuda":
            raise UserError(f"runtime.device is cuda, but {bundle} runs on the CPU alone; set it to auto or cpu")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = runtime.threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # it would slow the search's own work
        self._start, self._step = (
            onnxruntime.InferenceSession(bundle / ONNX / name, options, providers=["CPUExecutionProvider"])
            for name in (START, STEP)
        )

    def start(self, src: Tensor, mask: Tensor) -> State:
        """Read the source [B, S] with its mask [B, S]."""
        found = self._run(self._start, {"src": src, "mask": mask})
        return State(_named(found, FIXED), _named(found, MOVING))

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits [B, V] of the piece that follows ``tokens`` [B]."""
        inputs = {"tokens": tokens}
        inputs |= {f"{FIXED}{name}": tensor for name, tensor in state.fixed.items()}
        inputs |= {f"{MOVING}{name}": tensor for name, tensor in state.moving.items()}
        found = self._run(self._step, inputs)
        return found["logits"], State(state.fixed, _named(found, AFTER))

    def attention(self, src: Tensor, mask: Tensor, tgt: Tensor) -> None:
        """None: the graphs don't give it away."""
        return

    def _run(self, session: onnxruntime.InferenceSession, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        used = {one.name for one in session.get_inputs()}
        found = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items() if name in used})
        names = [one.name for one in session.get_outputs()]
        return {name: torch.from_numpy(array) for name, array in zip(names, found, strict=True)}


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
