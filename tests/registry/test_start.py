"""A registered version's float32 bundle, to train further."""

import shutil

import pytest

from registry.start import fetch_start, registered_with
from seq2seq.bundles.manifest import bundle_digest, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.pretrained.start import parse_start
from tests.registered_versions import NAME, add_version


@pytest.fixture
def versions(client, bundle, float_engine):
    """Version 1 with a bundle that can be trained, version 2 with another, version 3 with none."""
    for folder in (bundle, float_engine):
        number = add_version(client, 0, float32_bundle_sha256=bundle_digest(folder))
        client.log_artifacts(client.get_model_version(NAME, number).run_id, str(folder), "float32")
    add_version(client, 0)
    client.set_registered_model_alias(NAME, "champion", "1")
    return client


def test_a_version_is_fetched_once_and_a_pinned_one_whatever_the_alias_stands_for(
    versions, bundle, float_engine, tmp_path
):
    store = tmp_path / "fetched"
    champion = parse_start(f"models:/{NAME}@champion")
    found = fetch_start(champion, store)
    assert read_manifest(found) == read_manifest(bundle)
    assert found.name == bundle_digest(bundle) == fetch_start(parse_start(f"models:/{NAME}/1"), store).name

    versions.set_registered_model_alias(NAME, "champion", "2")
    assert fetch_start(champion, store).name == bundle_digest(float_engine)
    pinned = parse_start(champion.pinned(bundle_digest(bundle)))
    shutil.rmtree(store)
    assert fetch_start(pinned, store) == found
    assert list(store.iterdir()) == [found.parent]
    shutil.rmtree(tmp_path / "mlruns")
    assert fetch_start(pinned, store) == found


def test_the_version_that_was_registered_with_a_bundle_is_found(versions, bundle):
    assert registered_with(bundle_digest(bundle)) == f"models:/{NAME}/1"
    assert registered_with("0" * 64) == ""


def test_a_version_that_is_not_there_is_told(versions, bundle, tmp_path):
    for text, message in [
        (f"models:/{NAME}@chmpion", f"'{NAME}' has no version called 'chmpion'; its aliases: champion"),
        (f"models:/{NAME}/4", f"'{NAME}' has no version 4; it has 1, 2, 3"),
        (f"models:/{NAME}/3", f"version 3 of '{NAME}' has no tag float32_bundle_sha256"),
        (f"models:/{NAME}@champion#sha256={'0' * 64}", f"no version of '{NAME}' has the float32 bundle 0000"),
        ("models:/other@champion", f"no version of 'other' is registered; known models: {NAME}"),
    ]:
        with pytest.raises(UserError, match=f"^train.start: {message}"):
            fetch_start(parse_start(text), tmp_path / "fetched")
