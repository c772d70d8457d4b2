"""What the people who made a file wrote into it: who scanned and proofread it, and what they changed.

They stand right below the header or at the end of a book. A heading alone is not enough: the paragraphs under it must
speak of printing, spelling and pages, or stand in a drawn box.
"""

from __future__ import annotations

import re
from itertools import pairwise

from ..change import Change, Cleaned


_MADE = (
    r"produced|prepared|transcribed|scanned|proofed|proof-?read|digiti[sz]ed|typed|keyed|converted|formatted|created|"
    r"contributed|corrected|donated|encoded|submitted|marked up|compiled"
)
_CREDITS = re.compile(
    rf"\A\W{{0,4}}(?:(?:this |the |an? )?(?:project gutenberg )?(?:e-?text|e-?book|file|html|transcription|edition|"
    rf"text)?,?"
    rf"(?: (?:version|edition|file))?(?: was| were| has been)? ?(?:first |originally )?(?:{_MADE})"
    rf"(?:(?:,| and| &|,? and (?:first )?)+ ?(?:{_MADE}))*"
    r"\b[^.!?\"“]{0,80}?\b(?:by|from|for)\b(?! (?:the fire|candle|hand|night|day)\b)"
    r"|(?:credits|e-?text (?:by|preparation)|html (?:version )?by|transcription by|images? courtesy of)[: ]"
    r"|note: (?:project gutenberg|images? of|there is an illustrated)"
    r"|(?:produit|numérisé|erstellt|bearbeitet|gescannt|geproduceerd|prodotto|producido|produzido) (?:par|von|door|"
    r"da|por) )",
    re.IGNORECASE,
)
_MAKERS = re.compile(
    r"\A\W{0,4}(?:with thanks to|thanks to|from images|images|this file|updated|release date|posting date|"
    r"special thanks)"
    r"[^\"“]*(?:proofread|internet archive|pgdp|scan|https?:|www\.|e-?text|e-?book|google)",
    re.IGNORECASE,
)
_LONGEST_CREDIT = 700
_NOTE_HEAD = re.compile(
    r"\W{0,6}(?:transcriber(?:['’]?s['’]?|s)? ?(?:end-?)?notes?|notes? (?:by|of|from) (?:the )?transcribers?"
    r"|transcription notes?|redactor['’]s notes?|e-?text editor['’]s notes?"
    r"|anmerkungen (?:zur|der|des) (?:transkription|transkribent\w+|bearbeit\w+)|hinweise? zur transkription"
    r"|notes? d[eu] (?:la )?transcri\w+|nota d[ei]l (?:trascrittore|transcriptor|transcritor)"
    r"|opmerkingen van de bewerker)\b(?P<rest>[\s\S]*)",
    re.IGNORECASE,
)
_ABOUT_PRINT = re.compile(
    r"\b(?:typo\w*|spell\w*|punctuat\w*|printer\w*|inconsisten\w*|hyphen\w*|original|corrected|retained|misprint\w*|"
    r"italic\w*|footnote\w*|illustration\w*|page \d+|edition|public domain|changed to|scan\w*|text version|"
    r"underscore\w*|"
    r"druckfehler|rechtschreibung|orthogra\w*|zeichensetzung|original\w*|korrigiert|corrig\w+|gespellt)\b",
    re.IGNORECASE,
)
_BOX_EDGE = re.compile(r" *\+[-=]{3,}[-=+]*\+ *|[ *]*(?:\* ?){8,}")
_MOST_NOTES = 12
_SIGNS = (
    "ranscri",
    "RANSCRI",
    "ranskri",
    "rascri",
    "edactor's",
    "edactor’s",
    "ext editor",
    "ext Editor",
    "de bewerker",
)


def without_credits(text: str) -> str:
    """Drop "Produced by ..." and its like from the top of a text."""
    while True:
        top = text.lstrip()
        paragraph, _, rest = top.partition("\n\n")
        if not paragraph or len(paragraph) > _LONGEST_CREDIT:
            return text
        head = _NOTE_HEAD.match(paragraph)
        if head:
            rest = _after_notes(head, rest)
        elif not (_CREDITS.match(paragraph) or _MAKERS.match(paragraph)):
            return text
        text = rest


def transcribers(text: str) -> Cleaned:
    """Remove transcribers' notes, boxed or under a heading of their own."""
    what, why = "transcribers' notes removed", "They are about the scan of a book, not part of it."
    if not any(sign in text for sign in _SIGNS):
        return text, Change(what, 0, why)
    text, count = _without_boxes(text)
    parts = re.split(r"(\n[ \t]*\n\s*)", text)
    out: list[str] = []
    at = 0
    while at < len(parts):
        head = _NOTE_HEAD.fullmatch(parts[at].strip()) if len(parts[at]) < 2_000 else None
        if head is None:
            out.append(parts[at])
            at += 1
            continue
        rest = head["rest"].strip(" \n:.*_-–—[]=~")
        end = at
        if not rest:
            while end + 2 < len(parts) and end - at < 2 * _MOST_NOTES and _ABOUT_PRINT.search(parts[end + 2]):
                end += 2
        elif not _ABOUT_PRINT.search(rest) and not parts[at].lstrip().startswith("["):
            out.append(parts[at])
            at += 1
            continue
        count += 1
        at = end + 2  # with the blank line below it
    return ("".join(out) if count else text), Change(what, count, why)


def _after_notes(head: re.Match[str], rest: str) -> str:
    """Return what follows a transcriber's note whose first paragraph is ``head``."""
    if head["rest"].strip(" \n:.*_-–—[]=~"):
        return rest
    first = True
    while rest.strip():
        paragraph, _, after = rest.lstrip().partition("\n\n")
        if not first and not _ABOUT_PRINT.search(paragraph):
            break
        rest, first = after, False
    return rest


def _without_boxes(text: str) -> tuple[str, int]:
    """Return the text without drawn boxes that hold a transcriber's note, and how many those were."""
    lines = text.split("\n")
    edges = [at for at, line in enumerate(lines) if line.lstrip()[:1] in ("+", "*") and _BOX_EDGE.fullmatch(line)]
    doomed: set[int] = set()
    count = 0
    for first, last in pairwise(edges):
        inside = "\n".join(lines[first + 1 : last])
        if last - first <= 60 and _NOTE_HEAD.match(inside.strip(" |\n*")):
            doomed.update(range(first, last + 1))
            count += 1
    if not doomed:
        return text, 0
    return "\n".join(line for at, line in enumerate(lines) if at not in doomed), count
