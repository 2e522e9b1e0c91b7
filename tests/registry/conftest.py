"""A real MLflow server for tests of what goes over HTTP."""

import os
import socket
import subprocess
import sys
import time

import pytest

from registry.store import open_store
from seq2seq.core.errors import UserError


@pytest.fixture(scope="module")
def server_address(tmp_path_factory):
    """The address of an MLflow server with an empty registry in SQLite."""
    root = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    backend = ["--backend-store-uri", f"sqlite:///{root}/server.db", "--artifacts-destination", f"{root}/kept"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *backend, "--port", str(port), "--workers", "1"],
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        cwd=root,
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
        yield address
    finally:
        os.killpg(process.pid, 9)
        process.wait()
