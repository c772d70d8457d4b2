"""Stories on disk: our own file, KoboldAI Lite's JSON, and plain text or Markdown.

Our file is the story's dictionary as JSON and holds everything: text, who wrote which part, takes, steps back and
forth, memory, author's note, and whatever members another program put there. Lite's shape has no place for authorship
and steps; they are kept in a member of ours and count as long as the text is unchanged. A .txt or .md holds the text.

For a program with a screen::

    story = load(path)  # an unfinished take of a killed program is folded in
    autosave = Autosave(path)
    autosave.begin(story, label, seed)  # when a take begins
    autosave.feed(piece)  # for every piece, before it is shown
    story.append_take(text, label, seed)
    save(story, path)  # whole or not at all
    autosave.end()

    story, recovered = recover(path, load(path, recovering=False))  # to tell the person what came back
"""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from .. import paths
from ..byte_size import byte_size
from ..disk.files import writing
from ..errors import BadText, BadUsage
from ..saves import lite, novelai
from ..saves.lite import LiteStory
from .autosave import Autosave, Recovered, forget, recover
from .lite_settings import LiteSettings, counted, listed, settings_in
from .story import Story


__all__ = [
    "Autosave",
    "Format",
    "Recovered",
    "backup_of",
    "describe_unused",
    "describe_used",
    "export_lite",
    "format_of",
    "load",
    "read_only",
    "recover",
    "save",
    "settings_of",
    "without_last_break",
]

Format = Literal["ours", "lite", "text", "read only"]  # the last: a .kaistory, or NovelAI's
MOST_BYTES = lite.MOST_BYTES
MOST_STEPS = 500_000  # characters of steps kept in a file
_LITE = "kobold_lite"  # the member of ours that keeps what a Lite story holds beyond ours
_MARKS = "kobold_modules"  # the member of Lite's that keeps what ours holds beyond Lite's
_TEXT_SUFFIXES = {".txt", ".md", ".markdown", ".text"}


def load(path: Path, *, recovering: bool = True) -> Story:
    """Read the story at ``path``, with the take in it that a killed program was writing.

    Raises BadText if there is none, if it is no story, or if it is larger than any.
    """
    story = _parsed(_read(path), path)
    return recover(path, story)[0] if recovering else story


