"""A draft: what is asked and answered, before it has the form of a prompt."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ..example import Example, ExampleKind
from ..lore import LoreEntry


RECITE = "Lore entry: {title}\n"  # the fixed phrase behind which an entry is recited
# How a question may be put. The first is the commonest; a module must answer in all of them.
FRAMES = (
    ("Question: {question}\nAnswer:", " {answer}\n"),
    ("Question: {question}\nAnswer:", " {answer}\n"),
    ("Q: {question}\nA:", " {answer}\n"),
    ("{question}\n", "{answer}\n"),
    ("“{question}” asked the stranger.\n“", "{answer}”\n"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """One thing to be learned about ``entry``.

    Attributes:
        question: what is asked; where ``framed`` is False the whole prompt, as it stands.
        answer: a stretch of the lore, without the space in front of it.
        fact: drafts of one number say the same in other words; each fact's turn comes before any is said twice.
    """

    kind: ExampleKind
    entry: LoreEntry
    question: str
    answer: str
    framed: bool = True
    fact: int = 0

    def example(self, chance: random.Random) -> Example:
        """Return it as an example, in a form drawn from ``chance``."""
        before, behind = chance.choice(FRAMES) if self.framed else ("{question}", "{answer}")
        question, answer = self.question, self.answer
        if "“" in before + behind:
            before = before.replace("asked", "asked" if question.endswith("?") else "said")
            question, answer = (text.replace("“", "‘").replace("”", "’") for text in (question, answer))
        return Example(
            self.kind,
            (self.entry.title,),
            self.entry.view,
            before.replace("{question}", question),
            behind.replace("{answer}", answer),
        )
