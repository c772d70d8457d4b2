"""What a world module learns from: lorebooks, world bibles and plain lore, as entries of a size a teacher can read.

A lorebook's entries come as they are; those that are switched off are left out and named. A text whose paragraphs
open with what they are about (``DOBBELUN. East shore ...``) is a gazetteer, and each of them an entry. Any other text
is read in passages, which are recited and asked about by what they say, since their title says nothing about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..corpus import reading
from ..corpus.files import find
from ..corpus.readers import is_project
from ..errors import BadInput
from ..lorebook import Entry, Lorebook, read
from ..lorebook.content import prose
from ..lorebook.readers import markdown
from ..plain_text import one_line
from ..plain_text import prose as without_controls


LONGEST_TITLE = 120  # characters
LONGEST_PASSAGE = 2_400  # bytes: about 600 tokens, so that a question and its view fit any model's context
MOST_KEYS = 24
MOST_RELATIONS = 64
MOST_ENTRIES = 20_000
PASSAGES_OF_AN_ENTRY = 3  # a longer text tells a story; what it says is not all about its title

_OPENING = re.compile(
    r"(?:(?P<capitals>[^\W\d_a-z][^a-z\n.:]{1,58}[^\W\d_a-z])\.\s+(?=\S)"
    r"|\**(?P<named>[^\W\d_a-z][^\n.:!?*]{1,58})\**\s*(?::\**|\s[–—])\s+(?=\S))"
)
_LINK = re.compile(r"\[\[(?:[^\[\]|\n]{1,200}\|)?([^\[\]|\n]{1,200})\]\]")  # of Obsidian: [[Dessa|her]]
_TAG = re.compile(
    r"</?(?:a|b|i|u|s|p|em|strong|span|div|font|small|big|center|ul|ol|li|h[1-6])(?:\s[^<>]{0,300})?>", re.IGNORECASE
)
_AREAS = ("folder", "wigroup", "kind", "type", "category")  # members that say where an entry belongs


@dataclass(frozen=True, slots=True)
class Relation:
    """How an entry stands to another: ``how`` reads on to the other's title (``father of``)."""

    how: str
    other: str


@dataclass(frozen=True, slots=True)
class LoreEntry:
    """One thing of a world, short enough to be read at once.

    Attributes:
        title: what it is about; where ``about`` is False only where it stands.
        keys: other words for it, or words that call it to mind. The title is not repeated here.
        text: what is known of it.
        group: the folder, category or kind it is filed under; empty where there is none.
        about: whether ``text`` is about ``title``, so that one may ask "Who is ...?".
    """

    title: str
    keys: tuple[str, ...] = ()
    text: str = ""
    relations: tuple[Relation, ...] = ()
    group: str = ""
    about: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The title and the keys."""
        return (self.title, *self.keys)

    @property
    def view(self) -> str:
        """The entry as a teacher reads it, a blank line behind it."""
        lines = [self.title, self.text] if self.about else [self.text]
        lines += [f"{self.title}: {relation.how} {relation.other}." for relation in self.relations]
        return "\n".join(lines) + "\n\n"


@dataclass(frozen=True, slots=True)
class Lore:
    """Entries of one or several files. ``left_out`` names those that are switched off."""

    entries: tuple[LoreEntry, ...]
    left_out: tuple[str, ...] = ()

    @property
    def characters(self) -> int:
        return sum(len(entry.view) for entry in self.entries)


def read_lore(paths: Sequence[Path]) -> Lore:
    """Read the lore in ``paths``: lorebooks of any kind, world bibles, and texts in any format that trains a style.

    Of a folder every file is read that can be, a short note as an entry under its name, filed under its folder's.

    Raises:
        BadInput: a file cannot be read, or there is nothing to learn in all of them.
    """
    found: list[LoreEntry] = []
    left_out: list[str] = []
    for path in paths:
        lore = _of_folder(path) if path.is_dir() and not is_project(path) else _read(path)
        found += lore.entries
        left_out += lore.left_out
    if not found:
        named = f"{paths[0].name} holds" if len(paths) == 1 else "These files hold"
        off = len(left_out)
        switched_off = f" ({'one entry is' if off == 1 else f'{off:,} entries are'} switched off)" if off else ""
        raise BadInput(f"{named} nothing to learn{switched_off}.", "Give a lorebook or a text that says something.")
    if len(found) > MOST_ENTRIES:
        raise BadInput(
            f"{len(found):,} entries are more than one module can learn ({MOST_ENTRIES:,} at most).",
            "Train one module for each part of the world.",
        )
    return Lore(tuple(found), tuple(left_out))


def of_book(book: Lorebook) -> Lore:
    """Return the entries of ``book`` that are switched on and say something, and the names of those switched off."""
    titles = {
        str(identity): entry.name for entry in book.entries if (identity := entry.rest.get("id", entry.rest.get("uid")))
    }
    found: list[LoreEntry] = []
    for entry in book.enabled:
        found += _divided(_of_entry(entry, book.character, titles), book.format == markdown.FORMAT)
    return Lore(tuple(found), tuple(one_line(entry.name, LONGEST_TITLE) for entry in book.disabled))


def of_text(text: str, name: str) -> Lore:
    """Return a gazetteer's paragraphs as entries, any other text in passages; ``name`` is what its file is called."""
    return Lore(tuple(_gazetteer(text, name) or _passages(text, name)))


def _of_folder(folder: Path) -> Lore:
    found: list[LoreEntry] = []
    left_out: list[str] = []
    for file in find([folder])[0]:
        try:
            lore = _read(file.path, note=True)
        except BadInput:  # it merely lies there
            continue
        area = file.path.parent.name if file.path.parent != folder else ""
        found += (replace(entry, group=entry.group or one_line(area, 60)) for entry in lore.entries)
        left_out += lore.left_out
    return Lore(tuple(found), tuple(left_out))


