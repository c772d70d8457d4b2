"""What publishers and archives put around a text: Project Gutenberg's frame, licences, imprints, editors' marks.

None of it is the writer's voice, and it is the part of a file that repeats word for word in thousands of others.
"""

from __future__ import annotations

import re

from .change import Change, Cleaned


_MARK = re.compile(
    r"^[ *]*(?P<side>START|END) OF (?:THE|THIS) PROJECT GUTENBERG.*(?:\n.*\*{3})?$"
    r"|^\*END\*? ?THE SMALL PRINT!.*$|^ *(?P<close>End of (?:the |this )?Project Gutenberg.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_PREAMBLE = re.compile(r"^.*Project Gutenberg", re.IGNORECASE | re.MULTILINE)
_LICENCE_END = re.compile(r"^.*(?:newsletter to hear|hear) about new eBooks\.? *$", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADER = 20_000
_CREDITS = re.compile(
    r"\A\s*(?:(?:E-?text |This eBook was )?(?:Produced|Prepared|Transcribed) by |Transcriber'?’?s'? note|Credits: "
    r"|Note: (?:Project Gutenberg|Images of))",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"©|\(c\) ?\d{4}|\A\W{0,3}copyright\b|\bISBN\b|all rights reserved"
    r"|(?:work|story) of fiction\W[\s\S]*names,? characters"
    r"|licen[cs]ed under (?:a|the) (?:creative|cc|gnu|mit)\b|creative commons|\A\W{0,3}first published (?:in|by|as)\b"
    r"|no part of this (?:book|publication|work) may",
    re.IGNORECASE,
)
_EDGE = 40  # paragraphs from either end in which an imprint may stand
_LONGEST_NOTICE = 1_500
_BRACKETED = re.compile(
    r"\[(?:Illustration|Footnote|Decoration|Music|Blank Page|Transcriber'?’?s note)\b[^\[\]]{0,2000}\]", re.IGNORECASE
)
_NOTE_MARK = re.compile(r"(?<=[\w.,;:!?\"'”’)])\[\d{1,3}\](?!\()")


def gutenberg(text: str) -> Cleaned:
    """Remove what stands outside Project Gutenberg's START and END lines, several books in a file included."""
    what = "Project Gutenberg frames removed"
    why = "The archive's header and licence are the same in every file and are not the book."
    if "gutenberg" not in text[:_LONGEST_HEADER].lower() and "PROJECT GUTENBERG" not in text:
        return text, Change(what, 0, why)
    kept: list[str] = []
    at = count = 0
    open_end = False
    for mark in _MARK.finditer(text):
        between = text[at : mark.start()]
        ends = (mark["side"] or "end").lower() == "end" and not mark.group().startswith("*END*")
        if ends and not open_end:
            kept.append(between)
        elif not ends:
            # Before a START stands the header, and before the header perhaps the writer's own pages.
            if open_end:
                between = between[found.end() :] if (found := _LICENCE_END.search(between)) else ""
            header = _PREAMBLE.search(between[-_LONGEST_HEADER:])
            kept.append(between[: max(0, len(between) - _LONGEST_HEADER) + header.start()] if header else between)
        open_end = ends
        at = mark.end()
        count += 1
    rest = text[at:]
    if open_end:
        rest = rest[found.end() :] if (found := _LICENCE_END.search(rest)) else ""
    if not count:
        return text, Change(what, 0, why)
    parts = [_without_credits(part) for part in [*kept, rest]]
    return "\n\n\n".join(part for part in parts if part.strip()), Change(what, count, why)


def _without_credits(text: str) -> str:
    """Drop "Produced by ..." right after the START line."""
    while _CREDITS.match(text):
        _, _, text = text.lstrip().partition("\n\n")
    return text


def notices(text: str) -> Cleaned:
    """Remove copyright notices, imprints and disclaimers near the two ends of the file."""
    what, why = "copyright notices and imprints removed", "They are law and trade, not story."
    pieces = re.split(r"(\n\s*\n)", text)
    indices = range(0, len(pieces), 2)
    doomed: set[int] = set()
    for order in (indices, reversed(indices)):
        kept = 0
        for at in order:
            if 0 < len(pieces[at]) <= _LONGEST_NOTICE and _NOTICE.search(pieces[at]):
                doomed.add(at)
            elif (kept := kept + 1) == _EDGE:
                break
    if not doomed:
        return text, Change(what, 0, why)
    return "".join(piece for at, piece in enumerate(pieces) if at not in doomed), Change(what, len(doomed), why)


def editors_marks(text: str) -> Cleaned:
    """Remove ``[Illustration: ...]``, ``[Footnote 3: ...]`` and the ``[3]`` that points to it."""
    notes = brackets = 0
    if "[" in text:
        text, notes = _NOTE_MARK.subn("", text)
        text, brackets = _BRACKETED.subn("", text)
    return text, Change(
        "editors' marks removed", notes + brackets, "Pictures and notes are not in the text's own voice."
    )
