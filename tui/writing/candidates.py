"""Words that could come next, with the stack and without it, as values: the difference is what the stack does."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from kobold_modules import answers
from kobold_modules.answers import NextTokens


@dataclass(frozen=True, slots=True)
class Candidate:
    """One token. A probability is None where the token is not among those that were looked at.

    ``adds`` is what it adds to the page: all of ``text``, but for the end of the page that it spells out again.
    """

    token: int
    text: str
    with_stack: float | None
    without: float | None
    adds: str

    @property
    def likeliest(self) -> float:
        return max(self.with_stack or 0.0, self.without or 0.0)

    @property
    def pull(self) -> float:
        """How many times as likely the stack makes it, as a power of two; 0 where one side is not known."""
        if not self.with_stack or not self.without:
            return 0.0
        return math.log2(self.with_stack / self.without)


def candidates(found: NextTokens) -> list[Candidate]:
    """Return the rows of ``found``: the stack's first, in its order, then those of the plain model alone."""
    with_stack, without = _side(found.stacked), _side(found.plain)
    rows = [
        Candidate(token, text, probability, without[(token, adds)][1] if (token, adds) in without else None, adds)
        for (token, adds), (text, probability) in with_stack.items()
    ]
    rows += [
        Candidate(token, text, None, probability, adds)
        for (token, adds), (text, probability) in without.items()
        if (token, adds) not in with_stack
    ]
    return rows


def _side(found: Iterable[answers.Candidate]) -> dict[tuple[int, str], tuple[str, float]]:
    """Return text and probability by token and what it adds, likeliest first."""
    return {(item.token, item.adds): (item.text, item.probability) for item in found}


def shown(text: str) -> str:
    """Return a token as a person can read it: white space has a sign, and a piece of a word says that it is one."""
    if not text:
        return "(nothing to see)"
    if not text.strip():
        return {"\n": "⏎ new line", "\n\n": "⏎ new paragraph", " ": "␣ space"}.get(
            text, "".join("⏎" if letter == "\n" else "␣" for letter in text)
        )
    body = text.strip().replace("\n", "⏎")
    return body if text[0].isspace() or not body[0].isalnum() else f"…{body}"


BLOCKS = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int) -> str:
    """Draw ``share`` of ``width`` cells, in eighths; what is there at all is seen."""
    eighths = max(1 if share > 0 else 0, round(min(1.0, share) * width * 8))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (BLOCKS[rest] if rest else "")).ljust(width)[:width]


def per_cent(probability: float | None) -> str:
    """Return ``21.4 %``, ``<0.1 %``, or a dash."""
    if probability is None:
        return "–"
    return "<0.1 %" if 0 < probability < 0.0005 else f"{probability:.1%}".replace("%", " %")
