"""What an answer's details say of each sentence."""

import shutil

from starlette.testclient import TestClient

from seq2seq.bundles.manifest import MANIFEST, read_manifest, seal
from serving.app import make_app
from serving.models import Loaded, Version
from serving.settings import Settings
from tests.tiny_models import DECODING, LANGUAGES, RUNTIME

LONG = "the cat sees the sea and " * 20 + "."


def sentences(client, text, **fields):
    asked = {"source": "en", "target": "de", "details": True, "q": text} | fields
    return client.post("/translate", json=asked).json()["details"]["sentences"]


def test_what_looks_wrong_and_what_was_split_is_told_of_each_sentence(client):
    good, *parts, wrong = sentences(client, f"the king sees the sea .\n{LONG}\nthe king sees 77 books .")
    assert [(one["flags"], one["split"], one["cut"]) for one in (good, wrong)] == [
        ([], False, False),
        (["number lost"], False, False),
    ]
    assert len(parts) > 1 and all(part["split"] and not part["cut"] for part in parts)
    assert [one["retried"] for one in good["outputs"]] == [False] * len(good["outputs"])
    (marked,) = sentences(client, "<p>the king sees 77 books .</p>", format="html")
    assert marked["flags"] == ["number lost"]


def test_in_one_language_the_end_that_was_cut_off_is_told(float_engine, tmp_path):
    shutil.copytree(float_engine, tmp_path / "summaries")
    (tmp_path / "summaries" / MANIFEST).unlink()
    languages = LANGUAGES.model_copy(update={"target": "en"})
    seal(tmp_path / "summaries", read_manifest(float_engine).model_copy(update={"languages": languages}))
    loaded = Loaded(Version("summaries", "1", tmp_path / "summaries", DECODING, RUNTIME, {}), 0)
    with TestClient(make_app(Settings(), [loaded])) as client:
        found = [sentences(client, text, target="en") for text in ("the king .", LONG)]
    assert [(one["split"], one["cut"]) for (one,) in found] == [(False, False), (False, True)]
