"""What the model reads before it writes: memory, lore, the end of the story, and the note that stands near the end.

Memory, lore and note always stay; the story's beginning slides out on a sentence boundary when there is no room for
it. Each part is split into tokens by itself, so that a change in one never changes the tokens of what stands before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import BadUsage
from .protocol import Request
from .window import fit


@dataclass(frozen=True, slots=True)
class Prompt:
    """``tokens`` to read, and how many characters of the story were left out of them.

    The last ``tail_tokens`` of them are ``tail``, the end of the story behind whatever stands in it.
    """

    tokens: list[int]
    left_out: int
    tail: str
    tail_tokens: int


def build(request: Request, text: str, still: int, free: int, tokenize: Callable[[str], list[int]]) -> Prompt:
    """Build the prompt of ``request`` with ``text`` for its story.

    Args:
        still: tokens yet to be written; room is kept for them, but at most half of what the story may have.
        free: tokens that fit behind the stack.

    Raises:
        BadUsage: memory, lore and note leave no room for the story.
    """
    memory, note = tokenize(line_of(request.memory)), tokenize(line_of(request.note))
    for entry in request.lore:
        memory = [*memory, *tokenize(line_of(entry))]
    fixed = len(memory) + len(note)
    if fixed > free // 2:
        parts = "Memory, lore and note" if request.lore else "Memory and note"
        raise BadUsage(
            f"{parts} take {fixed} of the {free} tokens that the model can read here.",
            "Shorten them, take modules off, or load the model with a larger context.",
        )
    free -= fixed
    room = max(1, free - min(still, free // 2))
    if not note:
        window = fit(text, room, tokenize)
        return Prompt([*memory, *window.tokens], window.start, text[window.start :], len(window.tokens))
    # Splitting the text at the note, and a line break that may be needed there, can cost a few tokens more.
    window = fit(text, max(1, room - 4), tokenize)
    at = max(window.start, _lines_before_end(text, request.note_depth))
    head = text[window.start : at]
    if head and not head.endswith("\n"):
        head += "\n"
    tail = tokenize(text[at:])
    tokens = [*memory, *tokenize(head), *note, *tail][-(free + fixed) :]
    return Prompt(tokens, window.start, text[at:], min(len(tail), len(tokens)))


def line_of(text: str) -> str:
    """Return ``text`` as lines of its own; nothing for nothing."""
    return "" if not text.strip() else text if text.endswith("\n") else text + "\n"


def _lines_before_end(text: str, depth: int) -> int:
    """Return where the ``depth``-th line from the end begins, not counting empty lines. Depth 0 is the very end."""
    at = len(text)
    for _ in range(max(0, depth)):
        end = len(text[:at].rstrip())
        if end == 0:
            return 0
        at = text.rfind("\n", 0, end) + 1
    return at
