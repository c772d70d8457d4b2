"""Bytes to characters: which encoding a file is in.

New files are UTF-8; a writer's old ones are whatever their word processor saved in 1998, and some are two encodings in
one. A wrong guess turns every apostrophe into rubbish that the module then learns, so the guess is made with care and
always reported.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import BadText
from .encodings import HANZI, MULTIBYTE_CODECS, Guess, guesses, score_single
from .lost import LostLetters


_BOMS: tuple[tuple[bytes, str, str], ...] = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
PART = 1 << 20  # bytes
_SAMPLE = 200_000  # bytes from which an encoding is guessed
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_LINE = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_SURE = 0.75  # of a perfect reading; a Windows file of western prose has more
_CLEAR = 0.05  # by which the second best reading must be worse
_RELATIVES = frozenset(("cp1250", "cp1254", "cp1256", "cp1257", "cp1258", "iso8859_2"))
_FEWEST_MULTIBYTE, _LEAST_SHARE = 3, 0.05
# What may stand in a text of UTF-16: everything but surrogates, private use and the unassigned, in few ranges.
_WIDE_TEXT = re.compile(
    "[\t\n\r\x20-\x7e\xa0-\u024f\u0300-\u058f\u05d0-\u06ff\u0900-\u0e7f\u10a0-\u11ff\u1e00-\u206f\u20a0-\u20bf\u2100-\u27bf"
    "\u3000-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\uffef\U0001f000-\U0001faff]"
)
_COMMON_WIDE = re.compile(
    "[\n \x20-\x7e\u0400-\u04ff\u0370-\u03ff\u05d0-\u06ff\u0900-\u097f\u0e00-\u0e7f\u3000-\u30ff\uac00-\ud7a3]"
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text, the name of its encoding for a person, and warnings."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to read a file.

    Attributes:
        codec, title: Python's name and a person's.
        skip: bytes of a mark at the front.
        guessed: whether a person should look.
        line_codec, line_title: for the lines that are not UTF-8 where the encodings are mixed.
    """

    codec: str
    title: str
    skip: int = 0
    guessed: bool = False
    line_codec: str = ""
    line_title: str = ""


def decode(data: bytes, name: str) -> Decoded:
    """Return the text of a file.

    Raises:
        BadText: if these bytes are no text in any encoding we know; ``name`` is for that sentence.
    """
    found = TextParts(data, name)
    text = "".join(found)
    return Decoded(text, found.encoding.title, found.warnings())


class TextParts:
    """A file's text in parts of about a megabyte, each decoded when it is asked for; to be gone through once.

    Raises:
        BadText: if these bytes are no text in any encoding we know; ``name`` is for that sentence.
    """

    def __init__(self, data: bytes, name: str, size: int = PART) -> None:
        self.encoding = find_encoding(data, name)
        self._data: bytes | None = data
        self._size = size
        self._damage = Damage()

    def __iter__(self) -> Iterator[str]:
        data, self._data = self._data, None  # a large file is let go of with its last part
        if data is not None:
            yield from pieces(data, self.encoding, self._size, self._damage)

    def warnings(self) -> tuple[str, ...]:
        """Return what to look at, once all parts were read."""
        return self._damage.warnings(self.encoding)


@dataclass(slots=True)
class Damage:
    """What was found while decoding: characters that could not be read, lines in another encoding, lost letters."""

    unread: int = 0
    other_lines: int = 0
    lost: LostLetters = field(default_factory=LostLetters)

    def warnings(self, encoding: Encoding) -> tuple[str, ...]:
        """Return a sentence for each thing to look at."""
        sentences: list[str] = []
        if encoding.guessed:
            sentences.append(
                f"The encoding {encoding.title} is a guess; look whether accents and quotes are right, or save the "
                "file as UTF-8."
            )
        if self.other_lines:
            lines, were = ("1 line", "was") if self.other_lines == 1 else (f"{self.other_lines:,} lines", "were")
            sentences.append(
                f"{lines} in another encoding than the rest {were} read as {encoding.line_title}; look whether accents "
                "and quotes are right there."
            )
        if self.unread:
            sentences.append(f"{self.unread:,} characters could not be read and are lost.")
        return (*sentences, *self.lost.sentences())


