"""Virtual environments of peers: made once, and again when their pinned requirements change."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ENGINES = Path(__file__).parent / "engines"
PEERS = sorted(file.stem for file in ENGINES.glob("*.txt"))
INSTALLED = "installed"  # this file's presence says that the environment is whole


class InstallationError(Exception):
    """The packages of a peer can't be installed here; the message is the last line of pip or venv."""


def prepare_environment(peer: str, root: Path) -> Path:
    """Return the Python of a peer's environment in the folder ``root``, which is made where there is none.

    Raises:
        InstallationError: the packages can't be installed.
    """
    requirements = ENGINES / f"{peer}.txt"
    folder = root / f"{peer}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / INSTALLED).exists():
        print(f"{peer}: installing into {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", folder])
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements])
        (folder / INSTALLED).touch()
    return python


def _run(command: list[str | Path]) -> None:
    found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if found.returncode:
        lines = found.stdout.strip().splitlines() or [f"{command[0]} ended with status {found.returncode}"]
        raise InstallationError(lines[-1])
