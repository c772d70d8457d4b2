"""Zips that lie: about sizes, names, checksums and their own directory."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from contextlib import suppress

import pytest

from kobold_modules.errors import BadModule
from kobold_modules.formats.limits import MOST_MEMBERS
from kobold_modules.formats.safe_zip import LOCAL, has_bytes_in_front, open_zip


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def handmade(packed: bytes, size: int, method: int, crc: int, name: bytes = b"a") -> bytes:
    """Make a zip of one member whose sizes and checksum are whatever we say."""
    fields = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 33, crc, len(packed), size, len(name), 0)
    local = b"PK\x03\x04" + fields + name + packed
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + entry + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("content", [b"", b"x", b"hello " * 9999])
def test_members_of_every_method_come_out_whole(method: int, content: bytes) -> None:
    archive = open_zip(zipped({"a": content, "b/c": b"y"}, method), "x.zip")
    assert archive.names == ["a", "b/c"]
    assert archive.read("a", 60_000) == content
    assert archive.head("a", 3) == content[:3]


def test_a_member_over_the_limit_is_refused_before_it_is_inflated() -> None:
    archive = open_zip(zipped({"a": b"x" * 1001}), "x.zip")
    with pytest.raises(BadModule, match="1,001 bytes"):
        archive.read("a", 1000)


def bomb(method: int) -> bytes:
    """Pack sixteen megabytes of nothing under a header that claims a thousand bytes with the right checksum."""
    honest = zipped({"a": bytes(16 << 20)}, method)
    start = 30 + 1 + struct.unpack_from("<H", honest, 28)[0]
    packed = struct.unpack_from("<I", honest, honest.rfind(b"PK\x01\x02") + 20)[0]
    return handmade(honest[start : start + packed], 1000, method, zlib.crc32(bytes(1000)))


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_bomb_that_claims_to_be_small_is_stopped_at_what_it_claims(method: int) -> None:
    data = bomb(method)
    tracemalloc.start()
    try:
        with pytest.raises(BadModule, match="more bytes than it claims"):
            open_zip(data, "bomb.zip").read("a", 1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_member_that_unpacks_to_less_than_it_claims_is_damaged() -> None:
    with pytest.raises(BadModule, match="fewer bytes"):
        open_zip(handmade(b"abc", 4, 0, zlib.crc32(b"abc")), "x.zip").read("a", 100)


def test_a_wrong_checksum_is_damaged() -> None:
    with pytest.raises(BadModule, match="checksum of a is wrong"):
        open_zip(handmade(b"abc", 3, 0, 1), "x.zip").read("a", 100)


def test_a_claimed_dictionary_of_four_gigabytes_is_not_allocated() -> None:
    data = bytearray(zipped({"a": b"hello " * 500}, zipfile.ZIP_LZMA))
    at = 30 + 1 + 5
    data[at : at + 4] = b"\xff\xff\xff\xff"
    assert open_zip(bytes(data), "x.zip").read("a", 5000) == b"hello " * 500


@pytest.mark.parametrize("name", ["../../etc/passwd", "/abs", "C:\\x", "a/../../b", "nul", "", "x\0y", "💀" * 60])
def test_no_name_in_the_archive_is_ever_a_path(name: str) -> None:
    archive = open_zip(handmade(b"abc", 3, 0, zlib.crc32(b"abc"), name.encode()), "x.zip")
    assert len(archive.names) == 1


def test_too_many_members_are_refused() -> None:
    with pytest.raises(BadModule, match="1,001 files"):
        open_zip(zipped({f"{i}": b"" for i in range(MOST_MEMBERS + 1)}), "x.zip")


def test_a_member_that_is_there_twice_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(BadModule, match="twice"):
        open_zip(out.getvalue(), "x.zip")


def test_bytes_in_front_are_refused_and_recognised() -> None:
    data = b"#!junk\n" + zipped({"a": b"x"})
    assert has_bytes_in_front(data)
    assert not has_bytes_in_front(zipped({"a": b"x"}))
    with pytest.raises(BadModule, match="does not begin as a zip"):
        open_zip(data, "x.zip")


def test_a_local_header_in_front_does_not_hide_the_shift() -> None:
    with pytest.raises(BadModule, match="bytes stand before it"):
        open_zip(b"PK\x03\x04" + zipped({"a": b"x"}), "x.zip")


def test_a_directory_that_names_a_member_otherwise_than_its_header_is_damaged() -> None:
    data = bytearray(zipped({"abc": b"x"}))
    data[data.rfind(b"abc")] = ord("z")
    with pytest.raises(BadModule, match="another name inside"):
        open_zip(bytes(data), "x.zip").read("zbc", 10)


def test_a_locked_member_is_refused() -> None:
    data = bytearray(zipped({"a": b"x"}))
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadModule, match="locked with a password"):
        open_zip(bytes(data), "x.zip").read("a", 10)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(BadModule, match="method 93"):
        open_zip(handmade(b"abc", 3, 93, 0), "x.zip").read("a", 10)


def test_a_comment_and_bytes_behind_the_zip_do_no_harm() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        archive.comment = b"made by hand"
    assert open_zip(out.getvalue() + b"\0" * 100, "x.zip").read("a", 10) == b"1"


def _zip64(content: bytes, *, directory: bool, end: bool) -> bytes:
    """Make a stored member, its sizes in ZIP64 fields of ``directory``, and the archive's in records at its ``end``."""
    name, full = b"tensor.npy", 0xFFFFFFFF
    local = struct.pack("<4sHHHHHIIIHH", LOCAL, 45, 0, 0, 0, 33, zlib.crc32(content), len(content), len(content), 10, 0)
    extra = struct.pack("<HHQQQ", 1, 24, len(content), len(content), 0) if directory else b""
    sizes = (full, full) if directory else (len(content), len(content))
    fixed = struct.pack("<4sHHHHHHI", b"PK\x01\x02", 45, 45, 0, 0, 0, 33, zlib.crc32(content))
    entry = fixed + struct.pack("<IIHHHHHII", *sizes, 10, len(extra), 0, 0, 0, 0, full if directory else 0)
    listed, at = entry + name + extra, len(local) + 10 + len(content)
    records = b""
    if end:
        records = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(listed), at)
        records += struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(listed), 1)
    counts = (0xFFFF, 0xFFFF, full, full) if end else (1, 1, len(listed), at)
    return local + name + content + listed + records + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, *counts, 0)


@pytest.mark.parametrize(("directory", "end"), [(True, False), (False, True), (True, True), (False, False)])
def test_zip64_is_read(directory: bool, end: bool) -> None:
    """F14: KoboldAI's loaders read it; and PyTorch writes such an end (F13)."""
    archive = open_zip(_zip64(b"rows", directory=directory, end=end), "x.zip")
    assert archive.read("tensor.npy", 10) == b"rows"


def test_damaged_zip64_records_are_one_sentence() -> None:
    data = _zip64(b"rows", directory=True, end=True)
    for at in range(len(data)):
        with suppress(BadModule):
            open_zip(data[:at] + b"\xee" + data[at + 1 :], "x.zip").read("tensor.npy", 10)
