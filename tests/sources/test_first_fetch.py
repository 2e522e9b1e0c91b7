import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import read_json, write_json
from seq2seq.core.progress import Progress
from seq2seq.sources import fetch as fetch_module
from seq2seq.sources.first_fetch import RECORD, Address, fetch_address

CONTENT = bytes(range(256)) * 2000


class Server(ThreadingHTTPServer):
    """Serves ``content`` at any path, with as much or as little in the headers as a test wants."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.headers: dict[str, str] = {"ETag": '"one"'}
        self.framing = "length"  # length, chunked, or none: the end of the connection is the end of the file
        self.drops: list[int] = []  # of the answers to come, the bytes after which the connection breaks
        self.asked: list[tuple[str | None, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/corpus.tsv.gz"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        asked, condition = self.headers["Range"], self.headers["If-Range"]
        server.asked.append((asked, condition))
        known = (server.headers.get("ETag"), server.headers.get("Last-Modified"))
        start = int(asked[6:-1]) if asked and condition in known else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        for name, value in server.headers.items():
            self.send_header(name, value)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.close_connection = True
        self.answer(server.content[start:], server.drops.pop(0) if server.drops else None)

    def answer(self, body: bytes, stop: int | None) -> None:
        if self.server.framing == "length":
            self.send_header("Content-Length", str(len(body)))
        if self.server.framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = body[:stop]
        if self.server.framing == "chunked":
            self.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent) + (b"0\r\n\r\n" if stop is None else b""))
        else:
            self.wfile.write(sent)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(fetch_module, "BACK_OFF", (0.01, 0.01))


@pytest.fixture
def get(server, tmp_path):
    def get(sha256=None, mirror=None):
        progress = Progress("test", None, "bytes", quiet=True)
        fetched = fetch_address(Address(server.url, sha256), tmp_path / "store", mirror, progress)
        assert fetched.bytes == fetched.path.stat().st_size == progress.done
        return fetched

    return get


def test_a_file_is_recorded_when_first_fetched_and_asked_for_once(server, get, tmp_path):
    fetched = get()
    assert fetched.path.read_bytes() == CONTENT
    record = read_json(tmp_path / "store" / RECORD)[server.url]
    assert (record["sha256"], record["bytes"]) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert get() == fetched
    assert len(server.asked) == 1
    assert sorted(path.name for path in fetched.path.parent.iterdir()) == sorted([fetched.sha256, RECORD, "lock"])


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[::-1]])
def test_a_file_that_changed_at_its_source_is_refused_until_its_digest_is_written_down(server, get, content):
    get().path.unlink()
    server.content = content
    with pytest.raises(UserError, match=r"the record of its first fetch says.*#sha256=DIGEST"):
        get()
    assert get(hashlib.sha256(content).hexdigest()).path.read_bytes() == content


def test_a_digest_behind_the_address_is_checked(server, get, tmp_path):
    with pytest.raises(UserError, match=f"not what was asked for.*{'0' * 64}"):
        get("0" * 64)
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["lock"]  # neither kept nor recorded


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_a_dropped_connection_goes_on_where_the_server_tells_versions_apart(server, get, header):
    server.headers = {header: "Sat, 28 Nov 2026 07:00:00 GMT"}
    server.drops = [1000]
    assert get().path.read_bytes() == CONTENT
    assert server.asked == [(None, None), ("bytes=1000-", "Sat, 28 Nov 2026 07:00:00 GMT")]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}])
def test_without_that_it_starts_over(server, get, headers):
    server.headers = headers
    server.drops = [1000]
    assert get().path.read_bytes() == CONTENT
    assert server.asked == [(None, None), (None, None)]


def test_a_file_that_changes_between_two_tries_is_not_pieced_together(server, get):
    server.drops = [1000]
    progress_to = server.headers

    class Changing(dict):  # after the first answer the server has another version
        def items(self):
            items = list(super().items())
            server.content, server.headers = CONTENT[::-1], {"ETag": '"two"'}
            return items

    server.headers = Changing(progress_to)
    assert get().path.read_bytes() == CONTENT[::-1]
    assert server.asked[1] == ("bytes=1000-", '"one"')


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_part_is_never_taken_for_the_whole(server, get, framing, tmp_path):
    server.framing, server.headers = framing, {}
    server.drops = [1000] * 9
    with pytest.raises(TransientError, match="can't download"):
        get()
    assert not (tmp_path / "store" / RECORD).exists()


def test_nor_where_no_server_tells_the_end(server, get, capsys):
    server.framing = "none"
    server.drops = [1000]  # which looks like the whole file
    assert get().path.read_bytes() == CONTENT
    assert len(server.asked) == 3  # a part, the whole, the whole again
    assert "fetched until it came twice alike" in capsys.readouterr().out


def test_what_a_killed_fetch_left_whole_is_fetched_again(server, get, tmp_path):
    key = tmp_path / "store" / hashlib.sha256(server.url.encode()).hexdigest()
    key.parent.mkdir()
    key.with_suffix(".first.partial").write_bytes(CONTENT + b"more")
    key.with_suffix(".first.version").write_text('"one"')
    assert get().path.read_bytes() == CONTENT  # answered 416 first


def test_a_web_page_in_place_of_a_file_is_refused(server, get):
    server.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(UserError, match="sent a web page where a file is needed"):
        get()


def test_an_empty_file_is_refused(server, get, tmp_path):
    server.content = b""
    server.framing = "length"
    mirror = tmp_path / "mirror" / "127.0.0.1"
    mirror.mkdir(parents=True)
    (mirror / "corpus.tsv.gz").touch()
    with pytest.raises(UserError, match="is an empty file"):
        get(mirror=mirror.parent)


def test_a_mirror_replaces_the_network_and_is_recorded_too(server, get, tmp_path):
    mirror = tmp_path / "mirror" / "127.0.0.1"
    mirror.mkdir(parents=True)
    (mirror / "corpus.tsv.gz").write_bytes(b"mirrored")
    assert get(mirror=mirror.parent).path == mirror / "corpus.tsv.gz"
    assert server.asked == []
    (mirror / "corpus.tsv.gz").write_bytes(b"tampered")
    with pytest.raises(UserError, match="the record of its first fetch"):
        get(mirror=mirror.parent)
    write_json(tmp_path / "store" / RECORD, {})
    assert get(mirror=mirror.parent).path.read_bytes() == b"tampered"
