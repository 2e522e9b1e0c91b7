import random
import shutil
import sys
from pathlib import Path

import pytest

from flows import inspect
from flows.runs import resolve
from seq2seq.core.errors import UserError
from seq2seq.settings import check_parameters
from seq2seq.training import rehearsal

ROOT = Path(__file__).parents[2]
ATTRIBUTION = "CC-BY 2.0 (France) Attribution: example.org #1 (somebody) & #2 (somebody)"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "presets").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_pairs(path, target="我们在这里说话看书", lines=300):
    rng = random.Random(1)
    words = ["the", "cat", "sees", "a", "red", "house", "by", "river"]
    path.write_text(
        "".join(
            f"{' '.join(rng.choices(words, k=6))} {number}\t{''.join(rng.choices(target, k=9))}\t{ATTRIBUTION}\n"
            for number in range(lines)
        ),
        encoding="utf-8",
    )


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["inspect", *arguments])
    inspect.main()
    return capsys.readouterr().out


def test_an_export_becomes_a_preset_that_the_pipeline_takes(checkout, monkeypatch, capsys):
    write_pairs(checkout / "cmn.txt")
    monkeypatch.setattr(rehearsal, "seconds_per_update", lambda *_: 0.5)
    said = run(monkeypatch, capsys, "cmn.txt", "--name", "mine")
    assert "seems to be en-zh" in said and "300 pairs" in said and "Hans" in said
    assert "python -m flows.pipeline --preset mine" in said
    params = check_parameters(*resolve(checkout, ["mine"], []))
    assert (params.corpora.names, params.corpora.pairs) == ([], "cmn.txt")
    assert (params.languages.source, params.languages.target) == ("en", "zh")
    values = [
        line for line in Path("presets/mine.yaml").read_text(encoding="utf-8").splitlines() if line.startswith("  ")
    ]
    assert all(" # " in line for line in values)
    with pytest.raises(UserError, match=r"presets/mine\.yaml exists"):
        run(monkeypatch, capsys, "cmn.txt", "--name", "mine")


def test_swapped_sides_are_suspected(checkout, monkeypatch, capsys):
    write_pairs(checkout / "cmn.txt")
    said = run(monkeypatch, capsys, "cmn.txt", "--source", "zh", "--target", "en")
    assert "the sides seem to be swapped" in said


def test_what_two_latin_languages_are_has_to_be_told(checkout, monkeypatch, capsys):
    write_pairs(checkout / "mine.tsv", target="abcdefgh ijkl")
    with pytest.raises(UserError, match="add --source and --target"):
        run(monkeypatch, capsys, "mine.tsv")
    write_pairs(checkout / "mine.en-fr.tsv", target="abcdefgh ijkl")
    assert "target: fr (French)" in run(monkeypatch, capsys, "mine.en-fr.tsv")
    with pytest.raises(UserError, match="--target xx: that is no language"):
        run(monkeypatch, capsys, "mine.tsv", "--source", "en", "--target", "xx")
