"""Fetch files by content: resumed, retried, verified, and kept under their SHA-256.

A store is a folder of verified files named by their digest; ``DIGEST.partial`` is an unfinished one.
"""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx

from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import hold_lock, sha256_file
from seq2seq.core.progress import Progress
from seq2seq.sources.catalogue import RemoteFile

BACK_OFF = (0.5, 1.0, 2.0, 4.0)  # seconds before each further try; a try that brought bytes starts over
TIMEOUT = httpx.Timeout(30.0, connect=3.0)  # seconds
SECONDS_TO_ANSWER = 2.0  # of a host that doesn't answer at all; then it's the user's network or the URL
_WAYS_OUT = (
    "check the network and run the same command again, or set CORPUS_MIRROR to a folder that has the file at HOST/PATH"
)
_BUSY = {408, 425, 429, 500, 502, 503, 504}  # answers that may change by themselves


class Teller(NamedTuple):
    """Who told what a file has to be, and what a user does whose file is another."""

    name: str
    way_out: str


CATALOGUE = Teller("the catalogue", "the file was changed, or the catalogue is wrong")


def locked(store: Path) -> AbstractContextManager[BinaryIO]:
    """Hold a store's one writer's lock; yield its file, for a child process to hold it too."""
    # resolved: a working copy's store is a link to the checkout's, which may have been removed since
    return hold_lock(store.resolve() / "lock", f"another process fetches files into {store}; waiting for it to end")


def find(store: Path, sha256: str) -> Path | None:
    """The stored file of that digest, if it is there and whole."""
    path = store / sha256
    return path if path.is_file() and sha256_file(path) == sha256 else None


def fetch(file: RemoteFile, store: Path, mirror: Path | None, progress: Progress, teller: Teller = CATALOGUE) -> Path:
    """Return a verified local copy of ``file``: from the store, else from the mirror, else from the network.

    A mirror is a folder with the files at ``HOST/PATH``; where there is one, the network is not used.
    ``progress`` counts bytes. A fetch that was killed goes on where it stopped.

    Raises:
        UserError: the mirror or the host lacks the file, its content is not what ``teller`` says, or the host
            doesn't answer at all.
        TransientError: the host is busy, or the connection was lost.
    """
    with locked(store):
        if kept := find(store, file.sha256):
            progress.add(file.bytes)
            return kept
        if mirror is not None:
            progress.add(file.bytes)
            path = find_mirrored(file.url, mirror)
            _verify(path, file, str(path), teller)
            return path
        partial = store / f"{file.sha256}.partial"
        progress.add(size_of(partial))
        try:
            download(file.url, partial, lambda client: _append(client, file, partial, progress, teller))
            _verify(partial, file, file.url, teller)
        except UserError:
            partial.unlink(missing_ok=True)
            raise
        return partial.replace(store / file.sha256)


def find_mirrored(url: str, mirror: Path) -> Path:
    """The copy of a file that a mirror has.

    Raises:
        UserError: it has none.
    """
    parts = urlsplit(url)
    path = mirror / (parts.hostname or "") / unquote(parts.path).lstrip("/")
    if not path.is_file():
        raise UserError(f"the mirror lacks {url}: put it at {path}, or unset CORPUS_MIRROR to use the network")
    return path


def _verify(path: Path, file: RemoteFile, where: str, teller: Teller) -> None:
    found = sha256_file(path)
    if found != file.sha256:
        raise UserError(
            f"{where} is not what {teller.name} says: {path.stat().st_size:,} bytes with SHA-256 {found}, "
            f"expected {file.bytes:,} with {file.sha256}; try again, and if it stays so, {teller.way_out}"
        )


def size_of(path: Path) -> int:
    """Bytes of a file; one that isn't there has none."""
    return path.stat().st_size if path.exists() else 0


def download(url: str, partial: Path, append: Callable[[httpx.Client], None]) -> None:
    """Let ``append`` bring ``partial`` to its full size, calling it again as long as that may help.

    Raises:
        UserError: what ``append`` raises, or the host doesn't answer at all.
        TransientError: the host is busy, or the connection was lost.
    """
    failures = 0
    answered = False
    started = time.monotonic()
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
        while True:
            before = size_of(partial)
            try:
                return append(client)
            except (httpx.RequestError, TransientError) as error:
                answered |= not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
                failures = 0 if size_of(partial) > before else failures + 1
                wait = BACK_OFF[max(failures - 1, 0)] if failures <= len(BACK_OFF) else math.inf
                reason = str(error) or type(error).__name__
                if not answered and time.monotonic() - started + wait > SECONDS_TO_ANSWER:
                    raise UserError(f"can't reach {url} ({reason}); {_WAYS_OUT}") from None
                if wait == math.inf:
                    raise TransientError(f"can't download {url} ({reason}); {_WAYS_OUT}") from None
            time.sleep(wait)


def check_answer(response: httpx.Response, url: str, correct: str) -> None:
    """Refuse an answer that isn't the file.

    Args:
        response: the answer.
        url: what was asked for, before redirections.
        correct: where the user corrects that URL.

    Raises:
        TransientError: the host is busy.
        UserError: it has no such file, or doesn't give it.
    """
    if response.status_code in _BUSY:
        raise TransientError(f"the server answered {response.status_code} {response.reason_phrase}")
    if response.is_error:
        raise UserError(
            f"{url}: the server answered {response.status_code} {response.reason_phrase}; "
            f"correct the URL in {correct}, or set CORPUS_MIRROR to a folder that has the file"
        )


def _append(client: httpx.Client, file: RemoteFile, partial: Path, progress: Progress, teller: Teller) -> None:
    """Ask once for the bytes that ``partial`` lacks and append them."""
    start = size_of(partial)
    if start == file.bytes:
        return
    headers = {"Accept-Encoding": "identity"}  # the digest is that of the file as it lies on the server
    if start:
        headers["Range"] = f"bytes={start}-"
    with client.stream("GET", file.url, headers=headers) as response:
        check_answer(response, file.url, "the catalogue")
        if start and response.status_code != httpx.codes.PARTIAL_CONTENT:  # it sends the whole file again
            progress.add(-start)
            start = 0
        length = response.headers.get("Content-Length")
        if length is not None and start + int(length) != file.bytes:
            raise UserError(
                f"{file.url} has {start + int(length):,} bytes where {teller.name} says {file.bytes:,}; "
                f"{teller.way_out}"
            )
        with partial.open("ab" if start else "wb") as output:
            for chunk in response.iter_raw():
                output.write(chunk)
                progress.add(len(chunk))
    if (size := size_of(partial)) < file.bytes:
        raise TransientError(f"the connection ended at byte {size:,} of {file.bytes:,}")
