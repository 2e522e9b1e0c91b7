"""What a machine is, as far as results depend on it: bytes are the same only for the same CPU model and device."""

import os
import platform
from pathlib import Path

CPU = Path("/proc/cpuinfo")
GPUS = Path("/proc/driver/nvidia/gpus")
# kernels are chosen by these, and add up in another order in each
X86 = {"avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8"}
ARM = {"asimddp", "bf16", "i8mm", "sve"}


def describe_machine() -> dict[str, str]:
    """Facts by name: the CPU's model, its cores that we may use, the instructions that matter, GPUs and platform."""
    cpu = _read_colons(CPU)
    flags = cpu.get("flags", cpu.get("Features", "")).split()
    return {
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "instructions": " ".join(sorted((X86 | ARM) & set(flags))) or "none of those that matter",
        "cores": str(len(os.sched_getaffinity(0))),
        "gpu": ", ".join(sorted(_read_colons(path)["Model"] for path in GPUS.glob("*/information"))) or "none",
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def _read_colons(path: Path) -> dict[str, str]:
    """The lines ``name : value`` of a file, the first of each name; nothing where there is no such file."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    return dict(reversed(pairs))
