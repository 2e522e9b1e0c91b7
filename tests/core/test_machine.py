import pytest

from seq2seq.core import machine
from seq2seq.core.machine import describe_machine


@pytest.mark.parametrize(
    ("cpuinfo", "cpu", "instructions"),
    [
        (
            "processor\t: 0\nmodel name\t: Xeon: fast\nflags\t\t: fpu avx2 avx512f avx512_vnni\n\nmodel name : other\n",
            "Xeon: fast",
            "avx2 avx512_vnni avx512f",
        ),
        ("processor : 0\nFeatures : fp i8mm sve\n", None, "i8mm sve"),
        (None, None, "none of those that matter"),
    ],
)
def test_the_cpu_and_the_instructions_that_matter_are_told(tmp_path, monkeypatch, cpuinfo, cpu, instructions):
    monkeypatch.setattr(machine, "CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine, "GPUS", tmp_path / "gpus")
    if cpuinfo:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    facts = describe_machine()
    assert facts["instructions"] == instructions
    assert facts["cpu"] == cpu or (cpu is None and facts["cpu"])
    assert facts["gpu"] == "none"
    for number in (1, 0):
        (tmp_path / "gpus" / str(number)).mkdir(parents=True)
        (tmp_path / "gpus" / str(number) / "information").write_text("Model: \t\t NVIDIA H100\nIRQ: 5\n")
    assert describe_machine()["gpu"] == "NVIDIA H100, NVIDIA H100"
