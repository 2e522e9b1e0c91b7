"""The command that writes a registered model for other programs."""

import json
import shutil
import sys
import zipfile

import pytest

from registry import export
from registry.ledger import CHALLENGER, CHAMPION
from seq2seq.bundles.manifest import bundle_digest
from seq2seq.core.errors import UserError
from tests.registered_versions import NAME
from tests.tiny_models import DECODING, RUNTIME


@pytest.fixture
def command(client, float_engine, tmp_path, monkeypatch):
    """The command, in a project with a champion and a challenger."""
    shutil.copytree(float_engine, tmp_path / "model" / "artifacts" / "int8")
    tags = {
        "bundle_sha256": bundle_digest(float_engine),
        "decoding": DECODING.model_dump_json(),
        "runtime": RUNTIME.model_dump_json(),
    }
    for alias in (CHAMPION, CHALLENGER):
        version = client.create_model_version(NAME, (tmp_path / "model").as_uri(), tags=tags).version
        client.set_registered_model_alias(NAME, alias, version)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["export", *arguments])
        export.main()

    return run


@pytest.mark.parametrize(("alias", "version"), [("", "1"), (f"@{CHALLENGER}", "2")])
def test_the_version_of_an_alias_is_written(command, capsys, alias, version):
    command(f"{NAME}{alias}", "--argos", "a folder/en_de.argosmodel")
    with zipfile.ZipFile("a folder/en_de.argosmodel") as package:
        assert json.loads(package.read(f"{NAME}/metadata.json"))["package_version"] == version
    assert f"version {version} of '{NAME}', en to de" in capsys.readouterr().out


def test_a_folder_is_not_replaced(command, tmp_path):
    with pytest.raises(UserError, match="is a folder; name a file"):
        command(NAME, "--argos", str(tmp_path))
