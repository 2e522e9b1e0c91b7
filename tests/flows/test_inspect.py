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
    assert "seems to go from en to zh" in said and "300 pairs" in said and "Hans" in said
    assert "python -m flows.pipeline --preset mine" in said and "--set train.max_updates=100" in said
    params = check_parameters(*resolve(checkout, ["mine"], []))
    assert (params.corpora.names, params.corpora.pairs) == ([], "cmn.txt")
    assert (params.languages.source, params.languages.target) == ("en", "zh")
    assert params.release.model_name([], "en", "zh") == "mine-en-zh"
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


def test_what_a_file_says_of_its_languages_is_believed_and_said(checkout, monkeypatch, capsys):
    rows = "".join(f"A house number {number}.,Une maison numéro {number}.\n" for number in range(50))
    (checkout / "mine.csv").write_text(f"English,French\n{rows}", encoding="utf-8")
    said = run(monkeypatch, capsys, "mine.csv")
    assert "by what it says inside, mine.csv seems to go from en to fr" in said
    said = run(monkeypatch, capsys, "mine.csv", "--source", "fr")
    assert "from fr to en" in said and "source: fr (French), 50 different" in said
    units = "".join(f'<tuv xml:lang="{tag}"><seg>x</seg></tuv>' for tag in ("en", "fr", "de"))
    (checkout / "mine.tmx").write_text(f"<tmx><body><tu>{units}</tu></body></tmx>", encoding="utf-8")
    with pytest.raises(UserError, match=r"mine\.tmx has en, fr, de; choose two of them with --source and --target"):
        run(monkeypatch, capsys, "mine.tmx")


def test_swapped_sides_of_one_alphabet_and_the_other_chinese_are_suspected(checkout, monkeypatch, capsys):
    pairs = [
        (f"Our neighbour bought {n} old books in the city yesterday.", f"Notre voisin a acheté {n} vieux livres hier.")
        for n in range(60)
    ]
    (checkout / "mine.tsv").write_text("".join(f"{fr}\t{en}\n" for en, fr in pairs), encoding="utf-8")
    said = run(monkeypatch, capsys, "mine.tsv", "--source", "en", "--target", "fr")
    assert "100% of a sample of its sources are clearly not English" in said
    assert "the sides seem to be swapped; try --source fr --target en" in said
    assert "warning" not in run(monkeypatch, capsys, "mine.tsv", "--source", "fr", "--target", "en")
    write_pairs(checkout / "hant.txt", target="我們這國來說時會個")
    assert "these are zh-Hant" in run(monkeypatch, capsys, "hant.txt", "--source", "en", "--target", "zh")
