"""Files that are either whole or absent: written aside, then moved into place; their SHA-256, and locks on them."""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of one file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_file(path: Path) -> str:
    """Hex MD5 of one file's bytes, for what others name by it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def sha256_tree(path: Path) -> str:
    """Hex SHA-256 of a file, or of a directory's relative names and contents, in sorted order."""
    if path.is_file():
        return sha256_file(path)
    lines = [
        f"{sha256_file(file)}  {file.relative_to(path).as_posix()}\n"
        for file in sorted(path.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a sibling path to write a file or a directory to; move it onto ``path`` if the block succeeds.

    If the block raises, what it wrote is removed and ``path`` stays as it was; an OSError names ``path`` where it
    names no file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    _remove(partial)
    try:
        yield partial
        if partial.is_dir() and path.is_dir():  # rename(2) replaces files and empty directories only
            _remove(path)
        partial.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # libraries of C++ don't say what they could not write
        raise
    finally:
        _remove(partial)


def _warn(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def hold_lock(path: Path, waiting: str = "", say: Callable[[str], object] = _warn) -> Iterator[BinaryIO]:
    """Hold a lock file, whose folder is made where needed; while another process holds it, wait for its end.

    Args:
        path: the lock file.
        waiting: what to say, once, where there is somebody to wait for.
        say: whom to say it to; standard error by default.

    Yields:
        The open file: a child process that inherits it holds the lock too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                say(waiting)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes, atomically. Python writes them, so a full disk is an OSError, whichever library serialized them."""
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # a power cut may come when the new name is on the disk and the bytes are not


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON that depends on nothing but ``value``, atomically."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read UTF-8 JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
