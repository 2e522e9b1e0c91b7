"""Where and how precisely to compute: device, precision and the number of threads."""

import os
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section

if TYPE_CHECKING:
    import torch


class RuntimeParams(Section):
    """Results are the same bytes only for the same CPU model, device and number of threads."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        description="Trains and translates on this device; auto takes CUDA where there is one."
    )
    precision: Literal["auto", "float32", "bf16", "fp16"] = Field(
        description="Trains with products in this precision; auto takes bf16 or else fp16 on GPUs, float32 on CPUs."
    )
    threads: int = Field(
        ge=1,
        le=1024,
        description="Computes with this many CPU threads in every stage; another number gives other bytes.",
    )


def prepare_device(params: RuntimeParams) -> "torch.device":
    """Set PyTorch's threads, ask it for reproducible kernels, and return the device to compute on.

    Raises:
        UserError: this machine can't do what is asked for; see :func:`find_device`.
    """
    import torch  # noqa: PLC0415 - stages that read this section need not have torch loaded

    torch.set_num_threads(params.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # filling memory before a kernel writes it finds faulty kernels, at 5 % of an update
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    device = find_device(params)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        if params.precision != "float32":  # TF32 for what autocast leaves in float32: the output projection, and search
            torch.set_float32_matmul_precision("high")
    return device


def find_device(params: RuntimeParams) -> "torch.device":
    """The device to compute on: of several processes on one machine, each has a GPU of its own.

    Raises:
        UserError: CUDA is asked for and there is none, there are more processes than GPUs, or fp16 is asked of a CPU.
    """
    import torch  # noqa: PLC0415 - as above

    available = torch.cuda.is_available()
    if params.device == "cuda" and not available:
        raise UserError(
            "runtime.device is cuda, but PyTorch sees no CUDA device; "
            "set it to auto or cpu, or install a CUDA build of PyTorch (README, Installation)"
        )
    if params.device == "cpu" or not available:
        if params.precision == "fp16":
            raise UserError("runtime.precision fp16 needs a GPU; set it to float32, or to bf16")
        return torch.device("cpu")
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # set by torchrun
    gpus = torch.cuda.device_count()
    if processes > gpus:
        raise UserError(
            f"torchrun starts {processes} processes here, one for each GPU, but there are {gpus} GPUs; "
            "lower --nproc-per-node in launch, or set runtime.device to cpu"
        )
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def autocast_dtype(params: RuntimeParams, device: "torch.device") -> "torch.dtype | None":
    """The dtype of matrix products under autocast in training, or None to compute in float32."""
    import torch  # noqa: PLC0415 - as above

    if params.precision != "auto":
        return {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[params.precision]
    if device.type == "cpu":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
