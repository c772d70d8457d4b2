"""Where lines were broken: the width at which a typesetter, an editor or a mail program cut them.

The test is the one a typesetter would use: the first word of the next line would not have fitted any more. It is asked
only where a line ends inside a sentence, so dialogue does not blur the answer.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ..lines import continues, ends_sentence, indent, is_cjk


LIST_ITEM = re.compile(r"\s*(?:[-•*+]|\d{1,3}[.)]) ")
_TIGHT = 0.08  # a file with fewer blank lines than this per line does not use them between paragraphs
_NARROWEST, _NARROWEST_CJK, _WIDEST = 35, 14, 130  # characters of a line that was broken on purpose at the margin


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file sets its paragraphs.

    Attributes:
        width: characters in a full line where lines are broken, else 0.
        slack: how far short of ``width`` a full line may stay.
        indents: an indent starts a paragraph.
        tight: neither blank lines nor indents between paragraphs; a short line is all that ends one.
        line_each: each line is a paragraph.
    """

    width: int
    slack: float
    indents: bool
    tight: bool
    line_each: bool

    def full(self, line: str, following: str, slack: float | None = None) -> bool:
        """Return whether the first word of ``following`` had no room left on ``line``."""
        return len(line) + 1 + first_word(following) > self.width - (self.slack if slack is None else slack)


def first_word(line: str) -> int:
    """Return how many characters at the beginning of a line cannot be parted: a word, or a sign of Chinese."""
    bare = line.lstrip()
    if not bare:
        return 0
    if bare[0] > "\u2fff" and is_cjk(bare[0]):
        return 1
    space = bare.find(" ")
    return space if space > 0 else len(bare)


def measure(blocks: list[list[str]]) -> Layout:
    """Measure what layout these blocks of lines have."""
    pairs = [(block[at], block[at + 1]) for block in blocks for at in range(len(block) - 1)]
    indented = [pair for pair in pairs if pair[1][:1] == " "]
    deeper = [(first, second) for first, second in indented if indent(second) >= indent(first) + 2]
    indents = len(deeper) >= 3 and sum(ends_sentence(first) for first, _ in deeper) >= 0.7 * len(deeper)
    # Lines set in like verse, or like the first of a paragraph, would blur where the margin of the prose is.
    depths = Counter(indent(second) for _, second in indented)
    depths[0] += len(pairs) - len(indented)
    margin = depths.most_common(1)[0][0]
    flowing = [pair for pair in pairs if indent(pair[1]) == margin] if indented else pairs
    gaps = max(0, len(blocks) - 1)
    tight = not indents and len(pairs) >= 3 and gaps < _TIGHT * (gaps + len(pairs))
    width, slack = wrap_width(flowing)
    crowded = [line for block in blocks if len(block) > 1 for line in block]
    line_each = (
        not width
        and len(pairs) > max(2, gaps)
        and sum(ends_sentence(line) for line in crowded) >= 0.7 * len(crowded)
        and not all(LIST_ITEM.match(line) for line in crowded)
    )
    return Layout(width, slack, indents, tight, line_each)


def wrap_width(pairs: list[tuple[str, str]]) -> tuple[int, float]:
    """Return the width at which lines are broken and how strictly, or ``(0, 0)``."""
    inside = [(first, second) for first, second in pairs if not ends_sentence(first)]
    if len(inside) < max(2, 0.25 * len(pairs)):
        return 0, 0.0
    # Sentences already closed over the end of a page are longer than any broken line.
    lengths = sorted(len(first) for first, _ in inside if len(first) <= _WIDEST)
    if len(lengths) < 0.7 * len(inside):
        return 0, 0.0
    width = lengths[int(0.95 * (len(lengths) - 1))]
    signs = sum(is_cjk(second.lstrip()[:1] or " ") for _, second in inside) > 0.5 * len(inside)
    if width < (_NARROWEST_CJK if signs else _NARROWEST):
        return 0, 0.0
    if sum(continues(second) for _, second in inside) < 0.4 * len(inside):
        return 0, 0.0
    for slack, share in ((0.0, 0.97), (3.0, 0.93), (0.12 * width, 0.93), (0.25 * width, 0.75)):
        full = sum(len(first) + 1 + first_word(second) > width - slack for first, second in inside)
        if full >= share * len(inside):
            return width, slack
    return 0, 0.0
