"""Files that are no plain text, recognised by their first bytes, and what to do about each.

A person who drops a Kindle book on the program should read "looks like a Kindle book", not a decoding error.
"""

from __future__ import annotations

import json
import re
import struct


READABLE = (
    "Texts come as .txt, .md, .docx, .odt, .epub, .html, .rtf, .fb2 or .pdf, as a Scrivener project, a story of "
    "KoboldAI or NovelAI, or a chat of SillyTavern."
)
_EXPORT = "Open it in the program that made it and save it as .docx or .txt first."
_CALIBRE = "Convert it to .epub with Calibre first (calibre-ebook.com)."
_PICTURE = "Only texts can be read."
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (_OLD_OFFICE, "an old Word document (.doc)", "Open it in Word or LibreOffice and save it as .docx first."),
    (b"\x89PNG", "a picture (PNG)", _PICTURE),
    (b"\xff\xd8\xff", "a picture (JPEG)", _PICTURE),
    (b"GIF8", "a picture (GIF)", _PICTURE),
    (b"\x1f\x8b", "a compressed file (gzip)", "Unpack it first."),
    (b"7z\xbc\xaf\x27\x1c", "a compressed file (7z)", "Unpack it first."),
    (b"Rar!", "a compressed file (RAR)", "Unpack it first."),
    (b"GGUF", "a model (GGUF)", "Models are given with --model; texts come as .txt or .docx."),
    (b"ID3", "a sound file", _PICTURE),
    (b"SQLite format 3", "a database", "Export your texts from it as .txt first."),
    (b"CONT\x02\x00", "a Kindle book (KFX)", _CALIBRE),
    (b"\xeaDRMION\xee", "a Kindle book with DRM", "Only Amazon's own program can open it: use a copy without DRM."),
    (b"TPZ", "a Kindle book (Topaz)", _CALIBRE),
    (b"ITOLITLS", "an e-book of Microsoft Reader (.lit)", _CALIBRE),
    (b"AT&TFORM", "a scanned book (DjVu)", "Give its text, not its pictures: save that as .txt."),
    (b"\xffWPC", "a WordPerfect document", "Open it in LibreOffice and save it as .docx first."),
)
_ZIPS: tuple[tuple[bytes, str, str], ...] = (
    (b"tensor.npy", "a KoboldAI soft prompt", "Modules are imported: kobold-modules import FILE."),
    (b"Index/Document.iwa", "an Apple Pages document", "Export it from Pages as Word (.docx) or EPUB first."),
    (b"xl/workbook.xml", "a table (.xlsx)", _EXPORT),
    (b"ppt/presentation.xml", "slides (.pptx)", _EXPORT),
)
_HEAD = 4096
_KNOWN_JSON = "Of JSON files only saved stories, chats, lorebooks and character cards are read."
_AGAIN = f"Save or download it again. {_KNOWN_JSON}"
_BEGINS_AS_JSON = re.compile(rb'(?:\[\s*)?\{\s*"(?:[^"\\\n]|\\.){0,200}"?\s*(?::|\Z)')


def not_text(data: bytes) -> tuple[str, str] | None:
    """Return what this file is and a hint, if it is no plain text we can read; else None."""
    head = data[:_HEAD]
    bare = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if bare.startswith(_OLD_OFFICE) and "EncryptedPackage".encode("utf-16-le") in data:
        return "a document locked with a password", "Save it without one first."
    for magic, name, hint in _MAGIC:
        if bare.startswith(magic):
            return name, hint
    if head.startswith(b"PK\x03\x04"):
        both_ends = head + data[-_HEAD:]  # a zip lists its members at its end
        found = [(name, hint) for sign, name, hint in _ZIPS if sign in both_ends]
        return found[0] if found else ("a zip archive", "Unpack it and give the texts in it.")
    if head[60:68] in (b"BOOKMOBI", b"TEXtREAd"):
        return _kindle(data)
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return "a picture or sound file", "Only texts can be read."
    if bare[:1] in (b"{", b"["):
        return _data(data, bare)
    return None


def _kindle(data: bytes) -> tuple[str, str]:
    """Return what a Mobipocket file is: its first record says whether the text is encrypted."""
    (record,) = struct.unpack(">I", data[78:82].ljust(4, b"\0"))
    (encrypted,) = struct.unpack(">H", data[record + 12 : record + 14].ljust(2, b"\0"))
    if encrypted:
        return "a Kindle book with DRM", "Only Amazon's own program can open it: use a copy without DRM."
    return "a Kindle book", _CALIBRE


def _data(data: bytes, bare: bytes) -> tuple[str, str] | None:
    """Return what JSON that no reader knows is; None for prose, which may begin with a bracket, too."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        if not _BEGINS_AS_JSON.match(bare):
            return None
        return ("data (JSON lines)", _KNOWN_JSON) if _is_lines(data) else ("data (JSON) that is cut short", _AGAIN)
    return "data (JSON)", _KNOWN_JSON


def _is_lines(data: bytes) -> bool:
    """Return whether the first line is JSON by itself."""
    try:
        json.loads(data.lstrip().split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return True
