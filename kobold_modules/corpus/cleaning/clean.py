"""Cleaning: the rules in their order, repeated until a text comes out as it went in.

The order is the design (:mod:`.rules`). Characters first, since all rules look at lines; then what is not the text
(frames, tags, page numbers, contents), while lines still stand as in the file; then paragraphs; then titles, told by
standing alone; typography last. A rule can uncover work for an earlier one (a page number between two titles), so the
sequence runs again until nothing changes: clean text is text that cleaning leaves alone.

A large text is cleaned in parts of some megabytes, cut between paragraphs: memory stays in proportion, and there is
something to tell meanwhile. How lines are broken is then measured part by part, which suits a file of many books.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace

from ...drain import drain
from .apparatus.gutenberg import has_mark
from .change import Change, merge
from .markup.markdown import markdown as strip_markdown
from .rules import CHARACTERS, Step, steps


PART = 1 << 20  # characters
_PASSES = 12
_GAPS = ("\n\n\n", "\n\n", "\n")
_SHARE_OF_READING = 0.2  # of the time


def clean(
    text: str, *, markdown: bool = False, straight_quotes: bool = True, keep: Iterable[str] = ()
) -> tuple[str, tuple[Change, ...]]:
    """Return clean prose from a file's text, and what was done to it.

    Paragraphs are lines apart by one blank line, scenes by ``* * *``. Cleaning cleaned text (``markdown=False``) gives
    the same text; what is left may be empty. ``keep`` names rules that are not to run (:data:`.names.KEEPABLE`).

    Raises:
        BadUsage: if ``keep`` has a name that is no rule's.
    """
    return drain(clean_parts([text], markdown=markdown, straight_quotes=straight_quotes, keep=keep))


def clean_parts(
    parts: Iterable[str],
    *,
    markdown: bool = False,
    straight_quotes: bool = True,
    keep: Iterable[str] = (),
) -> Generator[float, None, tuple[str, tuple[Change, ...]]]:
    """Clean a text that comes in parts: yield which share of it is done, up to 1, and return what :func:`clean` does.

    Raises:
        BadUsage: if ``keep`` has a name that is no rule's.
    """
    rules = steps(keep, straight_quotes=straight_quotes)
    changes: list[Change] = []
    prepared: list[bytes] = []  # as UTF-8: text with a dash in it takes twice as much
    first = tuple(rule for rule in rules if rule in CHARACTERS)
    stripped = markdown and any(rule.name == "markup" for rule in rules)
    for part in parts:
        text = part
        if stripped:
            text, signs = strip_markdown(_apply(first, text, changes))
            changes += (replace(change, rule="markup") for change in signs)
        prepared.append(text.encode("utf-8", "surrogatepass"))
        yield _SHARE_OF_READING * len(prepared) / (len(prepared) + 1)
    if sum(map(len, prepared)) <= 2 * PART:
        text = _text(prepared)
        return _until_still(rules, text, changes), merge(changes)
    if any(has_mark(part.decode("utf-8", "surrogatepass")) for part in prepared if b"utenberg" in part.lower()):
        once = tuple(rule for rule in rules if rule.place == "once")
        text = _apply((*first, *once), _text(prepared), changes)
        prepared = [text[start:end].encode("utf-8", "surrogatepass") for start, end in _cuts(text)]
        del text
    cleaned: list[bytes] = []
    prepared.reverse()
    of = len(prepared)
    while prepared:
        places = {"all"} | ({"front"} if not cleaned else set()) | ({"back"} if len(prepared) == 1 else set())
        chosen = tuple(rule for rule in rules if rule.place in places)
        text = _until_still(chosen, prepared.pop().decode("utf-8", "surrogatepass"), changes)
        cleaned.append(text.encode("utf-8", "surrogatepass") if text else b"")
        yield _SHARE_OF_READING + (1 - _SHARE_OF_READING) * len(cleaned) / of
    return _text([part for part in cleaned if part], between=b"\n\n"), merge(changes)


def _text(parts: list[bytes], between: bytes = b"") -> str:
    """Return the text of ``parts``, which are let go of on the way."""
    whole = between.join(parts)
    parts.clear()
    return whole.decode("utf-8", "surrogatepass")


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    """Yield where parts of a text begin and end: at wide gaps or blank lines."""
    at = 0
    while at < len(text):
        end = len(text)
        if end - at > PART * 1.5:
            found = next((f + len(g) for g in _GAPS if (f := text.rfind(g, at + PART // 2, at + PART)) >= 0), None)
            end = at + PART if found is None else found
        yield at, end
        at = end


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
