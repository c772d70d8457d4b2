"""The lorebooks of a job, read once while their files stay as they are, and what the text calls in of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ..disk.stamp import FileStamp, file_stamp
from ..errors import BadInput
from ..generation.lore import record_of, sentences, with_lore
from ..generation.protocol import Request
from ..lorebook import Lorebook, read
from ..lorebook.activation import Activation
from .context import JobContext
from .messages import Lore


MOST_BOOKS = 32  # kept in memory


def look_up(job: Lore, context: JobContext) -> None:
    """Answer ``job``: which entries its text calls in, and what each costs."""
    request = Request(
        text=job.text, stack=context.stack(job.stack), memory=job.memory, note=job.note, note_depth=job.note_depth
    )
    _, found = bring_in(request, job.lore, context)
    context.emit(record_of(found))


def bring_in(request: Request, files: Iterable[str], context: JobContext) -> tuple[Request, Activation]:
    """Return ``request`` with what its text calls in of the lorebooks in ``files``, and what that is.

    A lorebook that cannot be read is left out, and said: the story goes on without it.
    """
    books = []
    for name in files:
        try:
            books.append(_book(name))
        except BadInput as error:
            context.warn(f"A lorebook is left out. {error.message}")
    engine = context.engine
    request, found = with_lore(request, books, engine.info.context, engine.tokenize)
    if found.slow:
        context.warn(sentences(found, books)[-1])
    return request, found


def _book(name: str) -> Lorebook:
    path = Path(name)
    try:
        stamp = file_stamp(path)
    except OSError:
        return read(path)  # which says why
    return _read(path, stamp)


@lru_cache(maxsize=MOST_BOOKS)
def _read(path: Path, stamp: FileStamp) -> Lorebook:
    """Read the lorebook at ``path``; another ``stamp`` reads it again."""
    return read(path)
