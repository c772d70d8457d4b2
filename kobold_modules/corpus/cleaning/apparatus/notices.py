"""What publishers and archives print around a text: copyright notices, imprints, disclaimers, archives' own pages.

Such words stand in stories, too: on postcards, on signs, in what people say. So a paragraph is a notice only where it
begins like one, with a year or a name behind the sign, or where two signs of one stand in it; and only near the ends
of a file.
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned


_YEAR = r"(?:1[4-9]|20)\d\d"
# A paragraph that begins so is a notice.
_OPENING = re.compile(
    rf"[^\w\"“'‘«„]{{0,3}}(?:copyright\b\W{{0,6}}(?:{_YEAR}|by\b|\(c\)|©|[A-Z]\w+.{{0,60}}{_YEAR})"
    rf"|(?:©|\(c\))\W{{0,3}}(?:{_YEAR}|(?:by |the )?[A-Z][^\n]{{0,60}}\b{_YEAR}\W*$|copyright)"
    rf"|first published (?:in|by|as)\b[^\n]{{0,100}}{_YEAR}|first (?:edition|printing|"
    rf"published)\W{{0,3}}(?:\w+ )?{_YEAR}"
    r"|all rights (?:are )?reserved\b|alle rechte vorbehalten|tous droits réservés|todos los derechos reservados"
    r"|tutti i diritti riservati|todos os direitos reservados|alle rechten voorbehouden|все права защищены"
    r"|(?:e-?)?isbn(?:-1[03])?\W{0,3}(?:\(\w+\)\W{0,2})?[\dX][\dX -]{8,}"
    r"|no part of this (?:book|publication|work|e-?book|story) may"
    r"|this (?:book|novel|story|work|e-?book|publication|text) (?:is|was) (?:a work of fiction|licen[cs]ed|"
    r"protected|copyright)"
    r"|(?:published|printed|typeset|cover (?:art|design|illustration|image|photo\w*)|book design|"
    r"edited)\b[^\n]{0,12}\b(?:by|in|©)"
    r" [^\n.]{2,80}\.?$"
    r"|(?:written |text )?licen[cs]ed under\b|cc[ -]by\b)",
    re.IGNORECASE | re.MULTILINE,
)
_UNSURE = re.compile(r"\W{0,3}(?:published|printed|typeset|cover|book design|edited|first edition)", re.IGNORECASE)
# Two of these in one paragraph make it a notice, wherever they stand.
_SIGNS = tuple(
    re.compile(sign, re.IGNORECASE)
    for sign in (
        rf"(?:copyright|©|\(c\))\W{{0,3}}(?:\w+ ){{0,4}}{_YEAR}",
        r"all rights (?:are )?reserved|alle rechte vorbehalten|tous droits réservés|derechos reservados",
        r"\bisbn(?:-1[03])?\W{0,3}[\dX][\dX -]{8,}",
        r"no part of this (?:book|publication|work|e-?book|story) may|may not be (?:reproduced|re-?sold|copied)",
        r"(?:work|works|story) of fiction\b",
        r"names,? characters|characters,? (?:names|places)|resemblance to (?:actual|real|any)|living or dead",
        rf"first published\b.{{0,60}}{_YEAR}",
        r"creative commons|\bcc[ -]by\b|licen[cs]ed under (?:a|the) (?:creative|cc|gnu|mit)\b",
        r"\bprinted in (?:the )?[A-Z]|library of congress|cataloging|british library",
        r"without (?:the )?(?:prior )?(?:written )?(?:permission|consent) (?:of|from)|retrieval system|photocopying",
    )
)
# An archive's page about itself, at the front or the back.
_ARCHIVE = re.compile(
    r"this is a digital copy of a book that was preserved for generations|google(?:'s)? book search|"
    r"digiti[sz]ed by (?:the )?(?:internet archive|google|microsoft)|brought to you by feedbooks|standard ebooks is a|"
    r"this ebook is the product of many hours of hard work by volunteers|distributed proofreaders (?:of )?canada|"
    r"(?:project gutenberg (?:of )?australia|fadedpage\.com|faded page) e-?(?:text|book)|"
    r"smashwords edition|licensed for your personal (?:enjoyment|use)|thank you for (?:downloading|purchasing) this|"
    r"this (?:e-?book|e-?text|text|file|book) (?:is|was|has been) (?:downloaded|made available|provided|"
    r"created) (?:from|by|on|at|with)",
    re.IGNORECASE,
)
_EDGE = 40  # paragraphs from either end in which an imprint may stand
_WINDOW = 60_000  # characters from either end that are looked at
_LONGEST_NOTICE = 1_500
_BLANK = re.compile(r"(\n\s*\n)")
_WHAT, _WHY = "copyright notices and imprints removed", "They are law and trade, not story."


def is_notice(paragraph: str) -> bool:
    """Return whether it is a paragraph of law or trade."""
    bare = paragraph.strip()
    if not bare or len(bare) > _LONGEST_NOTICE:
        return False
    if (found := _OPENING.match(bare)) and (not _UNSURE.match(bare) or (len(bare) <= 120 and bare.count(".") <= 1)):
        return '"' not in found.group() and "“" not in found.group()
    if not _speaks(bare) and _ARCHIVE.search(bare):
        return True
    signs = sum(bool(sign.search(bare)) for sign in _SIGNS)
    if signs >= 2:
        return not _speaks(bare)
    lines = bare.split("\n")
    return len(lines) > 1 and max(map(len, lines)) <= 75 and any(_is_imprint(lines, at) for at in range(1, len(lines)))


def _is_imprint(lines: list[str], at: int) -> bool:
    """Return whether it is a line of an imprint below a title, and not where a sentence was broken."""
    above = lines[at - 1].strip()
    return len(above) < 45 and not above.endswith((",", ";")) and bool(_OPENING.match(lines[at].strip()))


def _speaks(paragraph: str) -> bool:
    """Return whether somebody says it."""
    return paragraph.lstrip()[:1] in "\"“‘«„'" or '," ' in paragraph or ",” " in paragraph


def notices(text: str) -> Cleaned:
    """Remove copyright notices, imprints and disclaimers near the two ends of the file."""
    if len(text) <= 2 * _WINDOW:
        return _both_ends(text)
    front, middle, back = text[:_WINDOW], text[_WINDOW:-_WINDOW], text[-_WINDOW:]
    front, first = _one_end(front, forwards=True)
    back, last = _one_end(back, forwards=False)
    count = first + last
    return (front + middle + back if count else text), Change(_WHAT, count, _WHY)


def front_notices(text: str) -> Cleaned:
    """Remove them at the beginning of the text only."""
    front, count = _one_end(text[:_WINDOW], forwards=True)
    return (front + text[_WINDOW:] if count else text), Change(_WHAT, count, _WHY)


def back_notices(text: str) -> Cleaned:
    """Remove them at the end of the text only."""
    back, count = _one_end(text[-_WINDOW:], forwards=False)
    return (text[:-_WINDOW] + back if count else text), Change(_WHAT, count, _WHY)


def _both_ends(text: str) -> Cleaned:
    text, first = _one_end(text, forwards=True)
    text, last = _one_end(text, forwards=False)
    return text, Change(_WHAT, first + last, _WHY)


def _one_end(text: str, *, forwards: bool) -> tuple[str, int]:
    """Remove notices among the text's first (or last) paragraphs. Returns the rest, and how many those were."""
    pieces = _BLANK.split(text)
    indices = range(0, len(pieces), 2)
    doomed: set[int] = set()
    kept = 0
    for at in indices if forwards else reversed(indices):
        if is_notice(pieces[at]):
            doomed.add(at)
        elif pieces[at].strip() and (kept := kept + 1) == _EDGE:
            break
    if not doomed:
        return text, 0
    return "".join(piece for at, piece in enumerate(pieces) if at not in doomed), len(doomed)
