"""The contents of a file: itself, unpacked, or the members of an archive, read in place and never written by name.

Shapes of containers are told by their first bytes, since a ``.gz`` may be plain text, and a table may be gzip.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from seq2seq.core.errors import UserError

HEAD = 2**16  # bytes that tell what a content is
FREELY = 2**28  # bytes that anything may expand to
RATIO = 200  # beyond that, bytes that one byte may expand to: text packs to a third or a tenth
OFFICE = {"word/document.xml", "ppt/presentation.xml"}
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_TAR_MAGIC = slice(257, 262)
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile)
DAMAGED_ARCHIVE = (*DAMAGED, tarfile.TarError, OSError, NotImplementedError)  # the last by zipfile, of a version

_Opener = Callable[[Any], Any]  # from a stream of bytes to a stream of bytes
_PACKED: dict[str, tuple[bytes, _Opener]] = {
    "gzip": (b"\x1f\x8b", gzip.open),
    "bzip2": (b"BZh", bz2.open),
    "xz": (b"\xfd7zXZ\x00", lzma.open),
    "zstd": (b"\x28\xb5\x2f\xfd", lambda file: pa.CompressedInputStream(file, "zstd")),
}


class _Limited(io.RawIOBase):
    """A stream that ends with an error where it grows beyond reason."""

    def __init__(self, file: IO[bytes], name: str, packed: int) -> None:
        self.file, self.name, self.left = file, name, max(FREELY, RATIO * packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self.file.read(min(len(buffer), 2**20))
        except DAMAGED_ARCHIVE as error:  # bz2 raises an OSError
            raise UserError(f"{self.name} is truncated or damaged ({_reason(error)}); get it again") from None
        self.left -= len(data)
        if self.left < 0:
            raise _bomb(self.name)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.file.close()
        super().close()


def _bomb(name: str) -> UserError:
    return UserError(
        f"{name} expands to more than {RATIO} times its size, as no text does; if you trust it, unpack it yourself"
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@dataclass(frozen=True)
class Content:
    """A text or table, wherever it is packed; ``name`` is what the user knows it by, such as ``x.zip/y.tsv``."""

    name: str
    packing: str  # in words, such as "gzip, in a zip archive"; empty for a plain file
    opener: Callable[[], IO[bytes]]
    file: Path | None = None  # where it lies on disk as it is
    member: str = ""  # its name inside an archive
    beginning: bytes | None = None  # its first bytes, where finding them again takes long

    def open(self) -> IO[bytes]:
        """Its bytes, unpacked, from the beginning.

        Raises:
            UserError: (when read) it is damaged, or expands beyond reason.
        """
        return self.opener()

    def head(self) -> bytes:
        """Its first bytes."""
        if self.beginning is not None:
            return self.beginning
        with self.open() as stream:
            return stream.read(HEAD)

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """A file with its bytes, for what can't be read as a stream."""
        if self.file is not None:
            yield self.file
            return
        with tempfile.NamedTemporaryFile() as copy, self.open() as stream:
            while chunk := stream.read(2**20):
                copy.write(chunk)
            copy.flush()
            yield Path(copy.name)


def is_workbook(names: list[str]) -> bool:
    """Whether a zip archive with members of these names is a spreadsheet."""
    return "xl/workbook.xml" in names or "xl/workbook.bin" in names or {"mimetype", "content.xml"} <= set(names)


