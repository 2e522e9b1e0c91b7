import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json, sha256_tree
from seq2seq.core.params import check_section, dump_yaml, load_section
from seq2seq.sources.acquire import CorporaParams, acquire
from seq2seq.sources.generated import GeneratedParams
from seq2seq.sources.readers.own import by_corpus, find_sources
from seq2seq.sources.readers.rows import Wanted
from seq2seq.sources.remote.entries import parse_entry
from seq2seq.text.corpus import read_corpus
from seq2seq.text.languages import LanguagesParams

ROOT = Path(__file__).parents[2]
MIRROR = ROOT.parent / "shared" / "corpus-mirror"
HOST = "corpora.invalid"


class Desk:
    """A catalogue with the corpus ``toy``, a mirror with its files, and a folder for the user's own pairs."""

    def __init__(self, root: Path) -> None:
        self.root, self.groups = root, dict[str, dict[str, Any]]()
        self.mirror: Path | None = root / "mirror"
        self.tables = root / "pairs"
        self.tables.mkdir()
        (root / "mirror" / HOST).mkdir(parents=True)
        self.languages = LanguagesParams(source="en", target="de")
        self.terms: dict[str, Any] = {}
        self.remote: list[str] = []

    def add(self, split: str, group: str, language: str, content: str | bytes) -> None:
        """Put a file on the mirror and into the catalogue."""
        data = gzip.compress(content.encode(), mtime=0) if isinstance(content, str) else content
        name = f"{group}.{language}.gz"
        (self.root / "mirror" / HOST / name).write_bytes(data)
        files = self.groups.setdefault(group, {"name": group, "split": split, "files": {}})["files"]
        digest = hashlib.sha256(data).hexdigest()
        files[language] = {"url": f"https://{HOST}/{name}", "sha256": digest, "bytes": len(data)}

    def acquire(self, *names: str) -> dict[str, Any]:
        texts = {"description": "A toy", "languages": ["de", "en"], "licence": "CC0-1.0", "citation": "us"}
        texts |= self.terms
        catalogue = {"toy": texts | {"kind": "files", "groups": list(self.groups.values())}}
        (self.root / "catalogue.yaml").write_text(dump_yaml(catalogue))
        wanted = Wanted(self.languages.source, self.languages.target)
        return acquire(
            list(names),
            self.languages,
            load_section(ROOT / "params.yaml", "generated", GeneratedParams),
            catalogue=self.root / "catalogue.yaml",
            own=by_corpus(self.tables, find_sources(self.tables, wanted)),
            remote=[parse_entry(text) for text in self.remote],
            wanted=wanted,
            bad_rows_percent=1.0,
            store=self.root / "store",
            mirror=self.mirror,
            out=self.root / "raw",
        )

    def pairs(self, part: str) -> list[tuple[str, str, str]]:
        frame = read_corpus(self.root / "raw" / part)
        return list(zip(frame["source"], frame["target"], frame["origin"], strict=True))


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    desk.add("train", "train", "en", "A house\nA dog\n")
    desk.add("train", "train", "de", "Ein Haus\nEin Hund\n")
    return desk


def test_each_split_lands_in_its_folder(desk):
    for language, text in {"en": "A cat\n", "de": "Eine Katze\n"}.items():
        desk.add("train", "more", language, text)
        desk.add("validation", "val", language, text)
        desk.add("test", "news", language, text)
        desk.add("test", "talks", language, text)
        desk.add("mono", "web", language, text)
    facts = desk.acquire("toy")
    assert desk.pairs("train/toy") == [
        ("A house", "Ein Haus", "toy"), ("A dog", "Ein Hund", "toy"), ("A cat", "Eine Katze", "toy")
    ]  # fmt: skip
    for part in ["validation/toy", "test/news", "test/talks"]:
        assert desk.pairs(part) == [("A cat", "Eine Katze", "toy")]
    assert desk.pairs("mono/toy") == [("", "Eine Katze", "toy")]
    assert facts["toy"] == {
        "licence": "CC0-1.0",
        "citation": "us",
        "lines": {"train/toy": 3, "validation/toy": 1, "test/news": 1, "test/talks": 1, "mono/toy": 1},
    }


