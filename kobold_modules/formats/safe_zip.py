"""A zip from a stranger, read member by member within limits.

Python's zipfile trusts too much for this: it parses a directory of any length, and inflates a bzip2 or LZMA chunk of a
few kilobytes into gigabytes before it looks at the declared size. Here the directory is bounded, a size is checked
before a byte is inflated, and no decompressor is ever asked for more than that size. No name in the archive is used as
a path. The layout is PKWARE's APPNOTE 6.3.10: sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14 to 4.3.16 (its
end, ZIP64's, too).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import BadModule
from .limits import MOST_DIRECTORY, MOST_MEMBERS


STORED, DEFLATE, BZIP2, LZMA = 0, 8, 12, 14
LOCAL, ENTRY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LOCATOR64, END64 = b"PK\x06\x07", b"PK\x06\x06"
FULL32 = 0xFFFFFFFF  # "see the ZIP64 extra field"
AGAIN = "Download or copy it again."


class Damaged(BadModule):
    """The bytes are not those that were written: cut short, or altered."""


@dataclass(frozen=True, slots=True)
class Member:
    """One directory entry: ``packed`` bytes in the file, ``size`` bytes once inflated, header at ``offset``."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


@dataclass(frozen=True, slots=True)
class SafeZip:
    """An opened archive. ``label`` names it in sentences."""

    label: str
    data: bytes
    members: dict[str, Member]

    @property
    def names(self) -> list[str]:
        return list(self.members)

    def read(self, name: str, most: int) -> bytes:
        """Return the whole member, its CRC checked.

        Raises BadModule if it is missing, damaged or over ``most`` bytes.
        """
        member = self._member(name)
        if member.size > most:
            raise BadModule(f"{self.label}: its {name} claims {member.size:,} bytes, more than any module needs.")
        content = self._inflate(member, member.size + 1)
        if len(content) != member.size:
            fault = "more" if len(content) > member.size else "fewer"
            raise Damaged(f"{self.label} is damaged: {name} unpacks to {fault} bytes than it claims.", AGAIN)
        if zlib.crc32(content) != member.crc:
            raise Damaged(f"{self.label} is damaged: the checksum of {name} is wrong.", AGAIN)
        return content

    def head(self, name: str, count: int) -> bytes:
        """Return the first ``count`` bytes of the member at most, unchecked. Raises BadModule."""
        return self._inflate(self._member(name), count)

    def chunks(self, name: str, size: int) -> Iterator[bytes]:
        """Yield the whole member in pieces of ``size`` bytes at most, its length and CRC checked at the end.

        Raises:
            BadModule: where it is missing or damaged; the pieces before the damage have been handed out by then.
        """
        member = self._member(name)
        if member.method != DEFLATE:
            content = self.read(name, member.size)
            yield from (content[at : at + size] for at in range(0, len(content), size))
            return
        inflater, length, crc = zlib.decompressobj(-15), 0, 0
        packed = memoryview(self._packed(member))
        for at in range(0, len(packed), size):
            rest: bytes | memoryview = packed[at : at + size]
            while rest and length <= member.size:
                try:
                    piece = inflater.decompress(rest, size)
                except (zlib.error, MemoryError) as error:
                    raise Damaged(f"{self.label} is damaged: {name} does not unpack.", AGAIN) from error
                rest = inflater.unconsumed_tail
                length, crc = length + len(piece), zlib.crc32(piece, crc)
                yield piece
        if length != member.size or crc != member.crc:
            raise Damaged(f"{self.label} is damaged: {name} is not what was packed.", AGAIN)

    def _member(self, name: str) -> Member:
        try:
            return self.members[name]
        except KeyError:
            raise BadModule(f"{self.label} is a zip without {name}, so it is not a KoboldAI soft prompt.") from None

    def _packed(self, member: Member) -> bytes:
        if member.flags & 1:
            raise BadModule(f"{self.label}: its {member.name} is locked with a password.")
        start = self._start(member)
        packed = self.data[start : start + member.packed]
        if len(packed) != member.packed:
            raise Damaged(f"{self.label} is cut short: {member.name} is incomplete.", AGAIN)
        return packed

    def _inflate(self, member: Member, limit: int) -> bytes:
        packed = self._packed(member)
        try:
            return _decompressor(member, self.label)(packed, limit)
        except (zlib.error, OSError, ValueError, EOFError, MemoryError) as error:
            raise Damaged(f"{self.label} is damaged: {member.name} does not unpack.", AGAIN) from error

    def _start(self, member: Member) -> int:
        """Return where the member's packed bytes begin. The local header must name the same member as the directory."""
        header = self.data[member.offset : member.offset + 30]
        if len(header) != 30 or header[:4] != LOCAL:
            raise Damaged(f"{self.label} is damaged: {member.name} is not where its directory says.", AGAIN)
        length, extra = struct.unpack_from("<HH", header, 26)
        begin = member.offset + 30
        if _name(self.data[begin : begin + length], member.flags) != member.name:
            raise Damaged(f"{self.label} is damaged: {member.name} has another name inside.", AGAIN)
        return int(begin + length + extra)


