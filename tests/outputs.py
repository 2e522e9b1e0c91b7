"""What a pipeline leaves to be registered, of a tiny model, in a project that tests may change."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry.store import open_store
from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.core.files import write_json
from seq2seq.core.params import read_yaml
from seq2seq.export.ctranslate2 import export_ctranslate2
from tasks import register
from tests.migrations import copy_tables
from tests.tiny_models import LANGUAGES, tiny_model

ROOT = Path(__file__).parents[1]
NAME = "phrasebook-en-de"
COMMAND = (
    "python -m tasks.register --bundle models/forward --int8 models/int8 --decoding models/decoding.json "
    "--reports reports --served code/served.txt --out reports/release.json --registration reports/registration.json"
)


def make_bundles(folder, tokenizer, seed):
    origin = {"data": "a", "params": "b", "code": "c"}
    save_model(folder / "forward", tiny_model(tokenizer, seed=seed), tokenizer, LANGUAGES, origin, "translation")
    export_ctranslate2(folder / "forward", folder / "int8", "int8")
    write_json(folder / "decoding.json", read_yaml(ROOT / "params.yaml")["decoding"])


def run_register(monkeypatch, tracking_uri=""):
    monkeypatch.setattr(sys, "argv", ["register"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    register.main()
    return json.loads(Path("reports/registration.json").read_text())


def run_command(*prefix, **variables):
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    command = prefix or ("-m", "tasks.register")
    return subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.PIPE, text=True)


@contextmanager
def running_server(folder):
    """An MLflow server that keeps all in a folder; yields its address and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    backend = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", f"{folder}/kept"]
    copy_tables(folder / "server.db")
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *backend, "--port", str(port), "--workers", "1"],
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        cwd=folder,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(300):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MLFLOW_TRACKING_URI", address)
                try:
                    with open_store():
                        break
                except UserError:
                    time.sleep(0.2)
        yield address, process
    finally:
        os.killpg(process.pid, 9)
        process.wait()
