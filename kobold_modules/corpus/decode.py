"""Bytes to characters: which encoding a file is in.

New files are UTF-8; a writer's old ones are whatever their word processor saved in 1998. A wrong guess turns every
apostrophe into rubbish that the module then learns, so the guess is made with care and always reported.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

from ..errors import BadText
from .kinds import READABLE


_BOMS: tuple[tuple[bytes, str, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_SAMPLE = 200_000  # bytes shown to charset_normalizer, which is slow
_HIGH = re.compile(rb"[\x80-\xff]")
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}")
# What the upper half of Windows-1252 holds in western prose; the rest (¥ ¦ ¬ ³ ¹ Þ ...) speaks for another encoding.
_WESTERN = frozenset(
    "‘’“”„‚…–—•€£§©®°½¼¾«»¿¡´·™ŒœŸŽžŠš\xa0\xad" + "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿ"
)
_MAC_QUOTES = re.compile(rb"[A-Za-z]\xd5(?:s|t|d|m|re|ll|ve)\b|[ \r\n]\xd2[A-Z]|[.,?!]\xd3")
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text, the name of its encoding for a person, and warnings."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes, name: str) -> Decoded:
    """Decode the text of a file.

    Raises:
        BadText: if these bytes are no text in any encoding we know; ``name`` is for that sentence.
    """
    for bom, codec, title in _BOMS:
        if data.startswith(bom):
            text = data.decode(codec, errors="replace")
            return Decoded(text.removeprefix("\ufeff"), title, _damage(text))
    if b"\x00" in data[:_SAMPLE]:
        return _wide(data, name)
    try:
        return Decoded(data.decode("utf-8"), "ASCII" if data.isascii() else "UTF-8")
    except UnicodeDecodeError:
        pass
    if len(_BINARY.findall(data[:_SAMPLE])) > 0.02 * min(len(data), _SAMPLE):
        raise _no_text(name)
    return _old(data, name)


def _no_text(name: str) -> BadText:
    return BadText(f"{name} is not a text file.", READABLE)


def _damage(text: str) -> tuple[str, ...]:
    lost = text.count("\ufffd")
    return (f"{lost:,} characters could not be read and are lost.",) if lost else ()


def _wide(data: bytes, name: str) -> Decoded:
    """Decode UTF-16 without a mark, which has a zero in every second byte; anything else with zeros is no text."""
    sample = data[: _SAMPLE & ~1]
    for offset, codec in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = sample[offset::2].count(0)
        if zeros >= 0.6 * (len(sample) // 2) and sample[1 - offset :: 2].count(0) == 0:
            text = data.decode(codec, errors="replace")
            return Decoded(text, "UTF-16 without a mark", _damage(text))
    raise _no_text(name)


def _old(data: bytes, name: str) -> Decoded:
    """Decode what is not UTF-8: mostly UTF-8 with strays, Windows western, or charset_normalizer's guess."""
    multibyte = _MULTIBYTE.findall(data)
    strays = len(_HIGH.findall(data)) - sum(map(len, multibyte))
    if len(multibyte) >= 5 and strays <= 0.1 * len(multibyte):
        warning = f"{strays} characters in another encoding than the rest were read as Windows-1252."
        return Decoded(data.decode("utf-8", errors=_STRAYS), "UTF-8", (warning,) if strays > 0 else ())
    western = data.decode("cp1252", errors="replace")
    high = [character for character in western if character > "\x7f"]
    plausible = sum(character in _WESTERN for character in high) >= 0.97 * len(high)
    if plausible and len(high) < 0.2 * len(data) and len(_MAC_QUOTES.findall(data)) < 3:
        return Decoded(western, "Windows-1252", _damage(western))
    if len(_MAC_QUOTES.findall(data)) >= 3:
        return Decoded(data.decode("mac_roman"), "Mac Roman", (_guess("Mac Roman"),))
    best = from_bytes(data[:_SAMPLE]).best()
    if best is None:
        return Decoded(western, "Windows-1252", (_guess("Windows-1252"), *_damage(western)))
    text = data.decode(best.encoding, errors="replace")
    return Decoded(text, best.encoding, (_guess(best.encoding), *_damage(text)))


def _guess(encoding: str) -> str:
    return f"The encoding {encoding} is a guess; look whether accents and quotes are right, or save the file as UTF-8."


def _as_western(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


_STRAYS = "kobold_modules.strays"
codecs.register_error(_STRAYS, _as_western)
