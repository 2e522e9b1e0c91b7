"""A real MLflow server for tests of what goes over HTTP, and a local store for the others."""

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from registry.store import local_tracking_uri, open_store
from seq2seq.core.errors import UserError
from tests.registered_versions import NAME
from tests.toy_project import REPOSITORY


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


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """An empty store: made once, copied by each test."""
    root = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(root))
        with open_store() as store:
            store.experiment(NAME)
    shutil.copy(REPOSITORY / "params.yaml", root)
    return root


@pytest.fixture
def client(empty_store, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(empty_store, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    with open_store() as store:
        store.client.create_registered_model(NAME)
    return store.client
