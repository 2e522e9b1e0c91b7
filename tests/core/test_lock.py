import pytest

from seq2seq.core.errors import UserError
from seq2seq.core.fingerprints import Fingerprints


def test_what_the_lock_file_pins_and_nobody_installed_is_named(tmp_path, monkeypatch):
    information = tmp_path / "site" / "toy-1.0.dist-info"
    information.mkdir(parents=True)
    requires = "Requires-Dist: absent; extra == 'more'\nProvides-Extra: more\n"
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n{requires}")
    (information / "top_level.txt").write_text("toy\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "program.py").write_text("import toy\n")
    lock = tmp_path / "requirements.lock"

    lock.write_text("absent==2.0\ntoy==1.0\n")
    assert "toy 1.0\n" in Fingerprints(tmp_path, lock).of("program")
    lock.write_text("absent==2.0\ntoy[more]==1.0\n")
    with pytest.raises(UserError, match="absent, which the lock file pins, is not installed"):
        Fingerprints(tmp_path, lock).of("program")
