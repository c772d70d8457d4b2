"""Gaps: a name or a number of a sentence is left out, asked for in its place, and told from others. English."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from ..lore import LoreEntry
from ..names import ORDINALS, Span, spans
from .draft import Draft
from .subject import COUNTED, PERSONS
from .world import World


MOST = 12  # names and numbers of one sentence
SHORTEST = 3  # words of a sentence without a name in it that has a gap
# A sentence that begins so has its verb behind its first comma.
_ADVERBIAL = re.compile(
    r"(?:In|On|At|By|From|For|With|Under|Over|Since|Until|When|While|After|Before|If|As|During|Though|Although|Because"
    r"|Born|Being|Once)\b|[^,;]{0,40},[^,;]{0,20},"
)


def gap_drafts(
    entry: LoreEntry, about: str, stated: str, name: str, world: World, fact: int, chance: random.Random
) -> Iterator[Draft]:
    """Yield questions about each name and number in ``stated``, a sentence without its full stop.

    Args:
        about: what stands in front of it where it does not say what it is about.
        name: what the entry is called in it; that is not asked for.
    """
    found = [span for span in spans(stated, world.names) if span.text.casefold() not in name.casefold()]
    for span in found[:MOST]:
        yield from _of_span(entry, about, stated, span, world, fact, chance)


def last_gap(sentence: str, world: World) -> int:
    """Return where the last name or number of ``sentence`` begins, else its last quarter; 0 for a short sentence."""
    found = [span for span in spans(sentence, world.names) if span.begin > len(sentence) // 3]
    if found:
        return found[-1].begin
    words = [at.start() for at in re.finditer(r"(?<=\s)\S", sentence)]
    if len(words) >= SHORTEST:
        return words[len(words) * 3 // 4]
    return len(sentence) * 3 // 4 if not words and len(sentence) >= 12 else 0  # no spaces between words


def _of_span(
    entry: LoreEntry, about: str, stated: str, span: Span, world: World, fact: int, chance: random.Random
) -> Iterator[Draft]:
    before, behind = stated[: span.begin], stated[span.begin + len(span.text) :]
    if before.strip() and not _ADVERBIAL.match(stated):  # the clause says enough, and a question should be short
        behind = re.split(r"[,;]", behind)[0]
    clause = f"{about}{before}{span.text}{behind}"
    yield Draft("question", entry, f"{about}{before}____{behind}. What belongs in the gap?", span.text, fact=fact)
    asked = f"{about}{_in_place(before, span, behind, world)}{behind}?"
    yield Draft("question", entry, asked, span.text, fact=fact)
    if span.number:
        wrong = world.other_numbers(span.text, chance)
    else:
        wrong = world.others(span.text, world.peers.get(world.area_of.get(span.text.casefold(), ""), ()), chance)
        if before.rstrip().lower().endswith("the"):
            wrong = [other.removeprefix("The ") for other in wrong]
    if wrong:
        choice = f"{asked[:-1]}: {world.listed([span.text, *wrong], chance)}?"
        yield Draft("choice", entry, choice, span.text, fact=fact)
        yield Draft(
            "negative", entry, f"True or false? {about}{before}{wrong[0]}{behind}.", f"False: {clause}.", fact=fact
        )
        yield Draft("negative", entry, f"True or false? {clause}.", "True.", fact=fact)


def _in_place(before: str, span: Span, behind: str, world: World) -> str:
    """Return ``before`` with what asks for ``span`` behind it: ``how many`` barrels, ``which year``, ``whom``."""
    without = re.sub(r"\b(?:[Tt]he|[Aa]n?) $", "", before)
    if span.number:
        if span.text.lower() in ORDINALS or re.search(r"\d(?:st|nd|rd|th)$", span.text):
            return f"{without}which day" if re.match(r"\s+of\s+[A-Z]", behind) else f"{without}which"
        if COUNTED.match(behind):
            return f"{before}how many"
        dated = re.fullmatch(r"\d{3,4}", span.text) and re.search(
            r"(?:\b(?:in|since|until|by|from|of)|,) $", before, re.I
        )
        return f"{before}which year" if dated else f"{before}which number"
    area = world.area_of.get(span.text.casefold(), "").lower()
    return without + ("whom" if area in PERSONS and before else "which place" if area == "place" else "what")
