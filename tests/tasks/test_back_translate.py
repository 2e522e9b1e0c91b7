import shutil
import sys
from pathlib import Path

import pytest

from seq2seq.bundles.pytorch import save_model
from seq2seq.core.fingerprints import write_fingerprints
from seq2seq.synthesis import back_translation
from seq2seq.text.corpus import write_corpus
from tasks.back_translate import main
from tests.tiny_models import LANGUAGES, tiny_corpus, tiny_model
from tests.toy_project import REPOSITORY

SEARCH = Path("seq2seq/decoding/beam_search.py")
ARGUMENTS = {
    "--backward": "models/backward",
    "--train": "data/clean/train",
    "--mono": "data/clean/mono",
    "--out": "data/synthetic",
    "--code": "code/back_translate.txt",
}


@pytest.fixture
def workspace(tmp_path, monkeypatch, tokenizer):
    """A copy of the code, a tiny backward model, and text for four shards."""
    for package in ("seq2seq", "tasks", "registry"):
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("params.yaml", "requirements.lock"):
        shutil.copy(REPOSITORY / file, tmp_path)
    reverse = tokenizer.reverse()
    save_model(
        tmp_path / "models/backward", tiny_model(reverse), reverse, LANGUAGES.reverse(), {"code": "a"}, "translation"
    )
    for name in ("train", "mono"):
        write_corpus(tmp_path / "data/clean" / name, [tiny_corpus()])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["back_translate", *(word for pair in ARGUMENTS.items() for word in pair)])
    monkeypatch.setattr(back_translation, "SHARD_LINES", 9)
    return tmp_path


def test_after_an_edit_of_search_the_shards_are_made_anew_and_after_that_of_a_comment_they_are_used(
    workspace, monkeypatch
):
    made: list[int] = []
    translate = back_translation._sources

    def shards_made(killed_at: int | None = None) -> list[int]:
        """Run the stage on the code as it is now; the shards that it makes."""

        def sources(*arguments):
            made.append(arguments[-1])
            if arguments[-1] == killed_at:
                raise KeyboardInterrupt
            return translate(*arguments)

        made.clear()
        monkeypatch.setattr(back_translation, "_sources", sources)
        write_fingerprints({"back_translate": "tasks.back_translate"}, Path(), Path("requirements.lock"), Path("code"))
        main()
        return made

    with pytest.raises(KeyboardInterrupt):
        shards_made(killed_at=2)
    assert made == [0, 1, 2]
    SEARCH.write_text(SEARCH.read_text() + "\n# an edited comment\n")
    assert shards_made() == [2, 3]
    SEARCH.write_text(SEARCH.read_text() + "\nEDITED = True\n")
    assert shards_made() == [0, 1, 2, 3]
    assert shards_made() == []


def test_the_ratio_is_of_synthetic_to_real_pairs(workspace, monkeypatch):
    write_corpus(Path("data/clean/train"), [tiny_corpus()[:8]])
    params = Path("params.yaml")
    given = []
    params.write_text(params.read_text().replace("ratio: 1.0", "ratio: 0.5"))
    Path("code").mkdir()
    Path("code/back_translate.txt").write_text("a fingerprint")
    monkeypatch.setattr(back_translation, "back_translate", lambda _, lines, *__: given.extend(lines) or [])
    main()
    assert len(given) == 4
