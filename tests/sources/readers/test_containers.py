import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from functools import partial

import pyarrow as pa
import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers import containers
from tests.sources.readers.reading import TWO, read, tsv

TABLE = tsv(TWO).encode()
PACK = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": partial(pa.Codec("zstd").compress, asbytes=True),
}


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["a.tsv", "a.gz", "a.zip"])  # the name tells nothing
@pytest.mark.parametrize("packing", ["", *PACK])
def test_packing_is_told_by_its_first_bytes(tmp_path, packing, name):
    (tmp_path / name).write_bytes(PACK[packing](TABLE) if packing else TABLE)
    found = read(tmp_path)
    assert found.pairs == TWO
    assert found.kinds == [f"table, {packing}" if packing else "table"]


@pytest.mark.parametrize("packing", PACK)
def test_packed_parts_one_after_another_are_all_read(tmp_path, packing):
    (tmp_path / "a").write_bytes(b"".join(PACK[packing](line) for line in TABLE.splitlines(keepends=True)))
    assert read(tmp_path).pairs == TWO


@pytest.mark.parametrize("packing", ["", *PACK])
def test_members_of_archives_are_read_in_order_of_name(tmp_path, packing):
    more = tsv([("A cat", "Eine Katze")]).encode()
    hidden = {"__MACOSX/._a.tsv": b"\x00\x05\x16\x07", ".DS_Store": b"\x00", "README.md": b"read me", "LICENSE": b"CC0"}
    members = {"b/b.tsv": more, "b/a.tsv.gz": gzip.compress(TABLE), **hidden}
    data = tarred(list(members.items()))
    (tmp_path / "archive").write_bytes(PACK[packing](data) if packing else data)
    told = f"in a tar archive, {packing}" if packing else "in a tar archive"
    found = read(tmp_path)
    assert (found.pairs, found.kinds) == ([*TWO, ("A cat", "Eine Katze")], [f"table, gzip, {told}", f"table, {told}"])
    (tmp_path / "archive").write_bytes(zipped(**members))
    assert read(tmp_path).pairs == [*TWO, ("A cat", "Eine Katze")]


def test_of_two_members_of_one_name_the_later_counts(tmp_path):
    data = tarred([("a.tsv", b"old\told\n"), ("a.tsv", TABLE)])
    for content in (data, gzip.compress(data)):
        (tmp_path / "a.tar").write_bytes(content)
        assert read(tmp_path).pairs == TWO


@pytest.mark.parametrize("member", ["../a.tsv", "/etc/a.tsv", "x/../../a.tsv", "..\\a.tsv"])
def test_a_member_that_leads_out_of_its_archive_is_refused(tmp_path, member):
    for content in (tarred([(member, TABLE)]), zipped(**{member: TABLE})):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(UserError, match="which leads out of the archive; it is not read"):
            read(tmp_path)


def test_links_in_an_archive_are_not_followed(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "pairs.tsv").write_bytes(TABLE)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a.tsv")
        info.type = tarfile.SYMTYPE
        info.linkname = str(tmp_path / "secret" / "pairs.tsv")
        archive.addfile(info)
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    assert read(tmp_path / "a.tar").pairs == []


@pytest.mark.parametrize("packing", ["zip", "tar", "workbook", *PACK])
def test_a_bomb_is_refused(tmp_path, monkeypatch, packing):
    monkeypatch.setattr(containers, "FREELY", 2**20)
    text = b"a\tb\n" * 2**19
    bombs = {
        "zip": lambda: zipped(a=text),
        "tar": lambda: gzip.compress(tarred([("a", text)])),
        "workbook": lambda: zipped(**{"xl/workbook.xml": text}),
    }
    (tmp_path / "bomb").write_bytes(bombs[packing]() if packing in bombs else PACK[packing](text))
    with pytest.raises(UserError, match=r"bomb\S* expands to more than 200 times its size, as no text does"):
        read(tmp_path)


@pytest.mark.parametrize("packing", ["zip", "tar", "tar.gz", *PACK])
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_said_to_be_so(tmp_path, packing, cut):
    text = tsv((f"A house {number}", f"Ein Haus {number * 7919}") for number in range(20_000)).encode()
    whole = {
        "zip": lambda: zipped(a=text),
        "tar": lambda: tarred([("a", text)]),
        "tar.gz": lambda: gzip.compress(tarred([("a", text)])),
    }
    data = whole[packing]() if packing in whole else PACK[packing](text)
    (tmp_path / "part").write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(UserError, match=r"part\S* is (truncated or damaged|a damaged)"):
        read(tmp_path)


def test_an_encrypted_member_is_said_to_be_so(tmp_path):
    data = bytearray(zipped(a=TABLE))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1  # the flag alone
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UserError, match=r"a\.zip/a is encrypted; unpack it yourself"):
        read(tmp_path)


def test_a_zip_archive_of_the_future_is_said_to_be_none(tmp_path):
    data = bytearray(zipped(a=TABLE))
    data[data.index(b"PK\x01\x02") + 6] = 99  # the version that is needed to unpack it
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UserError, match=r"a\.zip is a damaged zip archive \(zip file version 9\.9\)"):
        read(tmp_path)
