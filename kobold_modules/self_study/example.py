"""One example of self-study: what the teacher reads, what both read, and what the student learns to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


ExampleKind = Literal["question", "statement", "continuation", "dialogue", "summary", "relation", "negative"]


@dataclass(frozen=True, slots=True)
class Example:
    """One example; JSON-ready.

    The teacher is the frozen model with ``view`` in front, the student the same model with the module in front. Both
    read ``prompt`` and ``answer``; the student learns the teacher's distribution over the tokens of ``answer``.

    Attributes:
        entries: titles of the lore entries in ``view``.
        view: the lore that only the teacher sees.
        prompt: text that both read and neither is scored on, as it stands (a chat template included).
        answer: text that is scored, token by token.
    """

    kind: ExampleKind
    entries: tuple[str, ...]
    view: str
    prompt: str
    answer: str
