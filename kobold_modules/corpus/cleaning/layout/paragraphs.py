"""Paragraphs: whatever the layout of a file, one paragraph becomes one line, with a blank line between two.

Writers' files come in four layouts: paragraphs apart by blank lines; each paragraph a line with nothing between;
lines broken by hand or by an old editor at some 70 characters; and such broken lines with an indent for each paragraph.
A model trained on broken lines learns to break lines. Verse, letters' heads and lists are short lines on purpose and
stay. How a file sets its lines is measured in :mod:`.wrapping`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ..apparatus.titles import is_heading, is_numeral
from ..change import Change, Cleaned
from ..lines import BREAK, Vocabulary, continues, ends_sentence, glue, indent, starts_low
from .wrapping import LIST_ITEM, Layout, measure


_DASHES = ("—", "--")  # speech that is cut short
_VERSE = 60  # characters that a line of verse seldom reaches
_FEW = 5  # as many paragraphs to a blank line, and the blank line means more than "new paragraph"


@dataclass(slots=True)
class _Block:
    blanks: int  # blank lines before it
    lines: list[str]
    boundary: bool = False


def paragraphs(text: str) -> Cleaned:
    """Rejoin broken lines, put blank lines between paragraphs, leave verse and lists alone."""
    what = "broken lines and run-together paragraphs set right"
    why = "A model trained on lines broken at a fixed width learns to break lines."
    blocks = _blocks(text)
    layout = measure([block.lines for block in blocks if not block.boundary])
    words = Vocabulary(text)
    parts = [_parts(block.lines, layout, words) if len(block.lines) > 1 else None for block in blocks]
    many = sum(len(part) if part else 1 for part in parts) >= _FEW * max(2, len(blocks))
    out: list[str] = []
    before = ""
    count = 0
    for block, part in zip(blocks, parts, strict=True):
        body = part or ["\n".join(line.strip() for line in block.lines)]
        if part:
            count += len(block.lines) - 1 - sum(paragraph.count("\n") for paragraph in part)
        if out:
            out.append("\n" * (block.blanks + 1))
            scene = many and block.blanks and BREAK not in (before, body[0]) and "\n" not in before + body[0]
            if scene and ends_sentence(before) and not starts_low(body[0]):
                out.append(f"{BREAK}\n\n")
                count += 1
        out.append("\n\n".join(body))
        before = body[-1]
    return "".join(out), Change(what, count, why)


def _blocks(text: str) -> list[_Block]:
    """Split into runs of lines without a blank one; scene breaks and headings are blocks of their own."""
    blocks: list[_Block] = []
    blanks = 0
    fresh = True
    for line in text.split("\n"):
        bare = line.strip()
        if not bare:
            blanks += 1
            fresh = True
            continue
        opens = fresh or blocks[-1].boundary
        boundary = bare == BREAK or is_heading(bare) or (opens and is_numeral(bare))
        if opens or boundary:
            blocks.append(_Block(blanks if fresh else 1, [line], boundary))
        else:
            blocks[-1].lines.append(line)
        blanks, fresh = 0, False
    return blocks


def _parts(lines: list[str], layout: Layout, words: Vocabulary) -> list[str] | None:
    """Return the paragraphs of a block of two and more lines; None where its lines stay as they are."""
    if layout.width:
        return [part for run in _runs(lines, layout) for part in _rejoin(run, layout, words)]
    length = sum(map(len, lines)) / len(lines)
    stops = sum(ends_sentence(line) for line in lines) / len(lines)
    if all(LIST_ITEM.match(line) for line in lines) or (stops < 0.5 and length < _VERSE):
        return None
    if layout.line_each or layout.indents or (stops >= 0.7 and length > 90):
        return _each(lines)
    return None


def _each(lines: list[str]) -> list[str]:
    """Make each line a paragraph, but join short lines that end inside a sentence to the next: they are verse."""
    out = [lines[0].strip()]
    for first, second in pairwise(lines):
        if max(len(first), len(second)) < _VERSE and not ends_sentence(first):
            out[-1] += "\n" + second.strip()
        else:
            out.append(second.strip())
    return out


def _runs(lines: list[str], layout: Layout) -> list[list[str]]:
    """Cut a block where an indent starts a paragraph."""
    if not layout.indents:
        return [lines]
    margin = min(map(indent, lines))
    runs = [[lines[0]]]
    for line in lines[1:]:
        above = runs[-1][-1]
        if indent(line) >= margin + 2 and (ends_sentence(above) or above.endswith(_DASHES)):
            runs.append([line])
        else:
            runs[-1].append(line)
    return runs


def _rejoin(lines: list[str], layout: Layout, words: Vocabulary) -> list[str]:
    """Rejoin a run of broken lines to one paragraph, or several in a tight layout; verse keeps its lines."""
    if len(lines) == 1 or _is_verse(lines, layout):
        return ["\n".join(line.strip() for line in lines)]
    out: list[list[str]] = [[lines[0].strip()]]  # each paragraph as the pieces that make it up
    for first, second in pairwise(lines):
        stops = ends_sentence(first) or first.endswith(_DASHES)
        short = stops and not starts_low(second) and not layout.full(first, second)
        short = short or (layout.tight and _new_speaker(first, second))
        bare = second.strip()
        if short and LIST_ITEM.match(second):
            out[-1] += ["\n", bare]
        elif short and layout.tight:
            out.append([bare])
        elif short:
            out[-1] += ["\n", bare]
        elif (between := glue(out[-1][-1], bare, words)) is None:
            out[-1][-1] = out[-1][-1][:-1]
            out[-1].append(bare)
        else:
            out[-1] += [between, bare]
    return ["".join(pieces) for pieces in out]


def _new_speaker(first: str, second: str) -> bool:
    return (
        first.rstrip().endswith(('"', "”", "」"))
        and second.lstrip().startswith(('"', "“", "「"))
        and ends_sentence(first)
    )


def _is_verse(lines: list[str], layout: Layout) -> bool:
    pairs = list(pairwise(lines))
    inside = [pair for pair in pairs if not ends_sentence(pair[0])]
    judged = inside or ([] if layout.tight else pairs)
    loose = sum(not layout.full(first, second, 0.25 * layout.width) for first, second in judged)
    if judged and loose > 0.5 * len(judged):
        return True
    capitals = all(not continues(second) for _, second in pairs)
    strict = sum(layout.full(first, second, 3.0) for first, second in pairs)
    return capitals and not layout.tight and strict < 0.7 * len(pairs)
