"""What docs/own-data.md says of files and of corpora from elsewhere is so."""

import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.runs import resolve
from seq2seq.settings import check_parameters
from seq2seq.sources.readers.own import check_sources, find_sources
from seq2seq.sources.remote.entries import parse_entry
from tests.sources.readers.reading import TWO
from tests.sources.readers.test_fuzz import seeds
from tests.sources.readers.test_subtitles import SIDES, srt
from tests.toy_project import REPOSITORY

TEXT = (REPOSITORY / "docs" / "own-data.md").read_text(encoding="utf-8")
KINDS = {"anki.txt": "anki", "mine.tar.gz": "tar.gz", "mine.tsv.zst": "zstd", "mine.xlf": "xliff 1"}


def first_cells(heading):
    table = re.search(rf"^\| {re.escape(heading)} \|.*?\n\n", TEXT, re.DOTALL | re.MULTILINE)
    assert table
    return [name for row in table[0].strip().splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return seeds(tmp_path_factory.mktemp("seeds"))


@pytest.mark.parametrize("name", first_cells("file"))
def test_the_command_takes_each_file_of_the_table(tmp_path, monkeypatch, name, samples):
    if name == "folder":
        (tmp_path / name).mkdir()
        for language, texts in zip(("en", "de"), SIDES, strict=True):
            (tmp_path / name / f"x.{language}").write_text("\n".join(texts))
            (tmp_path / name / f"film.{language}.srt").write_text(srt(texts))
    elif name == "anki.txt":
        credit = "CC-BY 2.0 (France) Attribution: tatoeba.org #1 (CM) & #2 (CK)"
        (tmp_path / name).write_text("".join(f"{source}\t{target}\t{credit}\n" for source, target in TWO))
    else:
        (tmp_path / name).write_bytes(samples[KINDS.get(name, name.rpartition(".")[2])])
    command = next(line for line in TEXT.splitlines() if "corpora.pairs=mine.tsv" in line)
    sets = [value.strip("'") for value in re.findall(r"--set ('[^']*'|\S+)", command.replace("mine.tsv", name))]
    params = check_parameters(*resolve(REPOSITORY, [], sets))
    monkeypatch.chdir(tmp_path)
    sources = find_sources(Path(params.corpora.pairs), params.corpora.wanted(params.languages))
    assert sources
    check_sources(sources, params.corpora.bad_rows_percent)


def test_entries_of_the_table_are_entries():
    entries = first_cells("`corpora.remote`")
    assert len(entries) >= 4
    for entry in entries:
        if not entry.startswith("/"):
            parse_entry(entry)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.slow
def test_dvc_imports_a_corpus_and_updates_it_when_it_changed(tmp_path):
    source = tmp_path / "www" / "corpus.tsv"
    project = tmp_path / "project"
    source.parent.mkdir()
    (project / "data" / "pairs").mkdir(parents=True)
    (project / ".gitignore").write_bytes((REPOSITORY / ".gitignore").read_bytes())
    source.write_text("A house\tEin Haus\n")

    def run(*command: str) -> str:
        return subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout

    dvc = (sys.executable, "-m", "dvc")
    run("git", "init", "-q")
    run(*dvc, "init", "-q")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=source.parent)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        run(*dvc, "import-url", f"http://127.0.0.1:{server.server_port}/corpus.tsv", "data/pairs/corpus.tsv")
        copy = project / "data" / "pairs" / "corpus.tsv"
        assert copy.read_bytes() == source.read_bytes()
        assert "corpus.tsv.dvc" in run("git", "status", "--short", "--untracked-files=all", "data/pairs")
        source.write_text("A house\tEin Haus\nA dog\tEin Hund\n")
        run(*dvc, "update", "data/pairs/corpus.tsv.dvc")
        assert copy.read_bytes() == source.read_bytes()
        server.shutdown()
