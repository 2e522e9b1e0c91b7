"""Where and how precisely to compute: device, precision and the number of threads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from seq2seq.errors import UserError
from seq2seq.params import Section

if TYPE_CHECKING:
    import torch


class RuntimeParams(Section):
    """Results are the same bytes only for the same CPU model, device and number of threads."""

    device: Literal["auto", "cpu", "cuda"] = Field(description="auto takes CUDA where there is one")
    precision: Literal["auto", "float32", "bf16", "fp16"] = Field(description="of products in training")
    threads: int = Field(ge=1, le=1024, description="CPU threads of every stage")


def prepare_device(params: RuntimeParams) -> "torch.device":
    """Set PyTorch's threads, ask it for reproducible kernels, and return the device to compute on.

    Raises:
        UserError: CUDA is asked for and there is none.
    """
    import torch  # noqa: PLC0415 - stages that read this section need not have torch loaded

    torch.set_num_threads(params.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    available = torch.cuda.is_available()
    if params.device == "cuda" and not available:
        raise UserError(
            "params.yaml: runtime.device is cuda, but PyTorch sees no CUDA device; "
            "set it to auto or cpu, or install a CUDA build of PyTorch (README, Installation)"
        )
    if params.device == "cpu" or not available:
        return torch.device("cpu")
    rank, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()  # set by torchrun
    if rank >= count:
        raise UserError(
            f"torchrun started more than {rank} processes here, one for each GPU, but there are {count} GPUs; "
            "lower --nproc-per-node in launch, or set runtime.device to cpu"
        )
    device = torch.device("cuda", rank)
    torch.cuda.set_device(device)
    return device


@contextmanager
def training_precision(params: RuntimeParams, device: "torch.device") -> "Iterator[torch.dtype | None]":
    """Multiply matrices as ``precision`` says while the block lasts; yield the dtype for autocast, None for float32.

    On a CPU bf16 rounds the factors of a product alone; sums, and all else, stay float32 and need no autocast
    (https://docs.pytorch.org/docs/stable/notes/mkldnn.html).
    """
    import torch  # noqa: PLC0415 - as above

    precision = params.precision
    if precision == "auto":
        precision = "bf16" if device.type == "cuda" else "float32"
    if device.type == "cpu" and precision == "bf16":
        mkldnn: Any = torch.backends.mkldnn  # its stubs lack these
        kinds = (mkldnn.matmul, mkldnn.conv, mkldnn.rnn)
        before = [kind.fp32_precision for kind in kinds]
        try:
            for kind in kinds:
                kind.fp32_precision = "bf16"
            yield None
        finally:
            for kind, old in zip(kinds, before, strict=True):
                kind.fp32_precision = old
    else:
        yield {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
