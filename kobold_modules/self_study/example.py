"""One example of self-study: what the teacher reads, what both read, and what the student learns to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


ExampleKind = Literal[
    "question", "statement", "continuation", "dialogue", "summary", "relation", "negative", "recitation", "choice"
]
Source = Literal["template", "teacher"]


@dataclass(frozen=True, slots=True)
class Example:
    """One example; JSON-ready.

    The teacher is the frozen model with ``view`` in front, the student the same model with the module in front. Both
    read ``prompt`` and ``answer``; the student learns the teacher's distribution over the tokens of ``answer``.

    Attributes:
        kind: ``recitation`` is an entry behind a fixed phrase; ``choice`` a question with the names to choose from.
        entries: titles of the lore entries in ``view``.
        view: the lore that only the teacher sees.
        prompt: text that both read and neither is scored on, as it stands (a chat template included).
        answer: text that is scored, token by token.
        source: whether rules made it from the entry's own words, or the model wrote it.
        special: whether ``view`` and ``prompt`` hold the control tokens of a chat template, to be read as such
            (``<|im_start|>`` as one token: ``tokenize(text, special=True)``). The answer never does.
    """

    kind: ExampleKind
    entries: tuple[str, ...]
    view: str
    prompt: str
    answer: str
    source: Source = "template"
    special: bool = False
