import gzip
import hashlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.progress import Progress
from seq2seq.sources import fetch as download
from seq2seq.sources.catalogue import RemoteFile
from seq2seq.sources.fetch import fetch, locked

CONTENT = bytes(range(256)) * 2000


class Server(ThreadingHTTPServer):
    """Serves CONTENT at any path; ``script`` says what to do with the requests to come, then all goes well."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[str | int] = []
        self.ranges: list[str | None] = []
        self.honours_range = True
        self.labels = False  # whether it calls the file's own bytes an encoding, as many do with .gz

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/corpora/all.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        step = self.server.script.pop(0) if self.server.script else "ok"
        if isinstance(step, int):
            self.send_error(step)
            return
        asked = self.headers["Range"] if self.server.honours_range else None
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        body = CONTENT[start:]
        compress = not start and "gzip" in self.headers.get("Accept-Encoding", "")
        if compress:
            body = gzip.compress(body)
        self.send_response(206 if start else 200)
        if compress or self.server.labels:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if step == "drop" else body)

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
    monkeypatch.setattr(download, "BACK_OFF", (0.01, 0.01))


def remote(url: str, content: bytes = CONTENT) -> RemoteFile:
    return RemoteFile(url=url, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def get(file: RemoteFile, store: Path, mirror: Path | None = None) -> Path:
    return fetch(file, store, mirror, Progress("test", file.bytes, "bytes", quiet=True))


def test_a_file_is_fetched_once_and_kept_by_its_content(server, tmp_path):
    file = remote(server.url)
    path = get(file, tmp_path)
    assert path.read_bytes() == CONTENT
    assert path.name == file.sha256
    assert get(file, tmp_path) == path
    assert len(server.ranges) == 1


def test_a_server_that_would_compress_sends_the_file_as_it_is(server, tmp_path):
    assert "gzip" in httpx.get(server.url).headers["Content-Encoding"]
    assert get(remote(server.url), tmp_path).read_bytes() == CONTENT


def test_a_compressed_file_stays_compressed_whatever_the_server_calls_it(server, tmp_path, monkeypatch):
    packed = gzip.compress(CONTENT)
    monkeypatch.setitem(globals(), "CONTENT", packed)
    server.labels = True
    assert get(remote(server.url, packed), tmp_path).read_bytes() == packed


def test_a_dropped_connection_goes_on_where_it_broke(server, tmp_path):
    server.script = ["drop", "drop"]
    assert get(remote(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={len(CONTENT) // 2}-", f"bytes={len(CONTENT) // 4 * 3}-"]


def test_a_download_that_gets_on_is_never_given_up(server, tmp_path):
    server.script = ["drop", 503, 503, "drop", "drop", 503, "drop", 503, 503]
    assert get(remote(server.url), tmp_path).read_bytes() == CONTENT
    assert len(server.ranges) == 10


def test_what_a_killed_download_left_is_not_fetched_again(server, tmp_path):
    file = remote(server.url)
    (tmp_path / f"{file.sha256}.partial").write_bytes(CONTENT[:1000])
    with Progress("test", file.bytes, "bytes", quiet=True) as progress:
        assert fetch(file, tmp_path, None, progress).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]
    assert progress.done == len(CONTENT)


def test_a_download_killed_when_all_was_there_asks_for_nothing(server, tmp_path):
    file = remote(server.url)
    (tmp_path / f"{file.sha256}.partial").write_bytes(CONTENT)
    assert get(file, tmp_path).read_bytes() == CONTENT
    assert server.ranges == []


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.honours_range = False
    server.script = ["drop"]
    with Progress("test", len(CONTENT), "bytes", quiet=True) as progress:
        assert fetch(remote(server.url), tmp_path, None, progress).read_bytes() == CONTENT
    assert len(server.ranges) == 2
    assert progress.done == len(CONTENT)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server, tmp_path, status):
    server.script = [status, status]
    assert get(remote(server.url), tmp_path).read_bytes() == CONTENT
    assert len(server.ranges) == 3


def test_a_server_that_stays_busy_is_given_up_for_now(server, tmp_path):
    server.script = [503] * 9
    with pytest.raises(TransientError, match="503") as error:
        get(remote(server.url), tmp_path)
    assert server.url in str(error.value)
    assert len(server.ranges) == 3


@pytest.mark.parametrize("status", [403, 404])
def test_a_missing_file_is_the_users_to_mend_at_once(server, tmp_path, status):
    server.script = [status] * 9
    with pytest.raises(UserError, match=f"{re.escape(server.url)}.*{status}"):
        get(remote(server.url), tmp_path)
    assert len(server.ranges) == 1


def test_no_network_names_the_url_and_the_mirror(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "BACK_OFF", (0.01, 100.0))
    with Server() as closed:
        url = closed.url
    started = time.monotonic()
    with pytest.raises(UserError, match=f"can't reach {re.escape(url)}.*CORPUS_MIRROR"):
        get(remote(url), tmp_path)
    assert time.monotonic() - started < 100  # which it would wait for a host that answered


def test_a_wrong_checksum_keeps_nothing(server, tmp_path):
    file = remote(server.url, CONTENT[::-1])
    with pytest.raises(UserError, match=f"{hashlib.sha256(CONTENT).hexdigest()}.*{file.sha256}"):
        get(file, tmp_path)
    assert not list(tmp_path.glob("*.partial"))
    assert not (tmp_path / file.sha256).exists()


def test_a_file_that_grew_is_refused_before_it_is_fetched(server, tmp_path):
    with pytest.raises(UserError, match="512,000 bytes where the catalogue says 9"):
        get(remote(server.url, b"something"), tmp_path)


def test_a_damaged_file_in_the_store_is_fetched_again(server, tmp_path):
    file = remote(server.url)
    (tmp_path / file.sha256).write_bytes(b"half written when the power went")
    assert get(file, tmp_path).read_bytes() == CONTENT


def test_two_processes_fetch_one_file_without_harm(server, tmp_path):
    server.script = ["drop", "drop", "drop"]
    file = remote(server.url)
    code = (
        "import sys; from pathlib import Path; from seq2seq.sources.catalogue import RemoteFile; "
        "from seq2seq.sources.fetch import fetch; from seq2seq.core.progress import Progress; "
        "file = RemoteFile(url=sys.argv[1], sha256=sys.argv[2], bytes=int(sys.argv[3])); "
        "fetch(file, Path(sys.argv[4]), None, Progress('test', 1, 'bytes', quiet=True))"
    )
    command = [sys.executable, "-c", code, file.url, file.sha256, str(file.bytes), str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert (tmp_path / file.sha256).read_bytes() == CONTENT
    assert len(server.ranges) == 4  # three drops and the end: the second process fetched nothing


def test_a_store_may_be_a_link_to_a_folder_that_is_gone(server, tmp_path):
    (tmp_path / "store").symlink_to("shared/store")
    assert get(remote(server.url), tmp_path / "store").read_bytes() == CONTENT
    assert (tmp_path / "shared" / "store" / remote(server.url).sha256).exists()


def test_who_waits_for_a_store_says_so(tmp_path, capsys):
    with locked(tmp_path) as lock:
        child = subprocess.Popen(["sleep", "2"], pass_fds=(lock.fileno(),))  # as pip does
    with locked(tmp_path):
        child.wait(60)
    assert capsys.readouterr().err == f"another process fetches files into {tmp_path}; waiting for it to end\n"


def test_a_mirror_replaces_the_network(tmp_path):
    mirror, store = tmp_path / "mirror", tmp_path / "store"
    copy = mirror / "nowhere.invalid" / "a b" / "c.gz"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"mirrored")
    file = remote("https://nowhere.invalid/a%20b/c.gz", b"mirrored")
    assert get(file, store, mirror).read_bytes() == b"mirrored"
    copy.write_bytes(b"tampered")
    with pytest.raises(UserError, match=re.escape(str(copy))):
        get(file, store, mirror)


def test_a_file_that_the_mirror_lacks_is_named(tmp_path):
    with pytest.raises(UserError, match=r"the mirror lacks https://nowhere\.invalid/c\.gz.*nowhere\.invalid/c\.gz"):
        get(remote("https://nowhere.invalid/c.gz"), tmp_path / "store", tmp_path)