def test_a_licence_that_forbids_commercial_use_is_told(desk):
    desk.terms["non_commercial"] = True
    assert desk.acquire("toy")["toy"]["non_commercial"] is True


def test_the_direction_turns_with_the_languages_and_unused_files_are_not_needed(desk):
    desk.add("mono", "web", "en", "A cat\n")
    desk.add("mono", "web", "de", "Eine Katze\n")
    (desk.root / "mirror" / HOST / "web.de.gz").unlink()
    desk.languages = LanguagesParams(source="de", target="en")
    desk.acquire("toy")
    assert desk.pairs("train/toy")[0] == ("Ein Haus", "A house", "toy")
    assert desk.pairs("mono/toy") == [("", "A cat", "toy")]


def test_lines_end_at_line_feeds_only(desk):
    desk.add("train", "train", "en", "\ufeffone\u2028still one\x0band one\x85\r\ntwo")
    desk.add("train", "train", "de", "eins\nzwei\n")
    desk.acquire("toy")
    assert desk.pairs("train/toy") == [("one\u2028still one\x0band one\x85", "eins", "toy"), ("two", "zwei", "toy")]


def test_own_pairs_stand_beside_a_corpus_or_alone(desk):
    (desk.tables / "b.tsv").write_text("three\tdrei\r\n", newline="")
    (desk.tables / "a.tsv").write_text('"one"\teins\ntwo\tzwei\n')
    (desk.tables / "README.md").write_text("not a table")
    facts = desk.acquire("toy")
    own = [('"one"', "eins", "pairs"), ("two", "zwei", "pairs"), ("three", "drei", "pairs")]
    assert desk.pairs("train/pairs") == own
    assert list(facts) == ["pairs", "toy"]
    files = [
        {"name": str(desk.tables / name), "kind": "table", "pairs": pairs}
        for name, pairs in (("a.tsv", 2), ("b.tsv", 1))
    ]
    assert desk.acquire() == {"pairs": {"lines": {"train/pairs": 3}, "files": files}}
    assert desk.pairs("train/toy") == []  # the folder is replaced as a whole
    desk.tables /= "a.tsv"
    desk.acquire()
    assert desk.pairs("train/pairs") == own[:2]


def test_all_that_lies_in_the_folder_is_read_whatever_it_is_called(desk):
    for name in ("README.md", ".DS_Store", "a.tsv", "b.csv", "c.TSV", "d.tsv.dvc", "deeper/e"):
        (desk.tables / name).parent.mkdir(exist_ok=True)
        (desk.tables / name).write_text("one\teins\n")
    assert desk.acquire("toy")["pairs"]["lines"] == {"train/pairs": 4}


def test_own_pairs_in_the_folder_old_are_a_corpus_of_their_own(desk):
    for name in ("a", "old/b", "older/c"):
        (desk.tables / name).parent.mkdir(parents=True, exist_ok=True)
        (desk.tables / f"{name}.tsv").write_text(f"{name}\teins\n")
    assert list(desk.acquire()) == ["pairs", "old_pairs"]
    assert desk.pairs("train/pairs") == [("a", "eins", "pairs"), ("older/c", "eins", "pairs")]
    assert desk.pairs("train/old_pairs") == [("old/b", "eins", "old_pairs")]


def test_the_same_inputs_give_the_same_bytes(desk):
    desk.acquire("toy")
    digest = sha256_tree(desk.root / "raw")
    desk.acquire("toy")
    assert sha256_tree(desk.root / "raw") == digest


def spoil_table(content: bytes) -> Callable[[Desk], None]:
    def spoil(desk: Desk) -> None:
        (desk.tables / "mine.tsv").write_bytes(content)

    return spoil


def spoil_file(language: str, content: str | bytes) -> Callable[[Desk], None]:
    return lambda desk: desk.add("train", "train", language, content)


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "Ein Haus\n")
    return packed.getvalue()


