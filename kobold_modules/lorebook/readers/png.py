"""The text that programs hide in a picture: a card in ``chara`` or ``ccv3``, a lorebook of NovelAI in ``naidata``.

A PNG is a signature and chunks of ``length, type, data, CRC`` (W3C PNG, third edition, section 5.3); an APNG has more
types of them and the same shape. Texts stand in tEXt, zTXt and iTXt chunks (section 11.3.3), here base64 of JSON.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator

from ...errors import BadInput


SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_TEXT = 32 << 20
KEYWORDS = ("ccv3", "chara", "naidata")  # a card of version 3 stands beside one of version 2 for older programs
_NOTHING = "Was it saved again by another program? That drops the card; take the file as it was downloaded."


def embedded(data: bytes, name: str) -> bytes:
    """Return the JSON in the picture ``data``. Raises BadInput where there is none, or it is damaged."""
    found: dict[str, bytes] = {}
    for kind, content in _chunks(data):
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, _, rest = content.partition(b"\0")
            word = keyword.decode("latin-1").lower()
            if word in KEYWORDS and word not in found:
                found[word] = _text(kind, rest, name)
    if not found:
        raise BadInput(f"{name} is a picture without a character card or a lorebook in it.", _NOTHING)
    try:
        card = next(found[word] for word in KEYWORDS if word in found)
        return base64.b64decode(b"".join(card.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"The card in the picture {name} is damaged.", "Download it again.") from error


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks until the end, or until one claims to be longer than the file."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if length > len(data) - at - 12:
            return
        kind = data[at + 4 : at + 8]
        yield kind, data[at + 8 : at + 8 + length]
        if kind == b"IEND":
            return
        at += 12 + length


def _text(kind: bytes, rest: bytes, name: str) -> bytes:
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]  # the method
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]  # behind language and translated keyword
    if not packed:
        return rest
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(rest, MOST_TEXT)
    except zlib.error as error:
        raise BadInput(f"The card in the picture {name} is damaged.", "Download it again.") from error
    if inflater.unconsumed_tail:
        raise BadInput(f"The card in the picture {name} is larger than any card.")
    return content
