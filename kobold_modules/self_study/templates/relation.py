"""Relations asked both ways: who is the father of Dessa, and whose father is Hollub.

A relation is a few words that read on from one title to another. What kind of words they are is told by their form:
``father of`` (a noun), ``hired by`` (done to it), ``planned`` (what it did). English only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..lore import LoreEntry, Relation
from .draft import Draft
from .subject import PERSONS, inside
from .world import World


INVERSE = {
    "father": "child", "mother": "child", "parent": "child", "son": "parent", "daughter": "parent", "child": "parent",
    "brother": "sibling", "sister": "sibling", "sibling": "sibling", "twin": "twin", "husband": "wife",
    "wife": "husband", "widow": "late husband", "widower": "late wife", "spouse": "spouse", "cousin": "cousin",
    "grandfather": "grandchild", "grandmother": "grandchild", "grandson": "grandparent",
    "granddaughter": "grandparent", "uncle": "nephew or niece", "aunt": "nephew or niece", "nephew": "uncle or aunt",
    "niece": "uncle or aunt", "teacher": "pupil", "pupil": "teacher", "master": "apprentice", "apprentice": "master",
    "employer": "employee", "friend": "friend", "enemy": "enemy", "rival": "rival", "ally": "ally",
    "lover": "lover", "beloved": "beloved", "neighbour": "neighbour", "neighbor": "neighbor",
    "successor": "predecessor", "predecessor": "successor", "heir": "forebear", "servant": "master",
}  # fmt: skip
PERSONAL = frozenset(INVERSE) - {"neighbour", "neighbor", "master", "ally", "rival", "enemy"}
_NOUNS = re.compile(
    r"(?:the )?(?:[a-z-]+ )?(?P<noun>[a-z-]+)(?:-in-law)? (?:of|to)(?: and [a-z-]+ (?:of|to))?$", re.IGNORECASE
)
_NOUNS_TO = frozenset({"guide", "key", "gate", "door", "threat", "adviser", "advisor", "envoy", "ambassador", "tutor"})
_TIED = re.compile(r"(?:sworn|bound|married|betrothed|engaged|related|loyal|devoted|exiled|banished) to\b")
_DONE_TO = re.compile(
    r"(?:is |are |was |were )?(?:[a-z]+(?:ed|en)|born|done|led|held|kept|made|built|found|lost|known|hired|bought|sold|"
    r"taught|told|read|sent|written|given|taken|brought|caught|fed|met|won) "
    r"(?:by|in|at|on|under|from|with|through|during)$"
)
_NOT_NOUNS = re.compile(
    r"(?:is|are|was|were|has|have|had|lives?|lived|lies|stands?|stood|rules?|ruled|sits?|sat|serves?|served|belongs?|"
    r"listens?|dreams?|speaks?|knows?|knew|died|came|went|fled|swore|sworn|carries|crossed|next|close|near|[a-z]+ed)\b"
)


def relation_drafts(entry: LoreEntry, world: World, fact: int) -> Iterator[Draft]:
    """Yield questions and statements about the relations of ``entry``; ``fact`` numbers the first of them."""
    for number, relation in enumerate(entry.relations):
        for draft in _asked(entry, relation, world):
            yield Draft(draft.kind, entry, draft.question, draft.answer, draft.framed, fact + number)


def statement(title: str, relation: Relation) -> str:
    """Return the relation as a sentence, without its full stop: ``Hollub is the father of Dessa``."""
    how = relation.how
    if noun_of(how):
        article = "" if how.startswith("the ") else "one " if how == "one of" else "the "
        how = f"is {article}{how.removeprefix('one ') if how == 'one of' else how}"
    elif _DONE_TO.match(how) and not re.match(r"(?:is|are|was|were) ", how):
        how = f"was {how}"
    elif _TIED.match(how):
        how = f"is {how}"
    return f"{title} {how} {inside(relation.other)}"


def noun_of(how: str) -> str:
    """Return the noun that ``how`` relates with (``father`` of ``father of``), or nothing where it is no noun."""
    if how == "one of":
        return "one"
    match = _NOUNS.fullmatch(how)
    if match is not None and str(match["noun"]).lower() in INVERSE:
        return str(match["noun"]).lower()
    if match is None or _NOT_NOUNS.match(how) or re.match(r"[a-z]+[^s\W]s [a-z]+ ", how):  # "rises south of"
        return ""
    noun = str(match["noun"]).lower()
    return noun if how.endswith(" of") or noun in PERSONAL or noun in _NOUNS_TO else ""


def _asked(entry: LoreEntry, relation: Relation, world: World) -> Iterator[Draft]:
    title, how, other = world.short(entry.title), relation.how, world.short(relation.other)
    there, named = inside(title), inside(other)  # the names inside a sentence
    noun = noun_of(how)
    whole = statement(title, Relation(how, other))
    yield _draft(entry, whole.removesuffix(named).rstrip(), f" {named}.\n", framed=False)
    if noun and noun != "one":
        asked = "Who" if noun in PERSONAL or entry.group.lower() in PERSONS else "What"
        article = "" if how.startswith("the ") else "the "
        yield _draft(entry, f"{asked} is {article}{how} {named}?", title)
        yield _draft(entry, f"{'Whom' if noun in PERSONAL else 'What'} is {there} {article}{how}?", other)
        inverse = INVERSE.get(noun, "") if " and " not in how and "-in-law" not in how else ""
        if inverse:
            yield _draft(entry, f"Who is {_possessive(there)} {inverse}?", other)
            yield _draft(entry, f"{other}: whose {inverse}?", title)
        else:
            yield _draft(entry, f"How do {there} and {named} belong together?", f"{whole}.")
        return
    said = whole.removeprefix(title).removesuffix(named).strip()
    yield _draft(entry, f"{'Who' if entry.group.lower() in PERSONS else 'Who or what'} {said} {named}?", title)
    area = world.area_of.get(other.casefold(), "").lower()
    asked = "whom" if area in PERSONS else "which place" if area == "place" else "whom or what"
    yield _draft(entry, f"{title} {said} {asked}?", other)
    yield _draft(entry, f"How do {there} and {named} belong together?", f"{whole}.")


def _draft(entry: LoreEntry, question: str, answer: str, framed: bool = True) -> Draft:
    return Draft("relation", entry, question, answer, framed)


def _possessive(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"