def find_encoding(data: bytes, name: str) -> Encoding:
    """Return how to read a file.

    Raises:
        BadText: if these bytes are no text in any encoding we know.
    """
    for bom, codec, title in _BOMS:
        if data.startswith(bom):
            return Encoding(codec, title, len(bom))
    if b"\x00" in data[:_SAMPLE]:
        return _wide(data, name)
    if data.isascii():
        # JIS in seven bits says so with an escape sequence.
        return Encoding("iso2022_jp", "ISO-2022-JP") if b"\x1b$B" in data[:_SAMPLE] else Encoding("ascii", "ASCII")
    if _is_utf8(data):
        return Encoding("utf-8", "UTF-8")
    sample = data[:_SAMPLE]
    if _is_wide_without_zeros(sample):
        return Encoding(str(_wide_codec(data, 0.99)), "UTF-16 without a mark")
    if len(_BINARY.findall(sample)) > 0.02 * len(sample):
        raise _no_text(name)
    return _old(data)


def pieces(data: bytes, encoding: Encoding, size: int, damage: Damage) -> Iterator[str]:
    """Yield the text of ``data`` in pieces of about ``size`` bytes, cut behind an empty line where there is one.

    What cannot be read becomes U+FFFD and is counted in ``damage``.
    """
    view = memoryview(data)
    end_of_line = "\n".encode(encoding.codec) if encoding.codec.startswith("utf-") else b"\n"
    at = encoding.skip
    while at < len(data):
        stop = _cut(data, at, size, end_of_line)
        piece = bytes(view[at:stop]) if at or stop < len(data) else data
        text = (
            _mixed(piece, encoding, damage) if encoding.line_codec else piece.decode(encoding.codec, errors="replace")
        )
        unread = damage.unread
        if "\ufffd" in text and not encoding.line_codec:
            damage.unread += text.count("\ufffd") - piece.count("\ufffd".encode(encoding.codec, errors="replace"))
        damage.lost.look(text, damage.unread - unread)
        yield text
        at = stop