def spoil_checksum(desk: Desk) -> None:
    desk.groups["train"]["files"]["de"]["sha256"] = "0" * 64


def spoil_mirror(desk: Desk) -> None:
    desk.mirror = desk.root / "elsewhere"


def spoil_path(desk: Desk) -> None:
    desk.tables = desk.root / "mine.tsv"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_table(b"a\tb\nc\n"), r"mine.tsv: 1 of 2 rows are no pairs: 1 column in place of 2 (1 times, at line 2)"),
        (spoil_table(b"a\tb\tc\n"), "mine.tsv has 3 columns, of which the first row holds 'a', 'b', 'c'; say which"),
        (spoil_table(b"a\tb\n\xff\tc\n"), "mine.tsv, line 2: not valid UTF-8"),
        (spoil_table(b""), "mine.tsv is empty"),
        (spoil_path, "mine.tsv does not exist; name a file of pairs"),
        (spoil_file("de", "Ein Haus\n"), "train.en.gz has 2, https://corpora.invalid/train.de.gz has 1;"),
        (spoil_file("en", "A house\n"), "train.en.gz has 1, https://corpora.invalid/train.de.gz has 2;"),
        (spoil_file("de", gzip.compress(b"Ein Haus\nEin \xe4\n")), "train.de.gz, line 2: not valid UTF-8"),
        (spoil_file("de", gzip.compress(Random(1).randbytes(9000).hex().encode())[:-900]), "train.de.gz is truncated"),
        (spoil_file("de", zipped("a", "b")), "train.de.gz is an archive of 2 files; the catalogue needs one text"),
        (spoil_checksum, "train.de.gz is not what the catalogue says"),
        (spoil_mirror, "CORPUS_MIRROR: there is no folder"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_what_was_there(desk, spoil, message):
    desk.acquire("toy")
    before = sha256_tree(desk.root / "raw")
    spoil(desk)
    with pytest.raises(UserError, match=re.escape(message)) as error:
        desk.acquire("toy")
    assert "\n" not in str(error.value)
    assert sha256_tree(desk.root / "raw") == before
    assert not list(desk.root.glob(".raw*"))


def test_a_text_is_unpacked_by_its_content_and_not_by_its_name(desk):
    desk.add("train", "train", "de", b"Ein Haus\nEin Hund\n")  # at an address that ends in .gz
    desk.acquire("toy")
    assert [target for _, target, _ in desk.pairs("train/toy")] == ["Ein Haus", "Ein Hund"]


def test_a_corpus_of_empty_files_is_refused(desk):
    desk.add("train", "train", "en", "")
    desk.add("train", "train", "de", "")
    with pytest.raises(UserError, match="train/toy is empty"):
        desk.acquire("toy")


def test_no_corpus_at_all_is_refused(desk):
    with pytest.raises(UserError, match=re.escape("name one in corpora.names")):
        desk.acquire()


def test_without_network_and_mirror_the_url_is_named(desk, monkeypatch):
    monkeypatch.setattr("seq2seq.sources.fetch.BACK_OFF", ())
    desk.mirror = None
    with pytest.raises(UserError, match=rf"https://{HOST}/train\.en\.gz.*CORPUS_MIRROR"):
        desk.acquire("toy")


def test_a_corpus_from_elsewhere_stands_beside_others_under_its_own_name(desk):
    (desk.root / "mirror" / HOST / "more.tsv").write_text("A cat\tEine Katze\nbroken\n" + "A cow\tEine Kuh\n" * 99)
    desk.remote = [f"https://{HOST}/more.tsv"]
    facts = desk.acquire("toy")
    assert list(facts) == ["more.tsv", "toy"]
    assert desk.pairs("train/more.tsv")[:1] == [("A cat", "Eine Katze", "more.tsv")]
    assert facts["more.tsv"]["lines"] == {"train/more.tsv": 100}
    assert facts["more.tsv"]["files"][0]["put_aside"] == {"1 column in place of 2": 1}
    assert facts["more.tsv"]["fetched"][0]["url"] == f"https://{HOST}/more.tsv"
    assert desk.acquire()["more.tsv"] == facts["more.tsv"]  # it needs no other


def test_two_corpora_of_one_name_are_refused(desk):
    desk.remote = ["https://corpora.invalid/toy"]
    with pytest.raises(UserError, match=r"corpora\.remote: its toy has the name of a corpus in corpora\.names"):
        desk.acquire("toy")


@pytest.mark.parametrize(
    ("remote", "said"),
    [
        (["x.tsv"], r"'corpora\.remote'.*'x\.tsv' is none of https://"),
        (["https://a/x", "https://b/x"], r"'corpora\.remote'.*two corpora would be named 'x'"),
        (["https://a/pairs"], r"two corpora would be named 'pairs'"),
    ],
)
def test_entries_are_checked_before_anything_runs(remote, said):
    tree = load_section(ROOT / "params.yaml", "corpora", CorporaParams).model_dump() | {"remote": remote}
    with pytest.raises(UserError, match=said):
        check_section(tree, "corpora", CorporaParams, "params.yaml")


def test_a_corpus_is_named_once():
    with pytest.raises(UserError, match=r"'corpora\.names'.*a corpus is named twice"):
        check_section({"names": ["a", "a"], "pairs": "x"}, "corpora", CorporaParams, "params.yaml")


def run_stage(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    flags = "--catalogue data/catalogue.yaml --out data/raw --report reports/download.json"
    return subprocess.run(
        [sys.executable, "-m", "tasks.download", *flags.split()],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def workspace(tmp_path):
    """A copy of the repository's params and catalogue, where the stage can run."""
    (tmp_path / "data" / "pairs").mkdir(parents=True)
    for name in ["params.yaml", "data/catalogue.yaml"]:
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def choose(workspace: Path, names: list[str]) -> None:
    params = workspace / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("names: [phrasebook]", f"names: {names}"))


@pytest.mark.skipif(not MIRROR.is_dir(), reason="../shared/corpus-mirror is not on this machine")
def test_the_stage_gets_multi30k_from_the_mirror(workspace):
    choose(workspace, ["multi30k"])
    result = run_stage(workspace, CORPUS_MIRROR=str(MIRROR))
    assert result.returncode == 0, result.stderr
    lines = read_json(workspace / "reports" / "download.json")["multi30k"]["lines"]
    assert lines == {
        "train/multi30k": 29_000,
        "validation/multi30k": 1_014,
        "test/test_2016_flickr": 1_000,
        "test/test_2017_flickr": 1_000,
        "mono/multi30k": 145_000,
    }
    first = read_corpus(workspace / "data" / "raw" / "train" / "multi30k").iloc[0]
    assert first["source"] == "Two young, White males are outside near many bushes."
    assert first["target"] == "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche."


def test_the_stage_makes_the_phrasebook_without_network(workspace):
    params = workspace / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("mono_lines: 4000", "mono_lines: 0")
    params.write_text(text.replace("train_pairs: 20000", "train_pairs: 300"), encoding="utf-8")
    result = run_stage(workspace, HTTPS_PROXY="http://127.0.0.1:9", PIP_NO_INDEX="1")
    assert result.returncode == 0, result.stderr
    raw = workspace / "data" / "raw"
    assert len(read_corpus(raw / "train" / "phrasebook")) == 300
    found = sorted(str(path.parent.relative_to(raw)) for path in raw.rglob("part-*.parquet"))
    assert found == ["gate/phrasebook", "test/phrasebook_test", "train/phrasebook", "validation/phrasebook"]


def test_the_stage_ends_a_users_mistake_with_one_line(workspace):
    choose(workspace, ["multi30"])
    result = run_stage(workspace)
    assert result.returncode == 2
    assert result.stderr.startswith("error: corpora.names: unknown corpus 'multi30'; did you mean 'multi30k'?")
    assert result.stderr.count("\n") == 1
    assert not (workspace / "data" / "raw").exists()
