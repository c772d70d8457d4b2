"""A page of HTML or of an e-book as blocks: what a browser would show, paragraph by paragraph."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from ...cleaning.layout.breaks import is_break as is_ornament
from ..container import inside
from ..limits import MOST_DEPTH
from ..structure import Block, Builder
from .asides import NOTES, aside, hidden_classes, is_break, is_drop_cap
from .tokens import VOID, attributes, names, tokens


_BLOCKS = names(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol p "
    "pre section summary table tbody td tfoot th thead tr ul"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CLOSED_BY: Mapping[str, frozenset[str]] = {  # an open element that the start of another one ends
    **dict.fromkeys(_BLOCKS - {"html"}, frozenset({"p", "head", *_HEADINGS})),
    "li": frozenset({"li", "p"}),
    "dt": frozenset({"dt", "dd", "p"}),
    "dd": frozenset({"dt", "dd", "p"}),
    "td": frozenset({"td", "th", "p"}),
    "th": frozenset({"td", "th", "p"}),
    "tr": frozenset({"tr", "td", "th", "p"}),
}
_BOUNDS = names("table ul ol dl div section article blockquote body td th li dd")
_SPACE = re.compile(r"[ \t\n\r\f]+")
_SPACES = re.compile(r" {2,}")
_BREAKS = re.compile(r" *\n *\n[ \n]*")
_MARK = re.compile(r"[\[(]?(?:\d{1,4}|[ivxlc]{1,6}|[a-z]|[*†‡§¶#]{1,4})[\])]?[.:]?")
_PLAIN_MARK = re.compile(r"\d{1,3}|[*†‡§¶]{1,3}")
_NEAR = 256  # open elements that an end tag is compared with
_LONGEST_NOTE = 400  # words


@dataclass(slots=True)
class _Open:
    """An open element, and what comes back when it closes."""

    name: str
    aside: str | None
    pre: bool
    ids: int  # how many ids were open before it
    href: str = ""
    text_from: int = 0  # of the paragraph's pieces
    is_break: bool = False
    drop_cap: bool = False


@dataclass(slots=True)
class _Noted:
    """A paragraph that may be a note's: the ids in and around it, and the mark it begins with."""

    block: Block
    ids: frozenset[str]
    mark: str


@dataclass(slots=True)
class Notes:
    """What links between notes and their marks say, across the pages of a book."""

    targets: dict[str, str] = field(default_factory=dict)  # an address, and the mark that leads to it
    paragraphs: list[_Noted] = field(default_factory=list)

    def leave_out(self, build: Builder) -> None:
        """Take the paragraphs out that a mark leads to and that begin with it."""
        doomed = set()
        for noted in self.paragraphs:
            for target in noted.ids & self.targets.keys():
                mark = self.targets[target].strip("[]().: ")
                begins = noted.mark.strip("[]().: ") == mark or re.match(
                    rf"[\[(]?{re.escape(mark)}\b|[\[(]?{re.escape(mark)}[\])\s.:]", noted.block.text
                )
                if begins and len(noted.block.text.split()) <= _LONGEST_NOTE:
                    doomed.add(id(noted.block))
        build.remove(doomed, NOTES)