def _read(path: Path, note: bool = False) -> Lore:
    """Read one file; ``note``: a short text without headings is an entry about what its file is called."""
    try:
        return of_book(read(path))
    except BadInput as error:
        try:
            corpus = reading.read([path])
        except BadInput:
            raise error from None
    found: list[LoreEntry] = []
    for document in corpus.documents:
        if note and len(document.text.encode()) <= LONGEST_PASSAGE:
            found.append(LoreEntry(one_line(path.stem, LONGEST_TITLE), (), without_controls(document.text)))
        else:
            found += of_text(document.text, document.name).entries
    return Lore(tuple(found))


def _of_entry(entry: Entry, character: str, titles: dict[str, str]) -> LoreEntry:
    title = one_line(entry.name, LONGEST_TITLE)
    keys = (one_line(key, LONGEST_TITLE) for key in entry.keys if not key.startswith("/"))
    return LoreEntry(
        title,
        tuple(dict.fromkeys(key for key in keys if key and key.casefold() != title.casefold()))[:MOST_KEYS],
        _plain(prose(entry, character)),
        tuple(_relations(entry.rest, titles))[:MOST_RELATIONS],
        one_line(next((entry.rest[area] for area in _AREAS if isinstance(entry.rest.get(area), str)), ""), 60),
    )


def _plain(text: str) -> str:
    """Return the text of an entry without links, tags and control characters."""
    if "<" in text:
        text = _TAG.sub("", re.sub(r"<(?:br|/p|/div|/li)\s*/?>", "\n", text, flags=re.IGNORECASE))
    return without_controls(_LINK.sub(r"\1", text)).strip()


def _relations(rest: Any, titles: dict[str, str]) -> Iterable[Relation]:
    given = rest.get("relations")
    for relation in given if isinstance(given, list) else ():
        if not isinstance(relation, dict):
            continue
        how, other = relation.get("how", relation.get("relation")), relation.get("to", relation.get("target"))
        if isinstance(how, str) and isinstance(other, str) and how.strip() and other.strip():
            title = titles.get(other, other)
            yield Relation(one_line(how, LONGEST_TITLE), one_line(title, LONGEST_TITLE))


def _divided(entry: LoreEntry, chapter: bool = False) -> list[LoreEntry]:
    """Return ``entry`` as it is, or in parts where it is a gazetteer or too long to be read at once.

    Args:
        chapter: whether a long one is rather a chapter under its heading, and not all about it.
    """
    if len(entry.text.encode()) <= LONGEST_PASSAGE:
        return [entry] if entry.text else []
    if listed := _gazetteer(entry.text, entry.title):
        return listed
    parts = list(_parts(entry.text))
    about = entry.about and not chapter and len(parts) <= PASSAGES_OF_AN_ENTRY
    return [
        LoreEntry(entry.title, entry.keys, part, () if number else entry.relations, entry.group, about)
        for number, part in enumerate(parts)
    ]


def _gazetteer(text: str, name: str) -> list[LoreEntry]:
    """Return an entry for each paragraph that opens with what it is about; none where too few do."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    opened = [_OPENING.match(paragraph) for paragraph in paragraphs]
    if sum(map(bool, opened)) < max(3, len(paragraphs) / 2):
        return []
    found: list[LoreEntry] = []
    for paragraph, opening in zip(paragraphs, opened, strict=True):
        if opening is None:
            entry = LoreEntry(name, (), paragraph, (), name, about=False)
        else:
            capitals = opening["capitals"]
            title = _titled(capitals) if capitals else str(opening["named"]).strip()
            short = (title.removeprefix("The "),) if title.startswith("The ") else ()
            entry = LoreEntry(title, short, paragraph[opening.end() :].strip(), (), name)
        found += [entry] if len(entry.text.encode()) <= LONGEST_PASSAGE else _divided(entry)
    return found


def _passages(text: str, name: str) -> list[LoreEntry]:
    return [LoreEntry(f"{name}, passage {number}", (), part, (), name, about=False)
            for number, part in enumerate(_parts(text), 1)]  # fmt: skip


def _parts(text: str) -> Iterable[str]:
    """Divide ``text`` into parts of at most :data:`LONGEST_PASSAGE` bytes, between paragraphs, lines or sentences."""
    part = ""
    for piece in _pieces(text):
        if part and len((part + piece).encode()) > LONGEST_PASSAGE:
            yield part.strip()
            part = ""
        part += piece
    if part.strip():
        yield part.strip()


def _pieces(text: str) -> Iterable[str]:
    for paragraph in re.split(r"(?<=\n)\n+", text):
        if len(paragraph.encode()) <= LONGEST_PASSAGE:
            yield paragraph + "\n"
            continue
        for sentence in re.split(r"(?<=[.!?…。！？\n])", paragraph):
            for at in range(0, len(sentence), LONGEST_PASSAGE // 4):  # a sentence without an end
                yield sentence[at : at + LONGEST_PASSAGE // 4]


def _titled(capitals: str) -> str:
    """Return a heading in capitals as it is written in a sentence: ``THE WITNESS STONE`` -> ``The Witness Stone``."""
    small = {"of", "the", "and", "in", "on", "at", "de", "von", "van"}
    words = [word.lower() if number and word.lower() in small else _capital(word)
             for number, word in enumerate(capitals.split())]  # fmt: skip
    return " ".join(words)


def _capital(word: str) -> str:
    return "-".join(part[:1] + part[1:].lower() for part in word.split("-"))
