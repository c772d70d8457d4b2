"""Files that are no plain text, told from their first bytes, and what to do about each.

A person who drops a PDF on the program should read "looks like a PDF", not a decoding error.
"""

from __future__ import annotations

import json


READABLE = "Texts come as .txt, .md and .docx."
_EXPORT = "Open it in the program that made it and save it as .docx or .txt first."
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF", "Export it as .txt first; `pdftotext -layout FILE` does it too."),
    (b"{\\rtf", "an RTF document", _EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word document (.doc)", _EXPORT),
    (b"\x89PNG", "a picture (PNG)", "Only texts can be read."),
    (b"\xff\xd8\xff", "a picture (JPEG)", "Only texts can be read."),
    (b"GIF8", "a picture (GIF)", "Only texts can be read."),
    (b"\x1f\x8b", "a compressed file (gzip)", "Unpack it first."),
    (b"7z\xbc\xaf\x27\x1c", "a compressed file (7z)", "Unpack it first."),
    (b"Rar!", "a compressed file (RAR)", "Unpack it first."),
    (b"GGUF", "a model (GGUF)", "Models are given with --model; texts come as .txt or .docx."),
    (b"ID3", "a sound file", "Only texts can be read."),
    (b"SQLite format 3", "a database", "Export your texts from it as .txt first."),
)
_ZIPS: tuple[tuple[bytes, str], ...] = (
    (b"application/epub+zip", "an EPUB book"),
    (b"application/vnd.oasis.opendocument.text", "an OpenDocument text (.odt)"),
    (b"word/", "a Word document (.docx)"),
    (b"tensor.npy", "a KoboldAI soft prompt"),
)
_HEAD = 4096


def not_text(data: bytes) -> tuple[str, str] | None:
    """Return what this file is and a hint, if it is no plain text we can read; else None."""
    head = data[:_HEAD]
    bare = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, name, hint in _MAGIC:
        if bare.startswith(magic):
            return name, hint
    if head.startswith(b"PK\x03\x04"):
        both_ends = head + data[-_HEAD:]  # a zip lists its members at its end
        return next(
            ((name, _EXPORT) for sign, name in _ZIPS if sign in both_ends), ("a zip archive", "Unpack it first.")
        )
    if head[60:68] == b"BOOKMOBI":
        return "a Kindle book", "Convert it to .txt first, for instance with Calibre."
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return "a picture or sound file", "Only texts can be read."
    if bare[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML)", "Save it as plain text (.txt) from the browser first."
    if bare[:1] in (b"{", b"[") and _is_json(data):
        return "data (JSON)", "Of JSON files only lorebooks and character cards are read."
    return None


def _is_json(data: bytes) -> bool:
    """Return whether all of it is JSON; prose may begin with a bracket, too."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
