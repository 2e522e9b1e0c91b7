"""Fetch pinned wheels with pip: nothing is built and nothing is installed.

Wheels always come through pip, by the user's own configuration of it (index, proxy, find-links); a corpus
mirror can't hold them, because pip alone knows which host has a package.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.progress import Progress
from seq2seq.sources.catalogue import Wheel
from seq2seq.sources.fetch import find, locked

_DOWNLOAD = "download --quiet --no-deps --only-binary :all: --require-hashes --no-input --retries 2 --timeout 30"


def fetch_wheel(wheel: Wheel, store: Path, progress: Progress) -> Path:
    """Return a verified local copy of a wheel, from the store or through pip. ``progress`` counts bytes.

    ``--only-binary`` refuses source packages, whose build code pip would run.

    Raises:
        UserError: pip is missing, reaches no index, finds no such version, or gets a file with another digest.
        TransientError: pip's index is busy, or the connection was lost.
    """
    with locked(store) as lock:
        kept = find(store, wheel.sha256)
        if kept is None:
            folder = store / "pip"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _run_pip(wheel, folder, lock.fileno())
            (downloaded,) = folder.glob("*.whl")
            kept = downloaded.replace(store / wheel.sha256)
            shutil.rmtree(folder)
        progress.add(wheel.bytes, wheel.package)
        return kept


def _run_pip(wheel: Wheel, folder: Path, lock: int) -> None:
    if importlib.util.find_spec("pip") is None:
        raise UserError("this Python environment has no pip to fetch wheels with; run python -m ensurepip")
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", *_DOWNLOAD.split(), "-r", str(requirements), "-d", str(folder)]
    # pip holds the store's lock too: should we be killed, our successor waits until our pip has ended
    result = subprocess.run(command, capture_output=True, text=True, pass_fds=(lock,), check=False)
    if result.returncode == 0:
        return
    name = f"{wheel.package} {wheel.version}"
    said = result.stdout + result.stderr
    if "DO NOT MATCH THE HASHES" in said:
        got = re.search(r"Got\s+([0-9a-f]{64})", said)
        raise UserError(
            f"the wheel of {name} has SHA-256 {got[1] if got else 'unknown'} where the catalogue says {wheel.sha256}; "
            "the package was changed, or the catalogue is wrong"
        )
    if re.search(r"NewConnectionError|NameResolutionError|Failed to establish a new connection", said):
        raise UserError(
            f"pip can't reach its index for the wheel of {name}; check the network and pip's settings (pip config list)"
        )
    if re.search(r"Retrying \(|from versions: none|HTTP error (5\d\d|429)|timed out|IncompleteRead", said):
        raise TransientError(
            f"pip can't fetch the wheel of {name}; check the network and pip's settings (pip config list), "
            "then run the same command again"
        )
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    raise UserError(f"pip can't fetch the wheel of {name}: {errors[-1] if errors else said.strip()[-300:]}")
