"""One file from the disk to the text that cleaning reads, whatever its kind.

A file is what it holds, not what it is called: a Word document named ``novel.txt`` is read as one.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..byte_size import byte_size
from ..errors import BadText
from .cleaning.change import Change
from .decode import TextParts
from .files import MARKDOWN_SUFFIXES, Found
from .kinds import READABLE, not_text
from .readers import LeftOut, Source, Speaker, recognise
from .readers.limits import MOST_FILE


@dataclass(frozen=True, slots=True)
class Raw:
    """A file's text before cleaning. :meth:`warnings` are whole when all parts were read.

    Attributes:
        parts: the text; that of a plain file comes in parts and can be gone through once.
        kind: the encoding of a plain text, or what the document is (``Word document``).
        markdown: whether the text is Markdown.
        sha256: of the bytes as they lie on disk.
        changes: what became of the document's headings.
        left_out, chapters, scene_breaks, speakers: as in a :class:`~kobold_modules.corpus.document.FileReport`.
    """

    parts: Iterable[str]
    kind: str
    sha256: str
    markdown: bool = False
    remarks: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    chapters: int = 0
    scene_breaks: int = 0
    speakers: tuple[Speaker, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for a person."""
        return (*self.remarks, *(self.parts.warnings() if isinstance(self.parts, TextParts) else ()))


def load(file: Found, speakers: Sequence[str] = ()) -> Raw:
    """Read a file or a document that is a folder; of a chat only the lines of ``speakers``, where some are named.

    Raises:
        BadText: if it cannot be read, is empty, or is of no kind that we know.
    """
    folder = file.path if file.path.is_dir() else None
    source = Source(file.name, b"" if folder else _bytes(file), folder, tuple(speakers))
    sha256 = _hash_below(folder) if folder else hashlib.sha256(source.data).hexdigest()
    if (reader := recognise(source)) is not None:
        document = reader.read(source)
        headings = sum(block.kind == "heading" for block in document.blocks)
        change = Change("headings removed", headings, "A scene break marks where each one stood.")
        return Raw(
            document.parts(),
            reader.title,
            sha256,
            remarks=document.warnings,
            changes=(change,) if headings else (),
            left_out=document.left_out,
            chapters=document.chapters,
            scene_breaks=document.scene_breaks,
            speakers=document.speakers,
        )
    if kind := not_text(source.data):
        name, hint = kind
        raise BadText(f"{file.name} looks like {name}, which cannot be read.", hint)
    try:
        parts = TextParts(source.data, file.name)
    except BadText as error:
        raise BadText(error.message, READABLE) from error
    return Raw(parts, parts.encoding.title, sha256, file.path.suffix.lower() in MARKDOWN_SUFFIXES)


def _hash_below(folder: Path) -> str:
    """Return one hash of the names and texts of a Scrivener project."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".rtf", ".scrivx") and path.is_file() and not path.is_symlink():
            found.update(path.relative_to(folder).as_posix().encode() + b"\0")
            with contextlib.suppress(OSError):  # reading it says what is wrong
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _bytes(file: Found) -> bytes:
    try:
        size = file.path.stat().st_size
        if size > MOST_FILE:
            raise BadText(
                f"{file.name} has {byte_size(size)}; {byte_size(MOST_FILE)} is the most a text may have.",
                "A module learns from thousands of words, not millions: give it a part of this.",
            )
        data = file.path.read_bytes()
    except OSError as error:
        raise BadText(
            f"{file.name} cannot be read: {error.strerror or error}.", "Look at its permissions and where it lies."
        ) from error
    if not data.strip():
        raise BadText(f"{file.name} is empty.", "Give a file with some pages of prose in it.")
    return data
