"""Where and how precisely params ask to compute."""

import pytest
import torch

from seq2seq.core.errors import UserError
from seq2seq.core.runtime import autocast_dtype, find_device
from tests.tiny_models import (
    RUNTIME,
)
from tests.trainings import CPU


def test_precision_is_what_params_ask_for_and_by_itself_what_the_device_is_fast_at(monkeypatch):
    cuda = torch.device("cuda")
    dtypes = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    for precision, dtype in dtypes.items():
        assert autocast_dtype(RUNTIME.model_copy(update={"precision": precision}), CPU) is dtype
    auto = RUNTIME.model_copy(update={"precision": "auto"})
    assert autocast_dtype(auto, CPU) is None
    for has_bf16, dtype in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has_bf16: has)
        assert autocast_dtype(auto, cuda) is dtype


def test_a_device_that_can_not_do_what_params_ask_for_is_told(monkeypatch):
    with pytest.raises(UserError, match=r"runtime\.precision fp16 needs a GPU; set it to float32"):
        find_device(RUNTIME.model_copy(update={"precision": "fp16"}))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    runtime = RUNTIME.model_copy(update={"device": "auto"})
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert find_device(runtime) == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(UserError, match="torchrun starts 3 processes here, one for each GPU, but there are 2 GPUs"):
        find_device(runtime)
