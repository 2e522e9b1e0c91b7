"""Services to measure, each a process of its own: ours, and MLflow's."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import seq2seq
from registry import pyfunc_model
from registry.ledger import CHAMPION
from registry.served import BUNDLE, DECODING, RUNTIME
from registry.store import open_store
from seq2seq.bundles.manifest import bundle_digest
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams

ROOT = Path(seq2seq.__file__).parent.parent
SECONDS_TO_START = 120


class NotRunningError(Exception):
    """A service that does not start; its last line says why."""


@contextmanager
def our_service(*arguments: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Start ``python -m serving`` in a folder that holds params.yaml; yield its port and the id of its process."""
    command = [sys.executable, "-m", "serving", "--port", "0", *arguments]
    with (folder / "serving.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if (found := re.search(r":(\d+)$", line.strip())) is None:
                raise NotRunningError((folder / "serving.log").read_text().strip().splitlines()[-1])
            yield int(found[1]), process.pid
        finally:
            process.terminate()
            process.wait()


@contextmanager
def mlflow_service(bundle: Path, decoding: DecodingParams, runtime: RuntimeParams, folder: Path) -> Iterator[int]:
    """Start ``mlflow models serve`` of the registered model's code over the same bundle; yield its port."""
    import mlflow  # noqa: PLC0415 - it takes seconds, and only this peer needs it

    model = folder / "model"
    mlflow.pyfunc.save_model(
        str(model),
        python_model=pyfunc_model.__file__,
        artifacts={"bundle": str(bundle.resolve())},
        code_paths=[str(ROOT / "seq2seq")],
        model_config=decoding.model_dump() | runtime.model_dump(),
        pip_requirements=[],
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-m", "mlflow", "models", "serve", "-m", str(model), "-p", str(port), "--env-manager", "local"]
    with (folder / "mlflow.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}/ping", folder / "mlflow.log")
            yield port
        finally:
            os.killpg(process.pid, 15)  # it serves from a process of its own
            process.wait()


def _wait(process: "subprocess.Popen[Any]", url: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                lines = log.read_text().strip().splitlines() or [str(error)]
                raise NotRunningError(lines[-1]) from None
            time.sleep(0.2)


class Releases:
    """Two versions of one bundle in a store of their own, whose alias moves."""

    NAME = "served"

    def __init__(self, bundle: Path, decoding: DecodingParams, runtime: RuntimeParams, folder: Path) -> None:
        """Register them in ``folder``."""
        self.folder = folder
        tags = {
            BUNDLE: bundle_digest(bundle),
            DECODING: json.dumps(decoding.model_dump()),
            RUNTIME: json.dumps(runtime.model_dump()),
        }
        with chdir(folder), open_store() as store:
            store.client.create_registered_model(self.NAME)
            for number in ("1", "2"):
                shutil.copytree(bundle, folder / number / "artifacts" / "int8")
                store.client.create_model_version(self.NAME, (folder / number).as_uri(), tags=tags)
        self.champion = 2
        self.swap()

    def swap(self) -> None:
        """Make the other version champion."""
        self.champion = 3 - self.champion
        with chdir(self.folder), open_store() as store:
            store.client.set_registered_model_alias(self.NAME, CHAMPION, str(self.champion))


def rss_mb(process: int) -> float:
    """Memory that a process holds, in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) * 1024 / 1e6 if found else float("nan")