def _cut(data: bytes, at: int, size: int, end_of_line: bytes) -> int:
    """Return where to end a piece that begins at ``at``: behind an empty line, else behind a line, else anywhere."""
    if len(data) - at <= size * 1.5:
        return len(data)
    for end in (end_of_line * 2, b"\r\n\r\n" if len(end_of_line) == 1 else end_of_line, end_of_line):
        found = data.rfind(end, at + size // 2, at + size)
        while found >= 0 and (found - at) % len(end_of_line):
            found = data.rfind(end, at + size // 2, found + len(end) - 1)
        if found >= 0:
            return found + len(end)
    return at + size - size % 4


def _no_text(name: str) -> BadText:
    return BadText(f"{name} is not a text file.", "Save it as plain text (.txt) in the program that made it.")


def _is_utf8(data: bytes) -> bool:
    """Return True if all of ``data`` is UTF-8; decoded in parts, for memory's sake."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for at in range(0, len(data), 1 << 20):
            decoder.decode(view[at : at + (1 << 20)], at + (1 << 20) >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _wide(data: bytes, name: str) -> Encoding:
    """Guess UTF-16 or UTF-32 without a mark; anything else with zeros is no text."""
    sample = data[: _SAMPLE & ~3]
    if len(data) % 4 == 0 and len(sample) >= 8:
        for offset, codec in ((3, "utf-32-le"), (0, "utf-32-be")):
            if sample[offset::4].count(0) == len(sample) // 4 and _reads(sample, codec, 0.98):
                return Encoding(codec, "UTF-32 without a mark")
    found = _wide_codec(data, 0.97)
    if found is None:
        raise _no_text(name)
    return Encoding(found, "UTF-16 without a mark")


def _wide_codec(data: bytes, share: float) -> str | None:
    """Return the byte order in which ``data`` reads as text, if it does in one."""
    sample = data[: _SAMPLE & ~1]
    if len(sample) < 8:
        return None
    # A script has few different high bytes, and its letters are spread over the low ones.
    little, big = len(set(sample[1::2])), len(set(sample[::2]))
    codec = "utf-16-le" if little < big else "utf-16-be"
    return codec if little != big and _reads(sample, codec, share) else None


def _is_wide_without_zeros(sample: bytes) -> bool:
    """Return True for UTF-16 that has neither a space nor an end of line: a page of Japanese may not."""
    codec = _wide_codec(sample, 0.99)
    if codec is None or any(guess.score > 0.8 for guess in guesses(sample) if guess.codec in MULTIBYTE_CODECS):
        return False
    text = sample[: len(sample) & ~1].decode(codec, errors="replace")
    return len(_COMMON_WIDE.findall(text)) > 0.3 * len(text) or sum(map(HANZI.__contains__, text)) > 0.1 * len(text)


def _reads(sample: bytes, codec: str, share: float) -> bool:
    text = sample.decode(codec, errors="replace")
    return bool(text) and len(_WIDE_TEXT.findall(text)) >= share * len(text)


def _old(data: bytes) -> Encoding:
    """Guess what is not UTF-8: UTF-8 with lines of another encoding, or one old encoding throughout."""
    good, bad, sequences = 0, [], 0
    for found in _HIGH_LINE.finditer(data):
        line = found.group()
        multibyte = _MULTIBYTE.findall(line)
        if sum(map(len, multibyte)) == len(_HIGH.findall(line)):
            good += 1
            sequences += len(multibyte)
        else:
            if len(multibyte) >= 2 and sum(map(len, multibyte)) >= 0.8 * len(_HIGH.findall(line)):
                sequences += len(multibyte)
                good += 1
            bad.append(line)
    if sequences >= _FEWEST_MULTIBYTE and good >= _LEAST_SHARE * (good + len(bad)):
        strays = _MULTIBYTE.sub(b"", b"\n".join(bad)[:_SAMPLE])
        other = _western(strays) or guesses(strays)[0]
        return Encoding("utf-8", "UTF-8", line_codec=other.codec, line_title=other.title)
    sample = b"\n".join(bad)[:_SAMPLE] or data[:_SAMPLE]
    if western := _western(sample):
        return Encoding(western.codec, western.title)
    best = guesses(sample)[0]
    return Encoding(best.codec, best.title, guessed=True)


def _western(sample: bytes) -> Guess | None:
    """Return Windows' western encoding where the sample reads well in it and clearly better than in any other."""
    found = guesses(sample)
    western = next(guess for guess in found if guess.codec == "cp1252")
    # Its relatives differ from it in a few letters only; they must read better to win.
    rivals = [guess for guess in found if guess.codec not in (*_RELATIVES, "cp1252")]
    if western.score < _SURE or any(rival.score > western.score - _CLEAR for rival in rivals):
        return None
    relatives = [guess for guess in found if guess.codec in _RELATIVES]
    return None if any(relative.score > western.score + _CLEAR for relative in relatives) else western


def _mixed(piece: bytes, encoding: Encoding, damage: Damage) -> str:
    """Decode text whose lines are UTF-8 or the other encoding; a line that is both is read byte by byte."""
    lines: list[str] = []
    for line in piece.split(b"\n"):
        try:
            lines.append(line.decode("utf-8"))
            continue
        except UnicodeDecodeError:
            damage.other_lines += 1
        parts: list[str] = []
        at = 0
        if _MULTIBYTE.search(line) and score_single(line.decode(encoding.line_codec, errors="replace")) < _SURE:
            for found in _MULTIBYTE.finditer(line):
                parts += [
                    line[at : found.start()].decode(encoding.line_codec, errors="replace"),
                    found.group().decode("utf-8", "replace"),
                ]
                at = found.end()
        text = "".join([*parts, line[at:].decode(encoding.line_codec, errors="replace")])
        damage.unread += text.count("\ufffd")
        lines.append(text)
    return "\n".join(lines)
