"""Recurrent and convolutional models for ONNX Runtime, in float32 or with dynamic int8.

Two graphs make a bundle: ``start`` reads the source, ``step`` goes on by one piece; what stands between them is the
model's state, each tensor under its own name (https://onnx.ai/onnx/intro/). Int8 is that of ONNX Runtime: one scale per
row of a matrix, and activations that are quantized while it runs
(https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). Weights have 7 bits, since x86 without
VNNI adds 8-bit products up in 16 bits, which overflow: with 8 bits the logits of an untrained LSTM were off by 1.29 of
4.1 there, with 7 by 0.13. ONNX Runtime quantizes LSTMs, and of GRUs and RNNs all but the recurrence.

Shapes: B batch, S source length.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from seq2seq.bundles.manifest import ONNX, derive, read_manifest
from seq2seq.bundles.pytorch import load_model
from seq2seq.core.files import write_bytes
from seq2seq.inference.onnx_model import AFTER, FIXED, MOVING, START, STEP
from seq2seq.models.convolutional import Convolutional
from seq2seq.models.encoder_decoder import EncoderDecoder
from seq2seq.models.protocol import State
from seq2seq.models.recurrent import Recurrent
from seq2seq.tokenizers.base import BOS

OPSET = 17  # of ONNX
INT8 = "int8"


def is_known_to_onnx(bundle: Path) -> bool:
    """Whether the model of a bundle can be written for ONNX Runtime."""
    return read_manifest(bundle).architecture in (Recurrent.architecture, Convolutional.architecture)


class _Start(nn.Module):
    def __init__(self, model: EncoderDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, src: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        state = self.model.start(src, mask)
        return *state.fixed.values(), *state.moving.values()


class _Step(nn.Module):
    def __init__(self, model: EncoderDecoder, state: State) -> None:
        super().__init__()
        self.model = model
        self.fixed, self.moving = list(state.fixed), list(state.moving)

    def forward(self, tokens: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        count = len(self.fixed)
        fixed = dict(zip(self.fixed, tensors[:count], strict=True))
        moving = dict(zip(self.moving, tensors[count:], strict=True))
        logits, after = self.model.step(tokens, State(fixed, moving))
        return logits, *(after.moving[name] for name in self.moving)


def export_onnx(bundle: Path, out: Path, quantization: str) -> None:
    """Write the ONNX bundle ``out`` of the PyTorch bundle ``bundle``, in ``float32`` or ``int8``.

    Raises:
        UserError: ``bundle`` is no PyTorch bundle.
    """
    model, _ = load_model(bundle)
    assert isinstance(model, Recurrent | Convolutional), f"{bundle} holds a {model.architecture} model"
    graphs = _trace(model)

    def write(folder: Path) -> None:
        (folder / ONNX).mkdir()
        for name, graph in graphs.items():
            place = folder / ONNX / name
            if quantization == INT8:
                with _quietly():
                    quantize_dynamic(graph, place, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
            else:
                write_bytes(place, graph.SerializeToString(deterministic=True))

    derive(bundle, out, "onnx", quantization, write)


@torch.no_grad()
def _trace(model: EncoderDecoder) -> dict[str, onnx.ModelProto]:
    """The two graphs of a model, by the names of their files."""
    src = torch.full((2, 3), BOS)  # B and S may be anything later
    mask = torch.tensor([[True] * 3, [True, True, False]])
    state = model.start(src, mask)
    fixed = {f"{FIXED}{name}": tensor for name, tensor in state.fixed.items()}
    moving = {f"{MOVING}{name}": tensor for name, tensor in state.moving.items()}
    after = [f"{AFTER}{name}" for name in state.moving]
    tensors = fixed | moving
    start = _export(_Start(model), {"src": src, "mask": mask}, list(tensors), long={"src", "mask", *fixed})
    step = _export(_Step(model, state), {"tokens": src[:, 0]} | tensors, ["logits", *after], long=set(fixed))
    return {START: start, STEP: step}


def _export(module: nn.Module, inputs: dict[str, Tensor], outputs: list[str], long: set[str]) -> onnx.ModelProto:
    """Trace a module; the first axis of every tensor may have any length, of those in ``long`` the second too."""
    axes = {name: {0: "B", 1: "S"} if name in long else {0: "B"} for name in [*inputs, *outputs]}
    with _quietly(), TemporaryDirectory() as folder:
        file = Path(folder, "graph.onnx")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            file,
            dynamo=False,  # the other exporter needs a package more, and can't leave B open where a cell has B too
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
        )
        model = onnx.load(file)
    for node in model.graph.node:
        node.ClearField("doc_string")  # it has the paths of our files
    return model


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep back warnings of the exporter and the quantizer: tests compare their results with PyTorch's."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.root.setLevel(level)