def open_zip(
    data: bytes, label: str, *, most_members: int = MOST_MEMBERS, most_directory: int = MOST_DIRECTORY
) -> SafeZip:
    """Return the archive in ``data``, its directory read.

    Raises:
        BadModule: with a sentence that begins with ``label``.
    """
    if data[:4] != LOCAL:
        raise BadModule(f"{label} does not begin as a zip does, so no program reads it as a soft prompt.")
    end = data.rfind(END, max(0, len(data) - 65_557))
    if end < 0 or len(data) < end + 22:
        raise Damaged(f"{label} is cut short: the end of the zip is missing.", AGAIN)
    count, size, offset = struct.unpack_from("<HII", data, end + 10)
    end, count, size, offset = _end64(data, end, label) or (end, count, size, offset)
    if count > most_members or size > most_directory:
        raise BadModule(f"{label} is a zip of {count:,} files; a module has two to four.")
    if offset + size != end:
        raise Damaged(f"{label} is damaged: its directory is not where it should be, or bytes stand before it.", AGAIN)
    members: dict[str, Member] = {}
    for member in _entries(data[offset:end], label):
        if member.name in members:
            raise BadModule(f"{label} holds {member.name} twice, so programs would disagree on what it says.")
        members[member.name] = member
    if len(members) != count:
        raise Damaged(f"{label} is damaged: its directory counts {count} files and lists {len(members)}.", AGAIN)
    return SafeZip(label, data, members)


def has_bytes_in_front(data: bytes) -> bool:
    """Return whether ``data`` is a zip with bytes before its first header: KoboldAI lists it and can't load it."""
    end = data.rfind(END, max(0, len(data) - 65_557))
    return data[:4] != LOCAL and end > 0 and data.find(LOCAL) > 0


def without_bytes_in_front(data: bytes, label: str) -> bytes:
    """Return the zip in ``data`` without what stands before it. Raises BadModule where that cannot be told."""
    end = data.rfind(END, max(0, len(data) - 65_557))
    size, offset = struct.unpack_from("<II", data, end + 12) if 0 <= end <= len(data) - 20 else (0, 0)
    begin = end - size - offset
    if end < 0 or not 0 < begin < len(data) or data[begin : begin + 4] != LOCAL:
        raise BadModule(
            f"{label} has bytes in front of the zip that do not belong to it.", "Unpack it and zip its files."
        )
    return data[begin:]


def _end64(data: bytes, end: int, label: str) -> tuple[int, int, int, int] | None:
    """Return the directory's end, count, size and offset from the ZIP64 records before the ``end``; None without."""
    locator = end - 20
    if locator < 0 or data[locator : locator + 4] != LOCATOR64:
        return None
    (at,) = struct.unpack_from("<Q", data, locator + 8)
    if at + 56 > locator or data[at : at + 4] != END64:
        raise Damaged(f"{label} is damaged: its ZIP64 records do not make sense.", AGAIN)
    count, size, offset = struct.unpack_from("<QQQ", data, at + 32)
    return at, count, size, offset


def _sizes64(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Return the sizes and the place of a member, those of 64 bits from its extra field (APPNOTE 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            body = extra[at + 4 : at + 4 + length]
            longs = iter(struct.unpack(f"<{len(body) // 8}Q", body[: len(body) // 8 * 8]))
            size, packed, offset = (
                next(longs, value) if value == FULL32 else value for value in (size, packed, offset)
            )
            break
        at += 4 + length
    return size, packed, offset


def _entries(directory: bytes, label: str) -> list[Member]:
    entries, at = [], 0
    while at < len(directory):
        head = directory[at : at + 46]
        if len(head) != 46 or head[:4] != ENTRY:
            raise Damaged(f"{label} is damaged: its directory does not make sense.", AGAIN)
        flags, method = struct.unpack_from("<HH", head, 8)
        crc, packed, size, length, extra, comment = struct.unpack_from("<IIIHHH", head, 16)
        (offset,) = struct.unpack_from("<I", head, 42)
        name = directory[at + 46 : at + 46 + length]
        if FULL32 in (packed, size, offset):
            fields = directory[at + 46 + length : at + 46 + length + extra]
            size, packed, offset = _sizes64(fields, size, packed, offset)
        at += 46 + length + extra + comment
        if len(name) != length or at > len(directory):
            raise Damaged(f"{label} is damaged: its directory does not make sense.", AGAIN)
        entries.append(Member(_name(name, flags), flags, method, crc, packed, size, offset))
    return entries


def _name(raw: bytes, flags: int) -> str:
    return raw.decode("utf-8" if flags & 0x800 else "cp437", errors="replace")


def _decompressor(member: Member, label: str) -> Callable[[bytes, int], bytes]:
    """Return a function of the packed bytes and a limit, which never returns more bytes than that limit."""
    if member.method == STORED:
        return lambda packed, limit: packed[:limit]
    if member.method == DEFLATE:
        return zlib.decompressobj(-15).decompress
    try:
        if member.method == BZIP2:
            import bz2

            return bz2.BZ2Decompressor().decompress
        if member.method == LZMA:
            return _unpack_lzma(member.size)
    except ImportError as error:
        raise BadModule(f"{label} is packed in a way that this Python was built without: {error}.") from error
    raise BadModule(f"{label}: its {member.name} is packed with method {member.method}, which KoboldAI can't read.")


def _unpack_lzma(size: int) -> Callable[[bytes, int], bytes]:
    """Unpack tensor.npy as KoboldAI's own exporter packs it (APPNOTE 5.8): version, length, properties, raw LZMA1."""
    import lzma

    def unpack(packed: bytes, limit: int) -> bytes:
        if len(packed) < 9 or packed[2:4] != b"\x05\x00":
            raise ValueError("no LZMA properties")
        rest, lc = divmod(packed[4], 9)
        pb, lp = divmod(rest, 5)
        (dictionary,) = struct.unpack_from("<I", packed, 5)
        # A match can't reach back further than the member is long, so a claimed 4 GB dictionary is never allocated.
        reach = max(4096, min(dictionary, size))
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": reach, "lc": lc, "lp": lp, "pb": pb}]
        try:
            return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(packed[9:], limit)
        except lzma.LZMAError as error:
            raise ValueError(str(error)) from error

    return unpack