def save(story: Story, path: Path, *, backup: bool = False) -> None:
    """Write ``story`` to ``path`` in the format the file has, or that its name asks for; whole or not at all.

    With ``backup`` the file as it was before our first save is kept beside it, once (see :func:`backup_of`). Raises
    OutOfDisk if the disk is full, BadUsage if the place cannot be written, BadText if ``path`` holds something that is
    no story and would be lost.
    """
    format, old = format_of(path), _old(path)
    if format == "read only":
        raise read_only(path)
    if format == "lite":
        data = _lite_bytes(story, old, path)
    elif format == "text":
        data = _text_bytes(story, old)
    else:
        data = json.dumps(story.to_dict(MOST_STEPS), ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
    with writing(path):
        if backup and old is not None and old != data and not backup_of(path).exists():
            shutil.copy2(path, backup_of(path))
        if old != data:
            mode = path.stat().st_mode & 0o777 if old is not None else None
            paths.write_atomically(path, data)
            if mode is not None:
                os.chmod(path, mode)
    story.mark_saved()
    forget(path)


def backup_of(path: Path) -> Path:
    """Return where the file at ``path`` is kept as it was before the first save with ``backup``."""
    return path.with_name(f"{path.name}.before")


def format_of(path: Path) -> Format:
    """Return the format of the story at ``path``: by content where there is a file, else by name. Raises BadText."""
    data = _old(path)
    if data is None or not data.strip():
        if path.name.lower().endswith(".lite.json"):
            return "lite"
        return "text" if path.suffix.lower() in _TEXT_SUFFIXES else "ours"
    if lite.is_zipped(data):
        return "read only"
    if not _is_json(data, path):
        return "text"
    values = lite.parse(data, path.name)
    if novelai.is_novelai(values):
        return "read only"
    return "lite" if lite.is_lite(values) else "ours"


def read_only(path: Path) -> BadUsage:
    """Return the error for a story that would have to be written in a format that is only read."""
    return BadUsage(
        f"{path.name} is a story of another program in a form that can be opened here, but not written.",
        f"Write it elsewhere: --save-as {path.stem}.json, or {path.stem}.lite.json for KoboldAI Lite.",
    )


def settings_of(story: Story) -> LiteSettings:
    """Return the settings in the KoboldAI (Lite) save that ``story`` came from; empty for any other story."""
    kept = story.extra.get(_LITE)
    rest = kept.get("rest") if isinstance(kept, dict) else None
    return settings_in(rest) if isinstance(rest, dict) else LiteSettings()


def describe_unused(story: Story) -> str:
    """Return a sentence on what the file held that is not used here; empty where there is nothing to say."""
    unused = story.unused or settings_of(story).unused
    return f"Not used here, and kept in its file: {listed(unused)}." if unused else ""


def describe_used(story: Story) -> str:
    """Return a sentence on what of a save is used here beside its text; empty where there is nothing."""
    from .lore import own_lorebook  # with all the readers of lorebooks, which few stories need

    settings = settings_of(story)
    used = [counted(len(settings.stop), "stop string")] if settings.stop else []
    used += [counted(len(settings.banned), "banned phrase")] if settings.banned else []
    if (book := own_lorebook(story)) is not None:
        used.append(f"world info ({counted(len(book.entries), 'entry', 'entries')})")
    return f"Used from this save: {listed(tuple(used))}." if used else ""


def export_lite(story: Story, path: Path) -> None:
    """Write ``story`` as a KoboldAI Lite story, whatever ``path`` is called. Raises as :func:`save`."""
    with writing(path):
        paths.write_atomically(path, _lite_bytes(story, None, path))


def _read(path: Path) -> bytes:
    try:
        if path.is_dir() or not path.exists():
            raise BadText(f"There is no story at {path}." if not path.exists() else f"{path} is a folder, not a story.")
        if not path.is_file():  # a pipe or a device would never end
            raise BadText(f"{path} is no ordinary file.")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise BadText(f"{path.name} is larger than any story ({byte_size(size)}).", "Is it a model?")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadText(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _old(path: Path) -> bytes | None:
    return _read(path) if path.exists() or path.is_symlink() else None


def _is_json(data: bytes, path: Path) -> bool:
    """Return whether it begins as JSON; a text that begins with a brace and is named like one stays a text."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and path.suffix.lower() not in _TEXT_SUFFIXES


def _parsed(data: bytes, path: Path) -> Story:
    if lite.is_zipped(data):
        values = lite.parse(lite.unzipped(data, path.name), path.name)
        if not lite.is_lite(values):
            raise BadText(f"{path.name} is a zip, but what is in it is no story of KoboldAI.")
        return _from_lite(lite.read(values, path.name))
    if not _is_json(data, path):
        if path.suffix.lower() == ".json":
            raise BadText(f"{path.name} is not a story of ours: it is no JSON object.", "Text goes in a .txt file.")
        from ..corpus.decode import decode  # slow to load, and only old text files need it

        return Story(path.stem, without_last_break(decode(data, path.name).text))
    values = lite.parse(data, path.name)
    if lite.is_lite(values):
        return _from_lite(lite.read(values, path.name))
    if novelai.is_novelai(values):
        return _from_novelai(novelai.read(values, path.name))
    try:
        return Story.from_dict(values)
    except (ValueError, RecursionError) as error:
        from ..lorebook.reading import is_lorebook

        if is_lorebook(data):
            hint = "Give it to a story: --lore FILE with `kobold-modules generate`, or f6 in the interface."
            raise BadText(f"{path.name} is a lorebook, not a story.", hint) from error
        raise BadText(f"{path.name} is not a story of ours: {error}.", "Text goes in a .txt file.") from error


def _from_lite(lite: LiteStory) -> Story:
    text, marks = lite.text, lite.rest.get(_MARKS)
    story = Story(text=text)
    if isinstance(marks, dict) and marks.get("sha256") == _sha(text):
        try:
            story = Story.from_dict({**marks, "text": text})
        except ValueError:
            story = Story(text=text)
    story.memory, story.note, story.note_template = lite.memory, lite.note, lite.note_template
    others = {key: value for key, value in story.extra.items() if key != "sha256"}
    story.extra = {**others, _LITE: {"pieces": lite.pieces, "rest": lite.rest, "metadata": lite.metadata}}
    story.mark_saved()
    return story


def _from_novelai(found: novelai.NovelaiStory) -> Story:
    story = Story(found.title, found.text, memory=found.memory, note=found.note)
    if found.lorebook is not None:
        story.extra = {novelai.LOREBOOK: found.lorebook}
    story.unused = found.unused
    story.mark_saved()
    return story


def _to_lite(story: Story) -> LiteStory:
    """Return ``story`` in Lite's shape, with what it had of Lite's when it was read."""
    kept = story.extra.get(_LITE)
    saved = LiteStory()
    if isinstance(kept, dict):
        pieces, rest, metadata = kept.get("pieces"), kept.get("rest"), kept.get("metadata")
        if isinstance(pieces, list | tuple) and all(isinstance(piece, str) for piece in pieces):
            saved = replace(saved, pieces=tuple(pieces))
        if isinstance(rest, dict) and isinstance(metadata, dict):
            saved = replace(saved, rest=rest, metadata=metadata)
    cuts = [edge for take in story.takes for edge in (take.start, take.end)]
    saved = lite.with_text(saved, story.text, cuts)
    return replace(saved, memory=story.memory, note=story.note, note_template=story.note_template)


def _lite_bytes(story: Story, old: bytes | None, path: Path) -> bytes:
    """Return the file's new content. A story that came from elsewhere keeps what the file at ``path`` held."""
    if old is not None and old.strip() and _LITE not in story.extra:
        kept = _from_lite(lite.read(lite.parse(old, path.name), path.name)).extra[_LITE]
        story.extra = {**story.extra, _LITE: kept}
    saved = _to_lite(story)
    own: dict[str, Any] = {
        key: value
        for key, value in story.to_dict(MOST_STEPS).items()
        if key not in ("text", "memory", "note", "note_template", _LITE)
    }
    by_model = any(span.by_model for span in story.spans)
    rest = {key: value for key, value in saved.rest.items() if key != _MARKS}
    if by_model or _MARKS in saved.rest or story.can_undo:
        rest[_MARKS] = {**own, "sha256": _sha(story.text)}
    saved = replace(saved, rest=rest)
    if _LITE in story.extra:
        story.extra[_LITE] = {"pieces": saved.pieces, "rest": saved.rest, "metadata": saved.metadata}
    return json.dumps(lite.write(saved), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _text_bytes(story: Story, old: bytes | None) -> bytes:
    """Return the text as UTF-8, with the line ends and the mark that the file had."""
    text = story.text
    if text and not text.endswith("\n") and (old is None or not old or old.endswith((b"\n", b"\r"))):
        text += "\n"
    if old is not None and b"\r\n" in old:
        text = text.replace("\n", "\r\n")
    mark = codecs.BOM_UTF8 if old is not None and old.startswith(codecs.BOM_UTF8) else b""
    return mark + text.encode("utf-8", "replace")


def without_last_break(text: str) -> str:
    """Return ``text`` with LF line ends, without the one that editors put at the end of every file.

    To go on behind it would begin a new paragraph in the middle of a sentence. An empty line at the end is the
    writer's and stays.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text[:-1] if text.endswith("\n") and not text.endswith("\n\n") else text


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
