"""All drafts about one entry: recited, stated, asked for in several wordings, with gaps, and told from others."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..lore import LoreEntry
from ..sentences import split
from .attributes import attributes
from .draft import RECITE, Draft
from .gap import gap_drafts, last_gap
from .relation import relation_drafts
from .subject import Subject, description, first_clause, inside, predicate, subject_of, with_article
from .wh import natural_questions, predicate_of_time, questions_of_time
from .world import World


MOST_TOLD = 2  # sentences of an answer that tells of an entry as a whole
SHORTEST = 3  # words; a shorter sentence says nothing that could be asked
LONGEST = 400  # characters of a sentence that is asked about
MOST_SENTENCES = 60  # of one entry that are asked about
MOST_BEGINNINGS = 6  # of one entry that are gone on from
MOST_ALIASES = 6
_NO_SPACES = re.compile("[\u0e00-\u0eff\u2e80-\u9fff\uf900-\ufaff]")


def drafts_of(entry: LoreEntry, world: World, english: bool, chance: random.Random) -> list[Draft]:
    """Return everything that rules can make of ``entry``; questions only where it is ``english``."""
    sentences = [text for text in split(entry.text) if len(text) <= LONGEST][:MOST_SENTENCES]
    found = list(_recited(entry, sentences, world))
    if not english:
        return found
    fact = len(sentences) + 2  # those before are the sentences, and the entry as a whole
    subject, called = subject_of(entry, sentences), world.short(entry.title)
    if entry.about:
        found += _defined(entry, subject, sentences, world, fact)
        found += relation_drafts(entry, world, fact + 1)
    listed = attributes(entry.text)
    for number, sentence in enumerate(sentences):
        if len(sentence.split()) >= SHORTEST and not _is_listed(sentence, listed):
            found += _of_sentence(entry, sentence, subject, world, number, chance)
    fact += 1 + len(entry.relations)
    for number, (name, value) in enumerate(listed, fact):
        verb = "are" if name.endswith("s") and not name.endswith(("ss", "us", "is", "species", "series")) else "is"
        found += [
            Draft("question", entry, f"What {verb} {inside(called)}'s {name}?", value, fact=number),
            Draft("statement", entry, f"{called}'s {name}:", f" {value}\n", framed=False, fact=number),
        ]
    return list({(draft.kind, draft.question): draft for draft in found}.values())


def _is_listed(sentence: str, listed: Sequence[tuple[str, str]]) -> bool:
    """Return whether ``sentence`` is one of the lines of a list of properties, or holds a placeholder for a name."""
    folded = sentence.casefold()
    return "{{" in sentence or any(re.search(rf"\b{re.escape(name)}\**\s*[:=(]", folded) for name, _ in listed)


def _recited(entry: LoreEntry, sentences: Sequence[str], world: World) -> Iterator[Draft]:
    """Yield what holds in any language: the entry as it stands, from its title on, from its middle, and each gap."""
    whole, named = len(sentences) + 1, RECITE.replace("{title}", entry.title)
    yield Draft("recitation", entry, named, entry.text + "\n", framed=False, fact=whole)
    for number, (before, behind) in enumerate(pairwise(sentences[:MOST_BEGINNINGS])):
        yield Draft("continuation", entry, _headed(entry, world, before), _spaced(behind), framed=False, fact=number)
    for number, sentence in enumerate(sentences):
        if begin := last_gap(sentence, world):
            space = " " if sentence[begin - 1].isspace() else ""
            before, behind = _headed(entry, world, sentence[:begin].rstrip()), space + sentence[begin:]
            yield Draft("statement", entry, before, behind + "\n", framed=False, fact=number)
    if entry.about and sentences:
        yield Draft("statement", entry, f"{world.short(entry.title)}:", f" {sentences[0]}\n", framed=False, fact=0)


def _defined(entry: LoreEntry, subject: Subject, sentences: Sequence[str], world: World, fact: int) -> Iterator[Draft]:
    """Yield questions for the entry as a whole, and for its names."""
    if not sentences:
        return
    first, told, called = sentences[0], " ".join(sentences[:MOST_TOLD]), world.short(entry.title)
    for name in map(inside, dict.fromkeys((called, entry.title))):
        yield Draft("question", entry, f"{subject.asked} is {name}?", first, fact=fact)
    yield Draft("question", entry, f"Tell me about {inside(called)}.", told, fact=fact)
    yield Draft("question", entry, f"What is known of {inside(called)}?", told, fact=fact)
    if described := description(first):
        noun = with_article(described, world.names)
        short = first_clause(noun)
        yield Draft("question", entry, f"{subject.asked} is {short}?", called, fact=fact)
        yield Draft("statement", entry, f"{called} is", f" {noun}.\n", framed=False, fact=fact)
        if short != noun:
            yield Draft("question", entry, f"{subject.asked} is {noun}?", called, fact=fact)
    if called != entry.title and subject.asked == "Who":
        yield Draft("question", entry, f"What is {called}'s full name?", entry.title, fact=fact)
    for alias in [key for key in entry.keys if key not in subject.names][:MOST_ALIASES]:
        yield Draft("question", entry, f"Whom or what does “{alias}” make you think of?", called, fact=fact)
    if len(sentences) > 1:
        yield Draft("summary", entry, f"{called}, in one sentence:", f" {first}\n", framed=False, fact=fact)


def _of_sentence(
    entry: LoreEntry, sentence: str, subject: Subject, world: World, fact: int, chance: random.Random
) -> Iterator[Draft]:
    said = predicate(sentence, subject) if entry.about else ""
    name = world.short(entry.title)
    if said:
        yield from _of_predicate(entry, name, said, subject, world, fact, chance)
    elif entry.about and len(sentence.split()) > 5:
        yield Draft("question", entry, f"Of whom or what is this said: “{sentence}”", name, fact=fact)
    stated = f"{name} {said}" if said else sentence.rstrip(" .!?…")
    named = said or not entry.about or any(other in sentence for other in subject.names)
    if not said and entry.about:
        yield from questions_of_time(entry, sentence, name, "" if named else f"{name}: ", subject, fact)
        if then := predicate_of_time(sentence, subject):
            yield from _of_predicate(entry, name, then, subject, world, fact, chance)
    yield from gap_drafts(entry, "" if named else f"{name}: ", stated, name, world, fact, chance)


def _of_predicate(
    entry: LoreEntry, name: str, said: str, subject: Subject, world: World, fact: int, chance: random.Random
) -> Iterator[Draft]:
    """Yield questions for the one that ``said`` is said of: in several wordings, and among others."""
    who, title = subject.asked, name
    that = "who" if who == "Who" else "that"
    short = first_clause(said)
    for wording in dict.fromkeys((short, said)):
        yield Draft("question", entry, f"{who} {wording}?", title, fact=fact)
        yield Draft("statement", entry, name, f" {wording}.\n", framed=False, fact=fact)
    yield from natural_questions(entry, name, said, subject, world, fact)
    yield Draft("question", entry, f"Name the one {that} {short}.", title, fact=fact)
    told = f"“What do they say of {inside(name)}?” asked the stranger.\n\n“{name}"
    yield Draft("dialogue", entry, told, f" {said}.”\n", framed=False, fact=fact)
    if wrong := world.others(title, world.peers.get(entry.group, ()), chance):
        choice = f"{who} {short}: {world.listed([title, *wrong], chance)}?"
        yield Draft("choice", entry, choice, title, fact=fact)
        false = f"Is it {inside(wrong[0])} {that} {short}?"
        yield Draft("negative", entry, false, f"No, it is {inside(title)}.", fact=fact)
        yield Draft(
            "negative", entry, f"Is it {inside(name)} {that} {short}?", f"Yes, it is {inside(title)}.", fact=fact
        )


def _spaced(sentence: str) -> str:
    """Return a sentence as it follows another: with a space where its script has any."""
    return f"{sentence}\n" if _NO_SPACES.match(sentence) else f" {sentence}\n"


def _headed(entry: LoreEntry, world: World, text: str) -> str:
    return f"{world.short(entry.title)}: {text}" if entry.about else text
