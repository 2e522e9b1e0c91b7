import gzip
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sacrebleu.dataset import DATASETS

from seq2seq.core.errors import UserError
from seq2seq.core.progress import Progress
from seq2seq.sources.first_fetch import Address
from seq2seq.sources.readers.own import read_sources
from seq2seq.sources.readers.rows import Wanted
from seq2seq.sources.remote import huggingface, opus
from seq2seq.sources.remote.acquire import Fetcher, acquire_remote
from seq2seq.sources.remote.entries import Dataset, NamedSet, Opus, name_entry, parse_entry
from tests.sources.readers.reading import TWO, tsv

TURNED = [(target, source) for source, target in TWO]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Server(ThreadingHTTPServer):
    """Plays the places where corpora lie: what to answer by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(unquote(self.path))
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(opus, "HOST", server.url)
        monkeypatch.setattr(huggingface, "HUB", server.url)
        yield server
        server.shutdown()


@pytest.fixture
def get(tmp_path):
    """Acquire an entry; return the pairs of each part, and the facts."""

    def get(text, source="en", target="de", mirror=None):
        fetcher = Fetcher(tmp_path / "store", mirror, Progress("test", None, "bytes", quiet=True))
        remote = acquire_remote(parse_entry(text), Wanted(source, target), fetcher)
        pairs = {}
        for part, sources in remote.parts.items():
            frames = list(read_sources(sources, 0.0, "it", []))
            pairs[part] = [pair for frame in frames for pair in zip(frame["source"], frame["target"], strict=True)]
        return pairs, remote.facts

    return get


@pytest.mark.parametrize(
    ("text", "entry", "name"),
    [
        ("https://a.org/b/c.tsv.gz", Address("https://a.org/b/c.tsv.gz", None), "c.tsv.gz"),
        (f"http://a.org/c%20d.zip?x=1#sha256={'a' * 64}", Address("http://a.org/c%20d.zip?x=1", "a" * 64), "c-20d.zip"),
        ("opus:Tatoeba/v2023-04-12", Opus("Tatoeba", "v2023-04-12", None, None), "Tatoeba-v2023-04-12"),
        ("opus:OpenSubtitles/v2018/en-zh_cn", Opus("OpenSubtitles", "v2018", "en", "zh_cn"), "OpenSubtitles-v2018"),
        ("hf:wmt/wmt14@main", Dataset("wmt/wmt14", "main", None), "wmt-wmt14"),
        ("hf:wmt/wmt14@abc/de-en", Dataset("wmt/wmt14", "abc", "de-en"), "wmt-wmt14-de-en"),
        ("sacrebleu:wmt16/B", NamedSet("wmt16/B"), "wmt16-B"),
    ],
)
def test_an_entry_tells_what_it_is_and_has_a_name(text, entry, name):
    assert parse_entry(text) == entry
    assert name_entry(entry) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x.tsv",
        "ftp://a/b",
        "https://a",
        "https://a/b#sha256=1",
        "opus:Tatoeba",
        "hf:wmt14",
        "opus:../x/v1",
        "wmt19",
    ],
)
def test_what_is_no_entry_is_told_what_one_is(text):
    with pytest.raises(UserError, match=r"corpora\.remote: .* is none of https://HOST/FILE, opus:CORPUS/VERSION"):
        parse_entry(text)


def test_a_file_of_any_kind_is_fetched_by_its_address(server, get):
    server.files["/a/b.csv.gz"] = data = gzip.compress(b"de;en\nEin Haus;A house\nEin Hund;A dog\n", mtime=0)
    parts, facts = get(f"{server.url}/a/b.csv.gz")
    assert parts == {"train/b.csv.gz": TWO}
    told = {"url": f"{server.url}/a/b.csv.gz", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert facts == {"fetched": [told]}
    with pytest.raises(UserError, match="is not what was asked for"):
        get(f"{server.url}/a/b.csv.gz#sha256={'0' * 64}")
    with pytest.raises(UserError, match=r"answered 404 Not Found; correct the URL in corpora\.remote"):
        get(f"{server.url}/a/c.csv.gz")


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.mark.parametrize("turned", [False, True])
def test_a_corpus_of_opus_is_fetched(server, get, turned):
    sides = ["".join(f"{pair[side]}\n" for pair in TWO) for side in (0, 1)]
    members = {"Toy.de-en.en": sides[0], "Toy.de-en.de": sides[1], "Toy.de-en.xml": "<cesAlign/>", "README": "Toy"}
    server.files["/OPUS-Toy/v1/moses/de-en.txt.zip"] = zipped(members | {"LICENSE": "CC-BY\n4.0"})
    parts, facts = get("opus:Toy/v1", "de", "en") if turned else get("opus:Toy/v1")
    assert parts == {"train/Toy-v1": TURNED if turned else TWO}
    assert facts["licence"] == "CC-BY 4.0"
    assert "Tiedemann" in facts["citation"]
    server.files["/OPUS-Toy/v1/moses/de-fr.txt.zip"] = zipped(members)
    with pytest.raises(UserError, match=r"de-fr\.txt\.zip has 0 texts in 'fr'; it holds README, Toy\.de-en\.de"):
        get("opus:Toy/v1", "fr", "de")


def test_codes_of_opus_may_be_given(server, get):
    sides = ["".join(f"{pair[side]}\n" for pair in TWO) for side in (0, 1)]
    server.files["/OPUS-Toy/v1/moses/en-zh_cn.txt.zip"] = zipped(
        {"T.en-zh_cn.en": sides[0], "T.en-zh_cn.zh_cn": sides[1]}
    )
    assert get("opus:Toy/v1/en-zh_cn", "en", "zh-Hans")[0] == {"train/Toy-v1": TWO}


def parquet(pairs):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"translation": [{"de": target, "en": source} for source, target in pairs]}), buffer)
    return buffer.getvalue()


@pytest.fixture
def hub(server):
    """A dataset with two configurations, as the hub serves it."""
    files = {
        "de-en/train-00000-of-00002.parquet": parquet(TWO[:1]),
        "de-en/train-00001-of-00002.parquet": parquet(TWO[1:]),
        "de-en/validation-00000-of-00001.parquet": parquet([("A cat", "Eine Katze")]),
        "de-en/test-00000-of-00001.parquet": parquet([("A cow", "Eine Kuh")]),
        "fr-en/train-00000-of-00001.parquet": parquet([]),
        "README.md": b"---",
        ".gitattributes": b"",
        "dataset_infos.json": b"{}",
    }
    siblings = [
        {"rfilename": name, "lfs": {"sha256": hashlib.sha256(data).hexdigest()} if name.endswith("parquet") else None}
        for name, data in files.items()
    ]
    answer = {"sha": COMMIT, "siblings": siblings, "cardData": {"license": "cc0-1.0"}, "downloads": 7}
    for revision in (COMMIT, "main", "refs/convert"):
        server.files[f"/api/datasets/us/toy/revision/{revision}?blobs=true"] = json.dumps(answer).encode()
    for name, data in files.items():
        server.files[f"/datasets/us/toy/resolve/{COMMIT}/{name}"] = data
    return server


def test_a_dataset_of_hugging_face_is_fetched_at_one_revision(hub, get, capsys):
    parts, facts = get(f"hf:us/toy@{COMMIT}")
    assert parts == {
        "train/us-toy": TWO,
        "validation/us-toy": [("A cat", "Eine Katze")],
        "test/us-toy_test": [("A cow", "Eine Kuh")],
    }
    assert facts["licence"] == "cc0-1.0"
    assert COMMIT in facts["citation"]
    assert capsys.readouterr().out == ""
    before = len(hub.asked)
    assert get("hf:us/toy@main/de-en")[0]["train/us-toy-de-en"] == TWO
    assert f"hf:us/toy@main is now {COMMIT}" in capsys.readouterr().out
    assert hub.asked[before:] == ["/api/datasets/us/toy/revision/main?blobs=true"]  # the files were there


def test_a_file_of_a_dataset_that_is_not_what_the_hub_says_is_refused(hub, get):
    hub.files[f"/datasets/us/toy/resolve/{COMMIT}/de-en/test-00000-of-00001.parquet"] = parquet(TWO)
    with pytest.raises(UserError, match="is not what was asked for"):
        get(f"hf:us/toy@{COMMIT}")


@pytest.mark.parametrize(
    ("text", "languages", "said"),
    [
        ("hf:us/toy@main/xx", ("en", "de"), r"has no files of pairs in xx; it has them in de-en, fr-en"),
        ("hf:us/toy@main", ("en", "cs"), r"write hf:us/toy@main/FOLDER; it has them in de-en, fr-en"),
        ("hf:us/other@main", ("en", "de"), r"answered 404"),
    ],
)
def test_it_is_said_which_part_of_a_dataset_there_is(hub, get, text, languages, said):
    with pytest.raises(UserError, match=said):
        get(text, *languages)


def test_a_dataset_may_lie_on_a_mirror(hub, get, tmp_path, monkeypatch):
    for path, data in hub.files.items():
        copy = tmp_path / "mirror" / "hub.invalid" / path.lstrip("/").partition("?")[0]
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
    monkeypatch.setattr(huggingface, "HUB", "https://hub.invalid")
    assert get(f"hf:us/toy@{COMMIT}", mirror=tmp_path / "mirror")[0]["train/us-toy"] == TWO
    assert hub.asked == []


def tarred(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def segments(texts):
    return "".join(f'<seg id="{number}">{text}</seg>\n' for number, text in enumerate(texts, start=1))


def test_a_test_set_is_read_as_sacrebleu_reads_it(server, get, monkeypatch):
    source, target = DATASETS["wmt19"].langpairs["en-de"]
    data = tarred({source: segments(["A &amp; house", "A dog"]), target: segments(["Ein Haus", "Ein  Hund"])})
    server.files["/test.tgz"] = data
    monkeypatch.setattr(DATASETS["wmt19"], "data", [f"{server.url}/test.tgz"])
    with pytest.raises(UserError, match=r"has the MD5 \w{32} where sacreBLEU expects 84de7162d158e28403"):
        get("sacrebleu:wmt19")
    monkeypatch.setattr(DATASETS["wmt19"], "md5", [hashlib.md5(data).hexdigest()])
    parts, facts = get("sacrebleu:wmt19")
    assert parts == {"test/wmt19": [("A &amp; house", "Ein Haus"), ("A dog", "Ein Hund")]}
    assert "proceedings" in facts["citation"]


def test_all_references_of_a_test_set_are_taken(server, get, monkeypatch):
    source, *targets = DATASETS["wmt17/tworefs"].langpairs["en-fi"]
    texts = [segments(["Ein Haus", "Ein Hund"]), segments(["Das Haus", "Der Hund"])]
    data = tarred({source: segments(["A house", "A dog"]), **dict(zip(targets, texts, strict=True))})
    server.files["/test.tgz"] = data
    monkeypatch.setattr(DATASETS["wmt17/tworefs"], "data", [f"{server.url}/test.tgz"])
    monkeypatch.setattr(DATASETS["wmt17/tworefs"], "md5", [hashlib.md5(data).hexdigest()])
    pairs = get("sacrebleu:wmt17/tworefs", "en", "fi")[0]["test/wmt17-tworefs"]
    assert pairs == [("A house", "Ein Haus"), ("A house", "Das Haus"), ("A dog", "Ein Hund"), ("A dog", "Der Hund")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sacrebleu:wmt99", r"sacreBLEU knows no set wmt99; .* has .*wmt19"),
        ("sacrebleu:wmt19", r"sacrebleu:wmt19 is not in en-fr; it is in .*en-de"),
    ],
)
def test_it_is_said_which_test_sets_there_are(get, text, said):
    with pytest.raises(UserError, match=said):
        get(text, "en", "fr")


def test_a_table_of_a_mirror_needs_no_network(get, tmp_path):
    copy = tmp_path / "mirror" / "a.invalid" / "b.tsv"
    copy.parent.mkdir(parents=True)
    copy.write_text(tsv(TWO))
    assert get("https://a.invalid/b.tsv", mirror=tmp_path / "mirror")[0] == {"train/b.tsv": TWO}
