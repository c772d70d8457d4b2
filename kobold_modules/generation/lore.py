"""The entries of lorebooks that a text calls in, put into the request that continues it.

Once a take: what comes in is chosen from the text as it stands, drawn with the take's own seed, and stays for the
whole take. The log keeps it, so that a replay needs no lorebook.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..answers import LoreEntry, LoreFound
from ..lorebook import Lorebook
from ..lorebook.activation import SHARE, Activation, Scan, activate
from .prompt import line_of
from .protocol import Request


MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class LoreSettings:
    """How lorebooks are used; what is None is as the books ask for, or as usual.

    Attributes:
        depth: paragraphs of the story that are looked through, from its end.
        budget: the most tokens that all entries may take; a quarter of the context is usual.
        passes: the most looks through the story and what came in; 1 is without recursion, 0 as many as it takes.
    """

    depth: int | None = None
    budget: int | None = None
    passes: int = 0


def with_lore(
    request: Request,
    books: Sequence[Lorebook],
    context: int,
    tokenize: Callable[[str], list[int]],
    settings: LoreSettings | None = None,
) -> tuple[Request, Activation]:
    """Return ``request`` with what its text calls in, and what that is.

    Memory, lore and note together never take more than half of what the model can read behind the stack.

    Args:
        request: its seed is drawn already (see ``log.seeded``).
        context: tokens that the model can read in all.
    """
    if not books:
        return request, Activation()
    settings = settings or LoreSettings()
    free = context - request.stack.tokens
    fixed = len(tokenize(line_of(request.memory))) + len(tokenize(line_of(request.note)))
    asked = settings.budget if settings.budget is not None else _asked(books, context)
    scan = Scan(
        depth=settings.depth,
        budget=max(0, min(asked, free // 2 - fixed)),
        passes=settings.passes,
        seed=request.sampler.seed or 0,
    )
    found = activate(books, request.text, lambda text: len(tokenize(text)), scan)
    return replace(request, lore=found.texts), found


def sentences(found: Activation, books: Sequence[Lorebook]) -> list[str]:
    """Return what a person should know of ``found``, in sentences; nothing where there are no books."""
    if not books:
        return []
    total = sum(len(book.enabled) for book in books)
    names = _listed([active.entry.name for active in found.active])
    said = [
        f"Lore: {len(found.active)} of {total} entries are in, {found.tokens} tokens"
        + (f": {names}." if names else ".")
    ]
    if found.crowded_out:
        left = _listed([entry.name for entry in found.crowded_out])
        said.append(f"No room was left for {left}: --lore-budget N allows more tokens.")
    if found.slow:
        said.append(f"warning: a key takes too long to look for and counts as not found: {_listed(list(found.slow))}.")
    return said


def record_of(found: Activation) -> LoreFound:
    """Return ``found`` as the record that the command line and the worker tell it with."""
    return LoreFound(
        tuple(LoreEntry(active.entry.name, active.tokens, active.because) for active in found.active),
        found.tokens,
        tuple(entry.name for entry in found.crowded_out),
        tuple(found.slow),
    )


def _asked(books: Sequence[Lorebook], context: int) -> int:
    """Return the largest budget that a book asks for, else a share of the context."""
    asked = [book.token_budget for book in books if book.token_budget]
    return max(asked) if asked else int(SHARE * context)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
