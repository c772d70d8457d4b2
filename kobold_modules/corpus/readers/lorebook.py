"""Lorebooks and character cards: each entry that is on is a passage; what is switched off is left out and reported.

Which program's it is, and what an entry says to the model, is the ``lorebook`` room's to know. A save with a story
in it is read as one (:mod:`.save`) before this is asked.
"""

from __future__ import annotations

from ...errors import BadInput, BadText
from ...lorebook import Entry, Lorebook
from ...lorebook.content import prose, unnamed
from ...lorebook.readers import charx, png
from ...lorebook.reading import is_lorebook, read_bytes
from .source import Source
from .structure import Builder, Structured


TITLE = "lorebook"
OFF = "entries that are switched off"
_MOST_NAMED = 6


def sniff(source: Source) -> bool:
    """Return whether this is a lorebook, or a card that may hold one."""
    if source.data.startswith(png.SIGNATURE):
        return any(word.encode() in source.data for word in png.KEYWORDS)
    if charx.begins_like_one(source.data):
        return source.holds("card.json") or (source.data.startswith(charx.JPEG) and b"card.json" in source.data)
    return source.head[:1] in (b"{", b"[") and is_lorebook(source.data)


def read(source: Source) -> Structured:
    """Read a lorebook.

    Raises:
        BadText: if it is damaged, a card without one, or has no entry that is on.
    """
    try:
        book = read_bytes(source.data, source.name)
    except BadInput as error:
        raise BadText(error.message, error.hint) from error
    if not book.enabled:
        raise _nothing_on(source.name, len(book.disabled))
    build = Builder()
    for entry in book.enabled:
        if build.blocks:
            build.scene_break()
        for paragraph in _passage(entry, book).split("\n"):
            build.paragraph(paragraph)
    for entry in book.disabled:
        build.leave_out(OFF, prose(entry, book.character))
    if book.disabled:
        names = [entry.name for entry in book.disabled]
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        build.warnings.append(f"Switched off in the lorebook, so not trained: {', '.join(names[:_MOST_NAMED])}{more}.")
    if count := unnamed(book):
        build.warnings.append(f"{count:,} of its entries say {{{{char}}}}, and nothing here says who that is.")
    build.title = book.name
    return build.done()


def _nothing_on(name: str, off: int) -> BadText:
    if not off:
        return BadText(f"{name} holds nothing to learn: it has no entries.", "Write some entries first.")
    which = "its one entry is" if off == 1 else f"all of its {off:,} entries are"
    return BadText(f"{name} holds nothing to learn: {which} switched off.", "Switch on what is to be learned.")


def _passage(entry: Entry, book: Lorebook) -> str:
    """Return what ``entry`` says, with its title in front where it never says of whom."""
    text = prose(entry, book.character)
    known = [name.casefold() for name in (entry.title, *entry.keys) if name]
    said = any(name in text.casefold() for name in known)
    return text if said or not entry.title.strip() else f"{entry.title.strip()}: {text}"
