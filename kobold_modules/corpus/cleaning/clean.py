"""Cleaning: the rules in their order, repeated until a text comes out as it went in.

The order is the design (:mod:`.rules`). Characters first, since all rules look at lines; then what is not the text
(frames, tags, page numbers, contents), while lines still stand as in the file; then paragraphs; then titles, told by
standing alone; typography last. A rule can uncover work for an earlier one (a page number between two titles), so the
sequence runs again until nothing changes: clean text is text that cleaning leaves alone.

A large text is cleaned in parts of some megabytes, cut between paragraphs: memory stays in proportion, and there is
something to tell meanwhile. How lines are broken is then measured part by part, which suits a file of many books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from .change import Change, merge
from .markdown import markdown as strip_markdown
from .rules import CHARACTERS, Step, steps


PART = 1 << 20  # characters
_PASSES = 12


def clean(
    text: str, *, markdown: bool = False, straight_quotes: bool = True, keep: Iterable[str] = ()
) -> tuple[str, tuple[Change, ...]]:
    """Return clean prose from a file's text, and what was done to it.

    Paragraphs are lines apart by one blank line, scenes by ``* * *``. Cleaning cleaned text (``markdown=False``) gives
    the same text; what is left may be empty. ``keep`` names rules that are not to run (:data:`.rules.KEEPABLE`).

    Raises:
        BadUsage: if ``keep`` has a name that is no rule's.
    """
    return clean_parts([text], markdown=markdown, straight_quotes=straight_quotes, keep=keep)


def clean_parts(
    parts: Iterable[str],
    *,
    markdown: bool = False,
    straight_quotes: bool = True,
    keep: Iterable[str] = (),
    progress: Callable[[int], None] = lambda characters: None,
) -> tuple[str, tuple[Change, ...]]:
    """Return the same for a text that comes in parts; ``progress`` hears how many characters are done.

    Raises:
        BadUsage: if ``keep`` has a name that is no rule's.
    """
    rules = steps(keep, straight_quotes=straight_quotes)
    changes: list[Change] = []
    first = tuple(rule for rule in rules if rule in CHARACTERS)
    prepared: list[str] = []
    for part in parts:
        prepared.append(_apply(first, part, changes))
        if markdown:
            prepared[-1], signs = strip_markdown(prepared[-1])
            changes += signs
    once = tuple(rule for rule in rules if rule.place == "once")
    if len(prepared) == 1 and len(prepared[0]) <= 2 * PART:
        cleaned = _until_still(rules, prepared.pop(), changes)
        return cleaned, merge(changes)
    text = _apply(once, "".join(prepared), changes)
    prepared.clear()
    rules = tuple(rule for rule in rules if rule.place != "once")
    out: list[str] = []
    at = 0
    while at < len(text):
        end = _part_end(text, at)
        places = {"all"} | ({"front"} if at == 0 else set()) | ({"back"} if end == len(text) else set())
        out.append(_until_still(tuple(rule for rule in rules if rule.place in places), text[at:end], changes))
        progress(end)
        at = end
    del text
    return _joined(out), merge(changes)


def _part_end(text: str, at: int) -> int:
    """Return where the part that begins at ``at`` ends: at a wide gap or a blank line."""
    if len(text) - at <= PART * 1.5:
        return len(text)
    for gap in ("\n\n\n", "\n\n", "\n"):
        found = text.rfind(gap, at + PART // 2, at + PART)
        if found >= 0:
            return found + len(gap)
    return at + PART


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part)


def _until_still(rules: tuple[Step, ...], text: str, changes: list[Change]) -> str:
    """Run the rules over and over until none of them changes the text; a rule that has seen this very text rests."""
    version = characters = 0
    seen = [-1] * len(rules)
    for _ in range(_PASSES):
        began = version
        for at, rule in enumerate(rules):
            now = characters if rule.local else version
            if seen[at] == now:
                continue
            changed = _run(rule, text, changes)
            if changed == text:
                seen[at] = now
                continue
            text = changed
            version += 1
            characters += not rule.moves
        if version == began:
            break
    return text


def _apply(rules: tuple[Step, ...], text: str, changes: list[Change]) -> str:
    for rule in rules:
        text = _run(rule, text, changes)
    return text


def _run(rule: Step, text: str, changes: list[Change]) -> str:
    cleaned, change = rule.run(text)
    if change.count or change.warning:
        removed = max(0, len(text) - len(cleaned)) if rule.deletes else 0
        changes.append(replace(change, removed=removed, rule=rule.name))
    return cleaned
