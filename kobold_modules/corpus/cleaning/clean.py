"""Cleaning: the rules in their order, repeated until a text comes out as it went in.

The order is the design. Characters first, since all rules look at lines; then what is not the text (frames, tags,
page numbers, contents), while lines still stand as in the file; then paragraphs; then titles, told by standing
alone; typography last. A rule can uncover work for an earlier one (a page number between two titles), so the sequence
runs again until nothing changes: clean text is text that cleaning leaves alone.
"""

from __future__ import annotations

from .boilerplate import editors_marks, gutenberg, notices
from .breaks import scene_breaks, tidy_breaks
from .change import Change, Rule, merge
from .characters import composed, controls, double_spaces, garbled, invisible, ligatures, line_ends, spaces, trailing
from .contents import contents
from .markdown import markdown as strip_markdown
from .pages import page_furniture
from .paragraphs import paragraphs
from .titles import titles, underlined
from .typography import dashes, ellipses, emphasis, quotes, tags


CHARACTERS: tuple[Rule, ...] = (garbled, line_ends, controls, invisible, spaces, trailing, ligatures, composed)
TEXT: tuple[Rule, ...] = (
    gutenberg,
    notices,
    editors_marks,
    tags,
    emphasis,
    page_furniture,
    contents,
    underlined,
    scene_breaks,
    paragraphs,
    titles,
    ellipses,
    dashes,
    double_spaces,
    trailing,
    tidy_breaks,
)
_PASSES = 12


def clean(text: str, *, markdown: bool = False, straight_quotes: bool = True) -> tuple[str, tuple[Change, ...]]:
    """Clean prose from a file's text, and what was done to it.

    Paragraphs are lines apart by one blank line, scenes by ``* * *``. Cleaning cleaned text (``markdown=False``) gives
    the same text. Never raises; what is left may be empty.
    """
    changes: list[Change] = []
    if markdown:
        text = _apply(CHARACTERS, text, changes)
        text, signs = strip_markdown(text)
        changes += signs
    rules = (*CHARACTERS, *((quotes,) if straight_quotes else ()), *TEXT)
    for _ in range(_PASSES):
        before = text
        text = _apply(rules, text, changes)
        if text == before:
            break
    return text, merge(changes)


def _apply(rules: tuple[Rule, ...], text: str, changes: list[Change]) -> str:
    for rule in rules:
        text, change = rule(text)
        changes.append(change)
    return text