class Page:
    """One page read into a :class:`Builder`.

    Args:
        build: gets the blocks.
        notes: gets the links of notes; one for all pages of a book.
        address: the page's own, which stands before the ``#`` of a link into it.
        chapters: ids at which a table of contents says that a chapter begins, with its title ("" is the page's top).
        book: whether this is a page of an e-book, and not one of the web with a frame around its text.
        css: style sheets that belong to it.
    """

    def __init__(
        self,
        build: Builder,
        notes: Notes,
        *,
        address: str = "",
        chapters: Mapping[str, str] | None = None,
        book: bool = False,
        css: str = "",
    ) -> None:
        self.title = ""
        self._build, self._notes, self._address, self._book = build, notes, address, book
        self._chapters = dict(chapters or {})
        self._hidden = hidden_classes(css)
        self._stack: list[_Open] = []
        self._aside: str | None = None
        self._asides: dict[str, list[str]] = {}
        self._pre = False
        self._parts: list[str] = []
        self._ids: list[str] = []  # of the open elements
        self._own_ids: list[str] = []  # of the paragraph
        self._mark = ""
        self._other = False  # something that is no text stands in the paragraph
        self._picture = ""  # of one in the paragraph
        self._chapter = self._chapters.pop("", None)
        self._chapter_title = ""

    def read(self, text: str) -> None:
        """Read a whole page."""
        for kind, name, data in tokens(text):
            if kind == "text":
                self._text(data)
            elif kind == "start":
                self._start(name, data)
            elif kind == "end":
                self._end(name)
            elif name == "title":
                self.title = self.title or _SPACE.sub(" ", data).strip()
            elif name == "style":
                self._hidden |= hidden_classes(data)
        while self._stack:
            self._close()
        self._flush()

    def _text(self, data: str) -> None:
        if self._aside is not None:
            if self._aside:
                self._asides.setdefault(self._aside, []).append(data)
            return
        self._parts.append(data.replace("\r\n", "\n") if self._pre else _SPACE.sub(" ", data))

    # -- elements --

    def _start(self, name: str, data: str) -> None:
        given = attributes(data) if data and data != "/" else {}
        if name in _BLOCKS:
            self._close_implied(name)
            self._flush()
        if (identity := given.get("id") or (given.get("name") if name == "a" else None)) is not None:
            self._begin_id(identity)
        if name in VOID:
            self._void(name, given)
            return
        if len(self._stack) >= MOST_DEPTH * 10:
            return
        what = aside(name, given, self._hidden)
        if what is None and not self._book and name in ("header", "footer", "aside") and not self._in_text():
            what = "headers and footers" if name != "aside" else "navigation"
        entry = _Open(name, self._aside, self._pre, len(self._ids), given.get("href", ""), len(self._parts))
        entry.is_break, entry.drop_cap = is_break(given), is_drop_cap(given)
        self._stack.append(entry)
        if identity is not None:
            self._ids.append(identity)
        if self._aside is None and what is not None:
            self._aside = what
            self._other = True
        self._pre = self._pre or name in ("pre", "listing", "plaintext")
        if self._aside is None:
            self._open(name)

    def _open(self, name: str) -> None:
        if name == "table":
            self._build.open_table()
        elif name in ("td", "th"):
            self._build.open_cell()
        elif name == "q":
            self._parts.append("\u201c")

    def _in_text(self) -> bool:
        return any(entry.name in ("article", "main", "section") for entry in self._stack[-_NEAR:])

    def _void(self, name: str, given: Mapping[str, str]) -> None:
        if self._aside is not None:
            return
        if name == "br":
            self._parts.append("\n")
        elif name == "hr":
            self._build.scene_break()
        elif name == "img":
            alt = given.get("alt", "").strip()
            if len(alt) == 1 and alt.isalpha():  # a painted initial
                self._parts.append(alt)
            self._other = True
            if (is_break(given) or is_ornament(alt)) and not "".join(self._parts).strip():
                self._build.scene_break()
            else:
                self._picture = given.get("src", "")[:200]

    def _begin_id(self, identity: str) -> None:
        self._own_ids.append(identity)
        if identity in self._chapters:
            self._flush()
            self._own_ids.append(identity)
            self._chapter = self._chapters.pop(identity)

    def _end(self, name: str) -> None:
        if name in VOID:
            if name == "br":
                self._void("br", {})
            return
        for back, entry in enumerate(reversed(self._stack[-_NEAR:])):
            if entry.name == name:
                for _ in range(back + 1):
                    self._close()
                return

    def _close_implied(self, name: str) -> None:
        closes = _CLOSED_BY.get(name, frozenset())
        while self._stack and closes:
            near = self._stack[-8:]
            depth = 0
            for back, entry in enumerate(reversed(near)):
                if entry.name in closes:
                    depth = back + 1
                    break
                if entry.name in _BOUNDS:
                    break
            if not depth:
                return
            for _ in range(depth):
                self._close()

    def _close(self) -> None:
        entry = self._stack.pop()
        outside = self._aside is not None
        if entry.name in _BLOCKS:
            self._flush(entry)
        if not outside:
            if entry.name == "table":
                self._build.close_table()
            elif entry.name == "q":
                self._parts.append("\u201d")
            elif entry.name == "a" and "#" in entry.href:
                self._end_link(entry)
            elif entry.name == "sup":
                self._end_superscript(entry)
        del self._ids[entry.ids :]
        if entry.aside is None and self._aside is not None:
            for what, parts in self._asides.items():
                self._build.leave_out(what, "".join(parts))
            self._asides.clear()
        self._aside, self._pre = entry.aside, entry.pre

    # -- notes --

    def _end_link(self, entry: _Open) -> None:
        """Take a link out that is a note's mark: raised, in brackets, or set right behind a word."""
        said = "".join(self._parts[entry.text_from :]).strip()
        if not _MARK.fullmatch(said):
            return
        before = "".join(self._parts[max(0, entry.text_from - 4) : entry.text_from])
        raised = any(element.name == "sup" for element in self._stack[-4:]) or not said.isalnum()
        if raised or (before and not before[-1].isspace()) or (before == "[" and said.isdigit()):
            self._take_mark(entry, said, entry.href)

    def _end_superscript(self, entry: _Open) -> None:
        """Take a raised number out that stands behind a word without a link."""
        said = "".join(self._parts[entry.text_from :]).strip()
        before = "".join(self._parts[max(0, entry.text_from - 4) : entry.text_from])
        behind = re.search(r"(?:[^\W\d_]{3,}|[.,;:!?…\"'”’)])$", before)
        if said and _PLAIN_MARK.fullmatch(said) and behind:
            self._take_mark(entry, said, "")

    def _take_mark(self, entry: _Open, said: str, href: str) -> None:
        del self._parts[entry.text_from :]
        self._build.leave_out(NOTES, said)
        if not "".join(self._parts).strip("[( \n"):
            self._mark = self._mark or said
        if href:
            page, _, fragment = href.partition("#")
            address = inside(posixpath.dirname(self._address), page) if page else self._address
            self._notes.targets.setdefault(f"{address}#{unquote(fragment)}", said)

    # -- paragraphs --

    def _flush(self, entry: _Open | None = None) -> None:
        """End the paragraph that is being read. ``entry`` is the element that ends with it, if one does."""
        text = _SPACES.sub(" ", "".join(self._parts))
        self._parts.clear()
        if self._aside:
            self._asides.setdefault(self._aside, []).append("\n")
        for element in self._stack:
            element.text_from = 0
        name = entry.name if entry else ""
        if text.strip(" \n\xa0"):
            if not self._begins_chapter(text, name):
                self._add(text, name, entry)
        elif self._picture and entry is not None and not entry.is_break and self._aside is None:
            self._build.picture(self._picture)
        elif self._aside is None and not self._other and (name == "p" or text.strip(" ")):
            self._build.paragraph("")
        elif entry is not None and entry.is_break and self._aside is None and name != "hr":
            self._build.scene_break()
        if text.strip() or entry is not None:
            self._own_ids, self._mark, self._other, self._picture = [], "", False, ""

    def _add(self, text: str, name: str, entry: _Open | None) -> None:
        heading = next((_HEADINGS[open_.name] for open_ in reversed(self._stack[-6:]) if open_.name in _HEADINGS), 0)
        heading = _HEADINGS.get(name, heading)
        if entry is not None and entry.drop_cap and len(text.strip()) <= 3:
            self._build.glue(text.strip())
        elif entry is not None and entry.is_break and not re.search(r"\w{2}.*\s\w{2}", text):
            self._build.scene_break()
        elif heading:
            self._build.heading(text, heading)
        else:
            for number, part in enumerate(_BREAKS.split(text.strip())):
                block = self._build.paragraph(part)
                if number == 0 and (self._own_ids or self._ids):
                    ids = frozenset(f"{self._address}#{identity}" for identity in (*self._own_ids, *self._ids))
                    self._notes.paragraphs.append(_Noted(block, ids, self._mark))

    def _begins_chapter(self, text: str, name: str) -> bool:
        """Set the heading that a table of contents knows of where the page has none; True if ``text`` is its title."""
        if self._chapter is not None:
            title, self._chapter = self._chapter, None
            self._chapter_title = _letters(title)
            if name in _HEADINGS or any(entry.name in _HEADINGS for entry in self._stack[-6:]):
                self._chapter_title = ""
            elif _letters(text) not in self._chapter_title:
                self._build.heading(title or "Chapter")
        if self._chapter_title and _letters(text) in self._chapter_title:  # its number, its name, or both in two lines
            self._build.heading(text)
            return True
        self._chapter_title = ""
        return False


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().casefold()
