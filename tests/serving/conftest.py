import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from registry.ledger import CHAMPION
from registry.store import open_store
from seq2seq.bundles.manifest import bundle_digest
from serving.app import make_app
from serving.models import Loaded, Version
from serving.settings import Settings
from tests.tiny_models import DECODING, RUNTIME
from tests.toy_project import REPOSITORY

NAME = "tiny-en-de"  # the registered model of the fixture `registry`
TAGS = {"decoding": DECODING.model_dump_json(), "runtime": RUNTIME.model_dump_json()}


@pytest.fixture(scope="session")
def loaded(trained):
    return Loaded(Version("tiny", "7", trained[1], DECODING, RUNTIME, {}), 0)


@pytest.fixture(scope="module")
def client(loaded):
    with TestClient(make_app(Settings(), [loaded]), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def registry_folder(trained, float_engine, tmp_path_factory):
    """A folder with a store of two versions; it takes seconds to make, so tests share it."""
    folder = tmp_path_factory.mktemp("registry")
    shutil.copy(REPOSITORY / "params.yaml", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(folder)
        with open_store() as store:
            store.client.create_registered_model(NAME)
            for number, bundle in enumerate((trained[1], float_engine), start=1):
                source = (folder / f"model {number}").as_uri()
                tags = TAGS | {"bundle_sha256": bundle_digest(bundle)}
                assert int(store.client.create_model_version(NAME, source, tags=tags).version) == number
    return folder, store.client


@pytest.fixture
def registry(registry_folder, trained, float_engine, monkeypatch):
    """A client of the store, as the pipeline fills it; the first of two versions is champion. Tests may spoil it."""
    folder, client = registry_folder
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(folder)
    for number, bundle in enumerate((trained[1], float_engine), start=1):
        shutil.rmtree(Path(f"model {number}"), ignore_errors=True)
        shutil.copytree(bundle, Path(f"model {number}") / "artifacts" / "int8")
        for name, value in TAGS.items():
            client.set_model_version_tag(NAME, str(number), name, value)
    for alias in client.get_registered_model(NAME).aliases:
        client.delete_registered_model_alias(NAME, alias)
    client.set_registered_model_alias(NAME, CHAMPION, "1")
    return client
