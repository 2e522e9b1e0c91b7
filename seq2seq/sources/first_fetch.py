"""Fetch files of which nobody told the digest: it is recorded when one is first fetched, and checked from then on.

The record stands in the store. Who wants it checked elsewhere too writes it behind the address, as pip does:
``https://HOST/FILE#sha256=DIGEST``.
"""

import datetime
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import read_json, sha256_file, write_json
from seq2seq.core.progress import Progress
from seq2seq.sources.catalogue import RemoteFile
from seq2seq.sources.fetch import Teller, check_answer, download, fetch, find_mirrored, locked, size_of

RECORD = "first_fetched.json"  # in a store: of each URL the SHA-256, the size, and the date of its first fetch
_BY_RECORD = Teller(
    "the record of its first fetch",
    "the file was changed; to take the new one, write its digest behind the address: #sha256=DIGEST",
)


class Address(NamedTuple):
    """A file on the network, and its digest if somebody told it."""

    url: str
    sha256: str | None = None


class Fetched(NamedTuple):
    """A verified local copy."""

    path: Path
    sha256: str
    bytes: int


def fetch_address(address: Address, store: Path, mirror: Path | None, progress: Progress) -> Fetched:
    """Return a local copy of a file: from the store, else from the mirror, else from the network.

    ``progress`` counts bytes. A fetch that was killed goes on where it stopped, if the server tells that the file is
    still the same, and starts over otherwise.

    Raises:
        UserError: the mirror or the host lacks the file, or its content isn't what was told or recorded.
        TransientError: the host is busy, or the connection was lost.
    """
    known = _read_record(store).get(address.url)
    if known is not None and address.sha256 in (None, known["sha256"]):
        file = RemoteFile(url=address.url, sha256=known["sha256"], bytes=known["bytes"])
        return Fetched(fetch(file, store, mirror, progress, _BY_RECORD), file.sha256, file.bytes)
    with locked(store):
        if mirror is not None:
            path = find_mirrored(address.url, mirror)
            progress.add(size_of(path))
        else:
            path = _fetch_first(address, store, progress)
        fetched = Fetched(path, sha256_file(path), size_of(path))
        try:
            _check(address, fetched)
        except UserError:
            if mirror is None:
                path.unlink()
            raise
        if mirror is None:
            fetched = fetched._replace(path=path.replace(store / fetched.sha256))
        _record(store, address.url, fetched)
    return fetched


def _read_record(store: Path) -> dict[str, Any]:
    try:
        return dict(read_json(store / RECORD))
    except FileNotFoundError:
        return {}


def _record(store: Path, url: str, fetched: Fetched) -> None:
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    entry = {"sha256": fetched.sha256, "bytes": fetched.bytes, "date": date}
    write_json(store / RECORD, _read_record(store) | {url: entry})


def _check(address: Address, fetched: Fetched) -> None:
    if address.sha256 is not None and fetched.sha256 != address.sha256:
        raise UserError(
            f"{address.url} is not what was asked for: {fetched.bytes:,} bytes with SHA-256 {fetched.sha256}, expected "
            f"{address.sha256}; the file was changed, or the digest is wrong"
        )
    if not fetched.bytes:
        raise UserError(f"{address.url} is an empty file; correct the address")


def _fetch_first(address: Address, store: Path, progress: Progress) -> Path:
    unfinished = _Unfinished(store, address.url)
    progress.add(size_of(unfinished.partial))
    try:
        download(address.url, unfinished.partial, lambda client: _append(client, address.url, unfinished, progress))
    except UserError:
        unfinished.forget()
        unfinished.partial.unlink(missing_ok=True)
        raise
    unfinished.forget()
    return unfinished.partial


class _Unfinished:
    """The part of a file that has come, and what the server called this version of it."""

    def __init__(self, store: Path, url: str) -> None:
        key = hashlib.sha256(url.encode()).hexdigest()
        self.partial = store / f"{key}.first.partial"
        self.version = store / f"{key}.first.version"
        self.once = store / f"{key}.first.once"  # the digest of what came where no server told the end

    def forget(self) -> None:
        """Remove what is known of the file besides its bytes."""
        self.version.unlink(missing_ok=True)
        self.once.unlink(missing_ok=True)


def _version(response: httpx.Response) -> str:
    """What tells one version of a file from another: a strong ETag, or a date (RFC 9110, section 13.1.5)."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else str(response.headers.get("Last-Modified", ""))


def _append(client: httpx.Client, url: str, unfinished: _Unfinished, progress: Progress) -> None:
    """Ask once for the bytes that are lacking, and append them; start over where they may be of another version."""
    partial = unfinished.partial
    start = size_of(partial)
    version = unfinished.version.read_text() if unfinished.version.exists() else ""
    headers = {"Accept-Encoding": "identity"}  # the digest is that of the file as it lies on the server
    if start and version:
        headers |= {"Range": f"bytes={start}-", "If-Range": version}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            partial.unlink()  # it was whole, or is another one now
            progress.add(-start)
            raise TransientError("the server has no more of the file; fetching it again")
        check_answer(response, url, "corpora.remote")
        if "text/html" in response.headers.get("Content-Type", ""):
            raise UserError(
                f"{url}: the server sent a web page where a file is needed; give the address of the file itself, or "
                "save it by hand and name it in corpora.pairs"
            )
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if not (start and response.status_code == httpx.codes.PARTIAL_CONTENT and goes_on):
            progress.add(-start)
            start = 0
        with partial.open("ab" if start else "wb") as output:
            unfinished.version.write_text(_version(response))
            for chunk in response.iter_raw():
                output.write(chunk)
                progress.add(len(chunk))
    if not _tells_end(response):
        _compare(url, unfinished, progress)


def _tells_end(response: httpx.Response) -> bool:
    """Whether a connection that broke would have been noticed: else its end is the end of the file."""
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    return chunked or "Content-Length" in response.headers


def _compare(url: str, unfinished: _Unfinished, progress: Progress) -> None:
    """Take the file as whole when it came twice the same.

    Raises:
        TransientError: it came once.
    """
    found = sha256_file(unfinished.partial)
    before = unfinished.once.read_text() if unfinished.once.exists() else ""
    if found == before:
        return
    if not before:
        print(
            f"notice: {url}: the server doesn't tell how long the file is, so it is fetched until it came twice alike"
        )
    unfinished.once.write_text(found)
    unfinished.version.unlink(missing_ok=True)  # so that it is fetched from the start
    raise TransientError("the server doesn't tell how long the file is, and it came otherwise each time")