def list_contents(path: Path, name: str) -> list[Content]:
    """What a file holds: itself, unpacked, or the regular members of a zip or tar archive in order of name.

    Raises:
        UserError: it can't be read, is damaged, or has a member whose name leads out of the archive.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise UserError(f"{name} can't be read: {error.strerror}") from None
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return _zip_members(path, name)
    packing, unpack = _find_packing(head)
    size = path.stat().st_size
    plain = Content(name, packing, lambda: _open(path, unpack, name, size), None if unpack else path)
    if plain.head()[_TAR_MAGIC] == b"ustar":
        return _tar_members(path, name, packing)
    return [plain]


def _find_packing(head: bytes) -> tuple[str, _Opener | None]:
    for packing, (magic, opener) in _PACKED.items():
        if head.startswith(magic):
            return packing, opener
    return "", None


def _open(path: Path, unpack: _Opener | None, name: str, size: int) -> IO[bytes]:
    file = path.open("rb")
    return file if unpack is None else io.BufferedReader(_Limited(unpack(file), name, size), 2**18)


def _zip_members(path: Path, name: str) -> list[Content]:
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted((one for one in archive.infolist() if not one.is_dir()), key=lambda one: one.filename)
    except DAMAGED_ARCHIVE as error:
        raise UserError(f"{name} is a damaged zip archive ({_reason(error)}); get it again") from None
    if sum(one.file_size for one in members) > max(FREELY, RATIO * size):
        raise _bomb(name)
    if {one.filename for one in members} & OFFICE:
        raise UserError(f"{name} is a document or slides of an office program; save its table as xlsx, ods or CSV")
    if is_workbook([one.filename for one in members]):
        return [Content(name, "", lambda: path.open("rb"), path)]
    contents = []
    for one in members:
        called = _member_name(name, one.filename)
        if one.flag_bits & 1:
            raise UserError(f"{called} is encrypted; unpack it yourself")

        def opener(member: zipfile.ZipInfo = one, called: str = called) -> IO[bytes]:
            try:
                file = zipfile.ZipFile(path).open(member)  # noqa: SIM115 (whoever reads closes it)
            except DAMAGED_ARCHIVE as error:
                raise UserError(f"{called} can't be unpacked ({_reason(error)}); unpack it yourself") from None
            return io.BufferedReader(_Limited(file, called, size), 2**18)

        contents.append(_unpacked(Content(called, "in a zip archive", opener, member=one.filename), size))
    return contents


def _tar_members(path: Path, name: str, packing: str) -> list[Content]:
    unpack = _PACKED[packing][1] if packing else None
    size = path.stat().st_size
    members: dict[str, tuple[int, tarfile.TarInfo, bytes]] = {}

    def open_archive() -> tarfile.TarFile:
        return tarfile.open(fileobj=_open(path, unpack, name, size), mode="r|" if packing else "r:")

    def open_member(place: int, info: tarfile.TarInfo, called: str) -> IO[bytes]:
        archive = open_archive()
        found = info if not packing else next(islice(archive, place, None))  # a packed one is read from its beginning
        file = archive.extractfile(found)
        assert file is not None  # a regular file
        return io.BufferedReader(_Limited(file, called, size), 2**18)

    try:
        with open_archive() as archive:
            for place, info in enumerate(archive):
                if info.isreg() and (file := archive.extractfile(info)):
                    members[info.name] = place, info, file.read(HEAD)  # of two of one name the later one counts
    except DAMAGED_ARCHIVE as error:
        raise UserError(f"{name} is a damaged tar archive ({_reason(error)}); get it again") from None
    where = f"in a tar archive, {packing}" if packing else "in a tar archive"
    contents = []
    for member, (place, info, beginning) in sorted(members.items()):
        called = _member_name(name, member)
        opener = partial(open_member, place, info, called)
        contents.append(_unpacked(Content(called, where, opener, None, member, beginning), size))
    return contents


def _member_name(archive: str, member: str) -> str:
    if member.startswith(("/", "\\")) or ".." in member.replace("\\", "/").split("/"):
        raise UserError(f"{archive} has a member named '{member}', which leads out of the archive; it is not read")
    return f"{archive}/{member}"


def _unpacked(content: Content, size: int) -> Content:
    """A member, itself unpacked where it is packed once more."""
    packing, unpack = _find_packing(content.head())
    if unpack is None:
        return content

    def opener() -> IO[bytes]:
        return io.BufferedReader(_Limited(unpack(content.open()), content.name, size), 2**18)

    return replace(content, packing=f"{packing}, {content.packing}", opener=opener, beginning=None)
