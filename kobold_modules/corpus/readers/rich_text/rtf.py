"""Rich Text Format (.rtf): groups and control words, read once from front to back.

Our own reader and not striprtf: that one keeps deleted revisions, hidden text and the titles of shapes, and drops the
styles that say what is a heading. Control words are those of RTF 1.9.1.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

from ..fields import field_aside, ruby
from ..limits import MOST_DEPTH
from ..source import Source
from ..structure import Builder, Structured
from ..styles import Meaning, meaning
from .paragraphs import ENDS, OF_PARAGRAPHS, Paragraphs
from .words import ASIDES, CODEPAGES, PICTOGRAMS, SIGNS, SILENT, SYMBOLS


_TOKEN = re.compile(
    r"\\([A-Za-z]{1,32})(-?\d{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\([^A-Za-z'])|([{}])|[\r\n\x00]+|([^\\{}\r\n\x00]+)|\\"
)
_CLOSED = "}"


def sniff(source: Source) -> bool:
    """Return whether this is a text in RTF."""
    return source.head.startswith((b"{\\rtf", b"{\\urtf"))


def read(source: Source) -> Structured:
    """Read a text in RTF. What is broken in it costs only itself."""
    build = Builder()
    Rtf(build).read(source.data.decode("latin-1"))
    return build.done()


@dataclass(slots=True)
class _Field:
    code: str = ""


@dataclass(slots=True)
class _Group:
    """What holds between a pair of braces; a copy goes into each group inside.

    Attributes:
        aside: what its text is, if it is no prose; "" is not even counted, None is the text itself.
        skip: how many characters stand in for one of Unicode.
        table: which of the tables at the front it belongs to.
        box: whether a text box ends with it.
    """

    aside: str | None = None
    starred: bool = False
    hidden: bool = False
    deleted: bool = False
    skip: int = 1
    codec: str = ""
    pictograms: bool = False
    field: _Field | None = None
    table: str = ""
    box: bool = False


class Rtf:
    """A reader of one file."""

    def __init__(self, build: Builder) -> None:
        self._build = build
        self._group = _Group(codec="cp1252")
        self._outer: list[_Group] = []
        self._deep = 0  # groups inside one that nests too deep
        self._default = "cp1252"
        self._fonts: dict[int, tuple[str, bool]] = {}
        self._styles: dict[int, Meaning] = {}
        self._entry: list[str] = []  # the name of a style
        self._number, self._veiled = 0, False
        self._level: int | None = None
        self._font = 0
        self._paragraphs = Paragraphs(build)
        self._bytes = bytearray()
        self._waiting = 0  # characters to skip behind one of Unicode

    def read(self, text: str) -> None:
        at, end = 0, len(text)
        while at < end and (found := _TOKEN.match(text, at)):
            at = found.end()
            word, number, code, symbol, brace, data = found.groups()
            if data is not None:
                self._data(data)
            elif word is not None:
                if word == "bin" and number and not number.startswith("-"):
                    at += int(number)
                else:
                    self._word(word, int(number) if number else None)
            elif brace is not None:
                self._brace(brace)
            elif code is not None:
                self._byte(int(code, 16))
            elif symbol is not None:
                self._symbol(symbol)
        self._decode()
        self._paragraphs.close()
        if self._outer:
            self._build.warnings.append("The file breaks off in the middle; what is there was read.")

    # -- groups --

    def _brace(self, brace: str) -> None:
        self._waiting = 0
        self._decode()
        if brace != _CLOSED:
            if len(self._outer) >= MOST_DEPTH:
                self._deep += 1
            else:
                self._outer.append(self._group)
                self._group = replace(self._group, starred=False, box=False)
        elif self._deep:
            self._deep -= 1
        elif self._outer:
            inner, self._group = self._group, self._outer.pop()
            if inner.field is not None and inner.field is not self._group.field:
                self._end_field(inner.field)
            if inner.box:
                self._paragraphs.end_box()
            if inner.table == "stylesheet" and self._group.table == "stylesheet":
                self._end_style()
            if inner.aside and inner.aside != self._group.aside:
                self._paragraphs.leave_out(inner.aside, " ")

    def _end_field(self, field: _Field) -> None:
        """Take the word out of a field that sets its reading above it."""
        if (words := ruby(field.code)) is not None:
            self._put(words[0])
            self._build.leave_out("pronunciation guides", words[1])

    # -- words --

    def _word(self, word: str, number: int | None) -> None:
        if self._waiting and word != "u":
            self._waiting -= 1
        self._decode()
        group = self._group
        if word == "u":
            self._unicode(number or 0)
        elif word in SIGNS:
            self._put(SIGNS[word])
        elif word in ENDS:
            self._end(word)
        elif word in SILENT or group.starred:
            self._begin_silent(word)
        elif word in ASIDES:
            group.aside = ASIDES[word] if group.aside is None else group.aside
        elif group.table:
            self._table_word(word, number)
        elif word in OF_PARAGRAPHS:
            if group.aside is None:  # a note or a header has paragraphs of its own
                self._paragraphs.word(word, number, self._styles)
        else:
            self._character_word(word, number)

    def _begin_silent(self, word: str) -> None:
        """Begin a destination that holds no text of the page: a table at the front, an instruction, a picture."""
        group = self._group
        group.starred = False
        if word in ("shpinst", "shppict", "ud", "bkmkstart", "cs", "ds", "ts", "pn"):
            if group.table == "stylesheet":  # a style of characters or tables
                self._number = -1
            group.aside = "" if word == "bkmkstart" else group.aside
            return
        if word in ASIDES:  # {\*\annotation
            group.aside = ASIDES[word] if group.aside is None else group.aside
            return
        group.aside = group.aside or ""
        group.table = word if word in ("fonttbl", "stylesheet", "fldinst") else group.table

    def _character_word(self, word: str, number: int | None) -> None:
        group = self._group
        on = number != 0
        if word == "v":
            group.hidden = on
        elif word == "deleted":
            group.deleted = on
        elif word == "plain":
            group.hidden = group.deleted = False
            self._choose(self._font)
        elif word == "f":
            self._choose(number or 0)
        elif word == "uc":
            group.skip = min(max(number or 0, 0), 8)
        elif word in ("ansicpg", "mac", "pc", "pca", "deff"):
            self._head_word(word, number)
        elif word == "field":
            group.field = _Field()
        elif word == "fldrslt" and group.field is not None:
            group.aside = group.aside if group.aside is not None else field_aside(group.field.code) or None
        elif word == "shptxt":
            self._begin_box()

    def _head_word(self, word: str, number: int | None) -> None:
        if word == "deff":
            self._font = number or 0
            return
        names = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
        codec = names.get(word) or {10000: "mac_roman", 65001: "utf-8", 0: "cp1252"}.get(number or 0, f"cp{number}")
        try:
            codecs.lookup(codec)
        except LookupError:
            return
        self._default = self._group.codec = codec

    def _choose(self, font: int) -> None:
        self._group.codec, self._group.pictograms = self._fonts.get(font, (self._default, False))

    def _table_word(self, word: str, number: int | None) -> None:
        """Take a word of the font table or of the style sheet."""
        if self._group.table == "fonttbl":
            if word == "f":
                self._number = number or 0
                self._fonts.setdefault(self._number, (self._default, False))
            elif word == "fcharset":
                kind = number or 0
                self._fonts[self._number] = (CODEPAGES.get(kind, self._default), kind == PICTOGRAMS)
        elif word == "s":
            self._number = number or 0
        elif word == "outlinelevel":
            self._level = number
        elif word == "v":
            self._veiled = number != 0

    def _end_style(self) -> None:
        name = "".join(self._entry).strip().rstrip(";").casefold()
        if name and self._number >= 0:
            level = None if self._level is None else self._level + 1 if 0 <= self._level < 9 else 0
            self._styles[self._number] = meaning([name], level, self._veiled)
        self._entry.clear()
        self._number, self._level, self._veiled = 0, None, False

    # -- text --

    def _data(self, data: str) -> None:
        if self._waiting:
            skipped = min(self._waiting, len(data))
            self._waiting -= skipped
            data = data[skipped:]
        if self._deep or not data:
            return
        self._bytes += data.encode("latin-1")

    def _byte(self, value: int) -> None:
        if self._waiting:
            self._waiting -= 1
        else:
            self._bytes.append(value)

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._group.starred = True
        elif self._waiting:
            self._waiting -= 1
        elif symbol in "\r\n":
            self._word("par", None)
        else:
            self._decode()
            self._put(SYMBOLS.get(symbol, ""))

    def _unicode(self, number: int) -> None:
        self._put(chr(number & 0xFFFF))
        self._waiting = self._group.skip

    def _decode(self) -> None:
        """Decode the bytes so far in the current font's encoding."""
        if self._bytes:
            data = bytes(self._bytes)
            self._bytes.clear()
            if self._group.pictograms and self._group.aside is None:
                self._paragraphs.ornament()
            else:
                self._put(data.decode(self._group.codec or self._default, "replace"))

    def _put(self, text: str) -> None:
        group = self._group
        if group.aside is None and not self._deep:
            self._paragraphs.put(text, deleted=group.deleted, hidden=group.hidden)
        elif group.aside:
            self._paragraphs.leave_out(group.aside, text)
        elif group.table == "fldinst" and group.field is not None:
            group.field.code += text
        elif group.table == "stylesheet":
            self._entry.append(text)

    def _end(self, word: str) -> None:
        """End a paragraph, a cell or a row; in a note it is only counted, and a mark that was struck out ends none."""
        group = self._group
        if group.aside:
            self._paragraphs.leave_out(group.aside, "\n")
        elif group.aside is None and not (group.deleted and word == "par"):
            self._paragraphs.end(word)

    def _begin_box(self) -> None:
        self._group.aside, self._group.box = None, True
        self._paragraphs.begin_box()
