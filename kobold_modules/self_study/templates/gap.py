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
FEWEST_LEFT = 3  # words of a clause beside what is asked for
SHORTEST = 3  # words of a sentence without a name in it that has a gap
_JOINED = re.compile(r"(?:and|but|so|or|for|yet|who|which|that|where|whose)\s+(?:so\s+)?")
_THING = re.compile(
    r"\b(?:an?|the|his|her|its|their) (?:[a-z-]+ ){0,2}?[a-z-]{3,}(?: of (?:[a-z-]+ )?[a-z-]{3,})?"
    r"(?=[,;.]|$| (?:in|on|at|to|for|with|by|from|and|or|that|which|who|over|under|down|up|when|while|until|since|as"
    r"|but|because|if|into|before|after|is|are|was|were|has|had)\b)"
)
# A sentence that begins so has its verb behind its first comma.
_ADVERBIAL = re.compile(
    r"(?:In|On|At|By|From|For|With|Under|Over|Since|Until|When|While|After|Before|If|As|During|Though|Although|Because"
    r"|Born|Being|Once)\b|[^,;]{0,40},[^,;]{0,20},"
)


def gap_drafts(
    entry: LoreEntry, about: str, stated: str, name: str, world: World, fact: int, chance: random.Random
) -> Iterator[Draft]:
    """Yield questions about each name, number and plain noun in ``stated``, a sentence without its full stop.

    Args:
        about: what stands in front of it where it does not say what it is about.
        name: what the entry is called in it; that is not asked for.
    """
    found = [span for span in spans(stated, world.names) if span.text.casefold() not in name.casefold()]
    things = [span for span in things_in(stated) if not any(_overlap(span, other) for other in found)]
    for span in [*found[:MOST], *things[:MOST]]:
        yield from _of_span(entry, about, stated, name, span, world, fact, chance)


def things_in(text: str) -> list[Span]:
    """Return the nouns of ``text`` with their article: ``a goose``, ``her front teeth``, ``a pair of ibex horn``."""
    return [Span(at.start(), at.end(), at[0], False) for at in _THING.finditer(text)]


def last_gap(sentence: str, world: World) -> int:
    """Return where the last name or number of ``sentence`` begins, else its last quarter; 0 for a short sentence."""
    found = [span for span in spans(sentence, world.names) if span.begin > len(sentence) // 3]
    if found:
        return found[-1].begin
    words = [at.start() for at in re.finditer(r"(?<=\s)\S", sentence)]
    if len(words) >= SHORTEST:
        return words[len(words) * 3 // 4]
    return len(sentence) * 3 // 4 if not words and len(sentence) >= 12 else 0  # no spaces between words


def _overlap(one: Span, other: Span) -> bool:
    return one.begin < other.end and other.begin < one.end


def _clause(stated: str, span: Span) -> tuple[int, int]:
    """Return where the clause of ``stated`` that holds ``span`` begins and ends; a sentence of one clause is whole."""
    ends = [at.start() for at in re.finditer(r"[;,](?=\s)", stated)]
    begin = max((end + 1 for end in ends if end < span.begin), default=0)
    end = min((end for end in ends if end >= span.end), default=len(stated))
    if len(stated[begin:end].split()) - len(span.text.split()) < FEWEST_LEFT:  # "213": nothing is left to ask with
        begin = 0
    if begin == 0 and (_ADVERBIAL.match(stated) or len(stated[:end].split()) - len(span.text.split()) < FEWEST_LEFT):
        end = len(stated)
    return begin, end


def _of_span(
    entry: LoreEntry, about: str, stated: str, name: str, span: Span, world: World, fact: int, chance: random.Random
) -> Iterator[Draft]:
    begin, end = _clause(stated, span)
    before, behind = stated[begin : span.begin].lstrip(), stated[span.begin + len(span.text) : end]
    if begin:
        before = before[joined.end() :] if (joined := _JOINED.match(before)) else before
        about = f"{name}: " if entry.about else ""
    clause = f"{about}{before}{span.text}{behind}"
    yield Draft("question", entry, f"{about}{before}____{behind}. What belongs in the gap?", span.text, fact=fact)
    placed = _in_place(before, span, behind, world)
    if placed.endswith("which number") and not span.text[0].isdigit():  # "the two are never hung in one room"
        return
    asked = f"{about}{placed}{behind[2:] if placed.endswith('whose') else behind}?"
    yield Draft("question", entry, asked, span.text, fact=fact)
    if _THING.fullmatch(span.text):
        return
    if span.number:
        wrong = world.other_numbers(span.text, chance)
    else:  # what no entry is about has no others of its kind
        area = world.area_of.get(span.text.casefold())
        wrong = [] if area is None else world.others(span.text, world.peers.get(area, ()), chance)
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
    if area in PERSONS:
        return without + ("whose" if behind.startswith(("'s", "’s")) else "whom" if before.strip() else "who")
    return without + ("which place" if area == "place" else "what")
