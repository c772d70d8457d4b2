"""What an entry says of its subject, in English: sentences that begin with its name or a pronoun for it.

No grammar is parsed. A sentence that begins with ``She`` in an entry whose pronoun is she says something of its title,
and what follows is a predicate that can stand behind ``Who``. Where that is doubtful, nothing is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..lore import LoreEntry


PERSONS = frozenset({"person", "people", "character", "characters", "npc", "npcs"})  # names of areas
# What is counted by a number in front of it: a plural, perhaps behind one other word.
COUNTED = re.compile(
    r"\s+((?!(?:his|hers|its|this|was|is|as|has|us|thus|does|always|perhaps)\b)"
    r"(?:[a-z-]+ (?!(?:was|is|as|has|his|its)\b))?(?:[A-Za-z-]+[^\W\ds]s|men|women|people|folk|children"
    r"|geese|mice|feet|teeth|oxen|sheep|fish))\b"
)
_PRONOUN = re.compile(r"(?P<pronoun>He|She|It)\s+(?P<rest>[a-z].*)", re.DOTALL)
# "It is polite to refuse": this it stands for nothing.
_EMPTY_IT = re.compile(
    r"(?:is|was|has|had|will|would|may|might|must|can|could|seems?|takes?|took|makes?|made|follows|happens|happened)\b"
    r"(?:\s+[^\s,;]+){0,4}?\s+(?:to|that|when|how|why|whether|who)\b"
)
_JOINS = re.compile(r"(?:and|or|who|whom|which|that|of|with|in|on|at|from|nor)\b|[^a-z]")
_SURE = 3  # pronouns inside sentences that tell who an entry is about
_BEGINS = {"he": "He", "she": "She", "it": "It"}
_ARTICLE = re.compile(r"(?:An?|The|One|Some)\s+")
# A first sentence without a subject: "Judge of the Wet Court, which ..." or "A date-broker of Orjeve, who ..."
_NOUN_PHRASE = re.compile(
    r"(?:(?:An?|The|One of)\s+)?(?!(?:In|On|At|By|From|For|To|With|Of|Under|Over|Since|Until|When|While|After|Before|If"
    r"|As|During|Each|Every|No|Nobody|None|Some|Many|Few|All|Most|Once|Only|There|Here|Now|Then|This|These|Those|His|Her"
    r"|Its|Their|You|They|We|Who|What|Ask)\b)[^\s,.;:]+(?:\s+[^\s,.;:]+){0,5}?"
    r"\s+(?:of|in|on|at|from|to|who|which|where|that|by|since|for)\b"
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|may|might|must|does|did|do|lies|stands|makes|made|came|went"
    r"|took|gave|keeps|holds|lives|says|said|rises|runs)\b"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """How an entry's subject is asked for.

    Attributes:
        asked: ``Who``, ``What``, or ``Who or what`` where that is not known.
        pronoun: ``he``, ``she``, ``it``, or empty.
        names: its title, and the shorter ones of its names; the first is the title.
    """

    asked: str
    pronoun: str
    names: tuple[str, ...]


def subject_of(entry: LoreEntry, sentences: Sequence[str]) -> Subject:
    """Return how the subject of ``entry`` is asked for, by the pronouns of its ``sentences``."""
    counts = Counter(
        word for word in re.findall(r"\b(?:he|she|his|her|him|hers|it|its)\b", " ".join(sentences).lower())
    )
    opening = Counter(match["pronoun"].lower() for text in sentences if (match := _PRONOUN.match(text)))
    he, she = counts["he"] + counts["his"] + counts["him"], counts["she"] + counts["her"] + counts["hers"]
    it = counts["it"] + counts["its"]
    if opening:
        pronoun = opening.most_common(1)[0][0]
        if len(opening) > 1 and 2 * opening[pronoun] <= sum(opening.values()):
            pronoun = ""
    else:
        most = max(he, she)  # too few say nothing: they may be somebody else's
        pronoun = "" if most < _SURE else "she" if she > 2 * he + it else "he" if he > 2 * she + it else ""
    person = entry.group.lower() in PERSONS
    asked = "Who" if person or pronoun in ("he", "she") else "What" if pronoun == "it" or entry.group else "Who or what"
    if person and not pronoun:
        pronoun = "she" if she > he else "he" if he > she else ""
    return Subject(asked, pronoun, (entry.title, *short_names(entry)))


def short_names(entry: LoreEntry) -> tuple[str, ...]:
    """Return the keys of ``entry`` that are a part of its title: ``Hollub`` of ``Hollub of the Three-Nail Door``."""
    title = entry.title.casefold()
    return tuple(
        key
        for key in entry.keys
        if key[:1].isupper()
        and len(key) > 2
        and f"the {key}".casefold() != title
        and re.search(rf"(?<!\w){re.escape(key.casefold())}(?!\w)", title)
    )


def shortest_name(entry: LoreEntry) -> str:
    """Return what a person calls ``entry``: its shortest name, with the article that its title has before it."""
    shortest = min((entry.title, *short_names(entry)), key=len)
    with_the = entry.title.startswith("The ") or re.search(
        rf"\bthe {re.escape(shortest)}(?!\w)", entry.title, re.IGNORECASE
    )
    return f"The {shortest}" if with_the and not shortest.lower().startswith("the ") else shortest


def predicate(sentence: str, subject: Subject) -> str:
    """Return what ``sentence`` says of its subject, from the verb on and without its full stop; empty if unclear."""
    if (match := _PRONOUN.fullmatch(sentence)) and match["pronoun"].lower() == subject.pronoun:
        rest = match["rest"]
    else:
        rest = next(
            (
                sentence[len(name) :].lstrip()
                for name in sorted(subject.names, key=len, reverse=True)
                if sentence.startswith(name + " ")
            ),
            "",
        )
    if not rest or _JOINS.match(rest) or len(rest) > 300 or (subject.pronoun == "it" and _EMPTY_IT.match(rest)):
        return ""
    return rest.rstrip(" .!?…")


def description(sentence: str) -> str:
    """Return a first sentence that only says what something is, without its full stop; empty for a whole sentence.

    ``Judge of the Wet Court, which he holds aboard the barge Patience`` reads on from "Tobben is".
    """
    match = _NOUN_PHRASE.match(sentence)
    if match is None or len(sentence) > 300 or sentence.split()[0] in _BEGINS.values():
        return ""
    main = re.split(r",|;|\b(?:who|which|that|where|whose|until|because|when)\b", sentence)[0]
    if _VERB.search(main):
        return ""
    return sentence.rstrip(" .!?…")


def with_article(noun: str, names: frozenset[str] = frozenset()) -> str:
    """Return a description as it stands behind "is": its own article in small letters, or one is put before it.

    Args:
        names: words, in small letters, that keep their capital.
    """
    if match := _ARTICLE.match(noun):
        return match[0].lower() + noun[match.end() :]
    first = re.split(r"\W", noun, maxsplit=1)[0]
    if re.match(r"[\w-]+['’]s\b", noun):  # "Ebbelo's son" has its article in front of it
        return noun
    return noun if first.lower() in names or not noun[1:2].islower() else f"the {noun[0].lower()}{noun[1:]}"


def inside(name: str) -> str:
    """Return a name as it stands inside a sentence: without a capital on its article."""
    return f"the {name[4:]}" if name.startswith("The ") else name


def first_clause(said: str) -> str:
    """Return ``said`` up to its first comma or semicolon where that much can stand alone; else all of it."""
    clause = re.split(r"[;,]|\s[–—]", said)[0].rstrip()
    return clause if len(clause.split()) >= 3 and "“" not in clause and '"' not in clause else said
