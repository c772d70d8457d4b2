"""What cleaning did, in words for a person.

A writer must be able to trust what we take out of their pages, so every rule returns, next to its text, one Change that
says what it did, how often and why. Rules that found nothing return a count of zero and are left out of the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of repair.

    Attributes:
        what, count, why: what was done, in how many places, and the reason.
        warning: a sentence for what a person should look at; mostly empty.
        removed: characters that went with it, where the rule takes prose away; filled in by :mod:`.clean`.
        rule: the name by which a person switches it off; filled in by :mod:`.clean`.
    """

    what: str
    count: int
    why: str
    warning: str = ""
    removed: int = 0
    rule: str = ""


Cleaned = tuple[str, Change]
Rule = Callable[[str], Cleaned]


def substitute(
    pattern: re.Pattern[str],
    by: str | Callable[[re.Match[str]], str],
    text: str,
    what: str,
    why: str,
    *,
    signs: str | tuple[str, ...] = (),
) -> Cleaned:
    """Substitute as ``pattern.sub`` and count the replacements; a text without any of ``signs`` is not searched."""
    if signs and not any(sign in text for sign in signs):
        return text, Change(what, 0, why)
    changed, count = pattern.subn(by, text)
    return changed, Change(what, count, why)


def merge(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Add up the changes of one kind, in order of first appearance; kinds that never happened vanish."""
    merged: dict[str, Change] = {}
    for change in changes:
        before = merged.get(change.what)
        merged[change.what] = change if before is None else _sum(before, change)
    return tuple(change for change in merged.values() if change.count or change.warning)


def _sum(one: Change, other: Change) -> Change:
    return replace(
        other,
        count=one.count + other.count,
        removed=one.removed + other.removed,
        warning=one.warning or other.warning,
    )
