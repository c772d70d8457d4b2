"""From a file to a lorebook: which program's it is, recognised by its content and never by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from ..byte_size import byte_size
from ..errors import BadInput
from .book import Lorebook
from .readers import (
    agnai,
    ai_dungeon,
    character_card,
    charx,
    koboldai,
    markdown,
    novelai,
    own_story,
    png,
    risu,
    sample,
    sillytavern,
)
from .values import Object, decoded, objects, parse


MOST_BYTES = 128 << 20  # a card's picture and all that a .charx carries beside it
MOST_JSON = 32 << 20
MOST_TEXT = 16 << 20
MOST_LAID_OUT = 4 << 20  # bytes of a file whose layout is kept when it is written back
MOST_ENTRIES = 20_000
KNOWN = (
    "SillyTavern world info, character cards, NovelAI, KoboldAI, AI Dungeon, Agnai and RisuAI files can be read, "
    "and Markdown with a heading for each entry."
)
Reader = Callable[[Any, str], Lorebook]

# In this order: the surest signs first, and the loosest, entries with some text in them, last.
_READERS: tuple[tuple[Callable[[Object], bool], Reader], ...] = (
    (own_story.fits, own_story.read),
    (novelai.fits, novelai.read),
    (risu.fits, risu.read),
    (character_card.fits, character_card.read),
    (koboldai.fits, koboldai.read),
    (agnai.fits, agnai.read),
    (sillytavern.fits, sillytavern.read),
    (ai_dungeon.fits, ai_dungeon.read),
    (sample.fits, sample.read),
)


def read(path: Path) -> Lorebook:
    """Return the lorebook in the file at ``path``. Raises BadInput, saying what is wrong and what to do."""
    name = path.name or str(path)
    try:
        if path.is_dir():
            raise BadInput(f"{path} is a folder, not a lorebook.", "Name the file in it.")
        if not path.is_file():
            raise BadInput(f"{path} is no ordinary file." if path.exists() else f"There is no file {path}.")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise BadInput(f"{name} is larger than any lorebook ({byte_size(size)}).")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadInput(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    return read_bytes(data, name)


def read_bytes(data: bytes, name: str) -> Lorebook:
    """Return the lorebook in ``data``, of a file called ``name``. Raises BadInput."""
    book = _read(data, name)
    if len(book.entries) > MOST_ENTRIES:
        raise BadInput(f"{name} has {len(book.entries):,} entries; {MOST_ENTRIES:,} are the most.")
    if book.format == sillytavern.FORMAT and len(data) <= MOST_LAID_OUT:
        book = replace(book, source=data)
    return book if book.name else replace(book, name=PurePath(name).stem)


def is_lorebook(data: bytes) -> bool:
    """Return whether ``data`` looks like a lorebook that is no Markdown, which may be a story as well."""
    try:
        book = _read(data, "")
    except BadInput:
        return False
    return book.format != markdown.FORMAT


def _read(data: bytes, name: str) -> Lorebook:
    if not data.strip():
        raise BadInput(f"{name} is empty.")
    if data.startswith(png.SIGNATURE):
        return _of_json(png.embedded(data, name), name)
    if charx.begins_like_one(data):
        return _of_zip(data, name)
    if data.startswith((charx.JPEG, b"RIFF")):
        raise BadInput(f"{name} is a picture, and no card can be read from this kind.", "Save the card as PNG or JSON.")
    if decoded(data[:4096]).lstrip()[:1] in ("{", "["):
        return _of_json(data, name)
    return markdown.read(_plain_text(data, name), name)


def _of_zip(data: bytes, name: str) -> Lorebook:
    card = charx.embedded(data, name)
    try:
        return _of_json(card, name)
    except BadInput as error:
        if charx.has_risu_module(data, name):
            raise BadInput(
                f"The lorebook of {name} is in an encoded part that only RisuAI reads.",
                "In RisuAI, export the lorebook by itself (JSON), and give that file.",
            ) from error
        raise


def _of_json(data: bytes, name: str) -> Lorebook:
    if len(data) > MOST_JSON:
        raise BadInput(f"{name} is larger than any lorebook ({byte_size(len(data))}).")
    value = parse(data, name)
    if isinstance(value, list):
        entries = objects(value)
        if ai_dungeon.fits_list(entries):
            return ai_dungeon.read_list(entries, name)
        if koboldai.fits_list(entries):
            return koboldai.read_list(entries, name)
    if isinstance(value, dict):
        for fits, reader in _READERS:
            if fits(value):
                return reader(value, name)
    raise BadInput(f"{name} is JSON, but no lorebook that is known here.", KNOWN)


def _plain_text(data: bytes, name: str) -> str:
    if len(data) > MOST_TEXT:
        raise BadInput(f"{name} is larger than any lorebook ({byte_size(len(data))}).")
    text = decoded(data)
    if "\0" in text:
        raise BadInput(f"{name} is no lorebook that is known here.", KNOWN)
    return text.encode("utf-8", "replace").decode()
