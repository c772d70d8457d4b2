"""Chapter titles: recognised, taken out, and a scene break left in their place.

A title says nothing of a writer's voice, and a model that has learned them writes "Chapter Seven" in the middle of a
scene. The art is to take titles only: a paragraph that is one short line, that looks like a number or a heading, and
that stands where a heading would.
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned
from ..lines import BREAK, ends_sentence, first_letter, starts_low


_ROMAN = r"(?=[IVXLC])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_FIRSTS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_TENTHS = "tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|last"
_WORD = rf"(?:(?:{_TENS})(?:[- ](?:{_ONES}))?|{_TEENS}|{_ONES})"
_ORDINAL = rf"(?:(?:{_TENS})[- ](?:{_FIRSTS})|{_FIRSTS}|{_TENTHS}|twentieth|thirtieth|fortieth|fiftieth)"
_KEYWORD = (
    r"chapter|chap\.|part|book|epoch|volume|vol\.|section|canto|letter|stave|episode|act|scene|day|entry|"
    r"chapitre|partie|livre|tome|kapitel|teil|buch|capítulo|capitulo|capitolo|parte|libro|hoofdstuk|deel|глава|часть"
)
_NAMED = (
    r"prologue|epilogue|foreword|preface|introduction|afterword|interlude|intermission|dedication|acknowledge?ments|"
    r"author's note|coda|postscript|prolog|epilog|prólogo|epílogo|vorwort|nachwort|пролог|эпилог"
)
_END = rf"(?:the end|fin|finis|ende)|(?:the )?end of (?:the )?(?:{_ORDINAL} )?(?:part|book|volume|chapter)(?: \w+)?"

_HEADING = re.compile(
    rf"(?:{_KEYWORD})\s+(?:the\s+)?(?:\d{{1,4}}|{_ROMAN}|{_WORD}|{_ORDINAL})(?![\w'])"
    r"(?P<between>\s*[.:—–-]+\s*|\s+|$)(?P<rest>.*)",
    re.IGNORECASE,
)
_ORDINAL_HEADING = re.compile(rf"(?:the\s+)?{_ORDINAL}\s+(?:{_KEYWORD})[.:]?", re.IGNORECASE)
_NAMED_HEADING = re.compile(rf"(?:{_NAMED})(?:[.:]|\s*[.:—–-]+\s*(?P<rest>.{{1,60}}))?", re.IGNORECASE)
_END_MARK = re.compile(rf"(?:{_END})[.!]?", re.IGNORECASE)
_HASHED = re.compile(r"#{1,6} \S.{0,90}")
_NUMBER = rf"(?:\d{{1,3}}|{_ROMAN})"
_NUMERAL = re.compile(rf"(?:{_NUMBER}[.:]?|(?P<left>[-–—~*=\[(<]+) ?{_NUMBER} ?[-–—~*=\])>]+)")
_NUMERAL_WORD = re.compile(rf"(?:{_WORD}|{_WORD.upper()})", re.IGNORECASE)
# "C. Vindex" and "L. Frank Baum" begin with a name's initial, not with a hundred or fifty.
_NUMBERED = re.compile(
    rf"(?![CL]\.\s)(?:{_NUMBER}[.:)]\s+|{_NUMBER}\s+[—–-]\s+|(?=[IVXLC]{{2}}){_ROMAN}\s+)(?P<rest>\S.{{0,70}})"
)
_BEGIN_NUMBERS = frozenset("0123456789IVXLC")
_BYLINE = re.compile(r"[Bb][Yy](?:\s+[A-Z].{0,60})?|\d{4}\.?")  # or a title page's year
_LETTERS = re.compile(r"[^\W\d_]+")
_UNDERLINE = re.compile(r"(=|-|~|\*)\1{2,}")

_FIRST_WORDS = frozenset(
    re.sub(r"[?\\.]|'s.*", "", word)
    for group in (
        _KEYWORD,
        _NAMED,
        _TENS,
        _FIRSTS,
        _TENTHS,
        "acknowledgments|author's|end|fin|finis|ende|twentieth|thirtieth",
    )
    for word in (*group.split("|"), "fortieth", "fiftieth", "author's", "acknowledgements")
)
_TITLE_PAGE = 12  # paragraphs
_WHAT = "chapter titles removed"
_WHY = "A module that has learned titles writes them into scenes; a scene break marks where each one stood."


def is_titled(line: str) -> bool:
    """Return whether the line is set like a title: all capitals, or a capital on nearly every long word."""
    if line.isupper():
        return True
    words = _LETTERS.findall(line)
    long = [word for word in words if len(word) >= 4] or words
    return bool(words) and words[0][0].isupper() and sum(word[0].isupper() for word in long) >= 0.75 * len(long)


def _may_be_heading(line: str) -> bool:
    """Return whether the first word of a stripped line is one that headings begin with."""
    words = line[:40].casefold().split(maxsplit=2)
    first = words[0].rstrip(".:!—–-")
    if first == "the" and len(words) > 1:
        first = words[1].rstrip(".:!—–-")
    return first[:1] == "#" or first.partition("-")[0].partition("'")[0] in _FIRST_WORDS


def is_heading(line: str) -> bool:
    """Return whether a line can hardly be anything but a heading: ``Chapter IV``, ``PART TWO: The Sea``."""
    line = line.strip().strip("*_=~").strip()
    if not line or len(line) > 100 or not (line[0].isupper() or line[0] == "#"):
        return False
    if not _may_be_heading(line):
        return False
    if _HASHED.fullmatch(line) or _ORDINAL_HEADING.fullmatch(line):
        return True
    if _END_MARK.fullmatch(line):
        return is_titled(line)
    if named := _NAMED_HEADING.fullmatch(line):
        return named["rest"] is None or is_titled(named["rest"])
    if not (found := _HEADING.fullmatch(line)):
        return False
    rest = found["rest"].strip()
    if not rest:
        return True
    unfinished = not ends_sentence(rest) and rest[-1] not in ",;"
    return is_titled(rest) or (unfinished and bool(found["between"].strip()))


def is_numeral(line: str) -> bool:
    """Return whether a line is only a chapter's number: ``IV``, ``12.``, ``- 3 -``, ``Seven``."""
    line = line.strip()
    if not line or len(line) > 40 or line[0].islower():
        return False
    return bool(_NUMERAL.fullmatch(line) or (line[0].isupper() and _NUMERAL_WORD.fullmatch(line)))


def is_numbered(line: str) -> bool:
    """Return whether a line is a number with a title, ``IV. The Mail``: a heading unless it stands in a list."""
    line = line.strip()
    numbered = _NUMBERED.fullmatch(line) if len(line) <= 90 and line[:1] in _BEGIN_NUMBERS else None
    if not numbered or max(map(len, _LETTERS.findall(numbered["rest"])), default=0) < 3:
        return False
    return is_titled(numbered["rest"]) and (numbered["rest"].isupper() or not _stops(line))


def _stops(line: str) -> bool:
    return line[-1] in ".,;:…—-\"'”’»"


def _follows_title(line: str, above: str) -> bool:
    """Return whether this line may be the name of the chapter whose number stands above it."""
    if "\n" in line or len(line) > 80 or line == BREAK or not first_letter(line).isupper():
        return False
    if line.isupper():
        return True
    if any(character.isdigit() for character in line):
        return False
    if _stops(line):  # old books end both lines with a full stop: "CHAPTER I." "The Old Mint."
        return above.endswith(".") and line.endswith(".") and len(line) <= 60 and is_titled(line)
    return is_titled(line) or (line[-1] not in "?!" and len(line) <= 60 and " " in line)


def _opens_story(line: str) -> bool:
    """Return whether this line, after a wide gap or at the very start, may be a story's name or a by-line."""
    if _BYLINE.fullmatch(line):
        return True
    if "\n" in line or len(line) > 60 or line == BREAK or not first_letter(line).isupper():
        return False
    if line.isupper():
        return True
    if _stops(line) or line[-1] in "?!" or any(character.isdigit() for character in line):
        return False
    return is_titled(line)


def underlined(text: str) -> Cleaned:
    """Turn short lines underlined with ``====`` or ``----``, which are headings, into scene breaks."""
    lines = text.split("\n")
    out: list[str] = []
    count = 0
    for line in lines:
        above = out[-1].strip() if out else ""
        alone = len(out) < 2 or not out[-2].strip()
        drawn = _UNDERLINE.fullmatch(line.strip()) is not None and abs(len(line.strip()) - len(above)) <= 3
        if drawn and alone and above and len(above) <= 80 and above[-1] not in '.,;:"”':
            out[-1] = ""
            out += [BREAK, ""]
            count += 1
        else:
            out.append(line)
    return "\n".join(out), Change(_WHAT, count, _WHY)


def titles(text: str) -> Cleaned:
    """Remove headings that stand alone, and the chapter names under them; leave scene breaks.

    Expects paragraphs: several blank lines before a short line still say "here begins something".
    """
    pieces = re.split(r"(\n{2,})", text.strip("\n"))
    paragraphs, gaps = pieces[::2], [3, *(len(gap) for gap in pieces[1::2])]
    wide_is_rare = sum(gap > 2 for gap in gaps[1:]) <= max(1, 0.2 * len(gaps))
    out: list[str] = []
    count = index = 0
    while index < len(paragraphs):
        end = index + _strong(paragraphs, index)
        if end == index and gaps[index] > 2 and wide_is_rare:
            end += _weak(paragraphs, index)
        if end > index:
            count += end - index
            out.append(BREAK)
            index = end
        else:
            out.append(paragraphs[index])
            index += 1
    if not count:
        return text, Change(_WHAT, 0, _WHY)
    return "\n\n".join(out), Change(_WHAT, count, _WHY)


def _strong(paragraphs: list[str], index: int) -> int:
    """Return how many paragraphs from here are a heading and its name (0, 1 or 2)."""
    if not _is_strong(paragraphs, index):
        return 0
    after = index + 1
    if (
        after + 1 < len(paragraphs)
        and not _is_strong(paragraphs, after)
        and _follows_title(paragraphs[after], paragraphs[index])
    ):
        return 2
    return 1


def _is_strong(paragraphs: list[str], index: int) -> bool:
    line = paragraphs[index]
    if "\n" in line or len(line) > 100:
        return False
    following = paragraphs[index + 1] if index + 1 < len(paragraphs) else ""
    if is_heading(line):
        return True
    if is_numeral(line):
        return line != "I" or not starts_low(following)  # a story may say "I", and go on in the next paragraph
    above = paragraphs[index - 1] if index else ""
    return is_numbered(line) and not is_numbered(above) and not is_numbered(following)


def _weak(paragraphs: list[str], index: int) -> int:
    """Count the paragraphs from here that are a story's title and by-line, or a title page, with a story following."""
    if not index and (page := _title_page(paragraphs)):
        return page
    end = index
    last = min(len(paragraphs), index + (3 if index else _TITLE_PAGE))
    while end < last and not _is_strong(paragraphs, end) and _opens_story(paragraphs[end]):
        end += 1
    if end == index or end == len(paragraphs):
        return 0
    after = paragraphs[end]
    follows = _is_strong(paragraphs, end) or (len(after) > 80 and "\n" not in after) or after == BREAK
    return end - index if follows else 0


def _title_page(paragraphs: list[str]) -> int:
    """Count the paragraphs before the first heading, if none of them is a sentence."""
    for index, paragraph in enumerate(paragraphs[:_TITLE_PAGE]):
        if _is_strong(paragraphs, index):
            return index
        lines = paragraph.split("\n")
        finished = any(ends_sentence(line) and not (line.isupper() or is_titled(line)) for line in lines)
        if paragraph == BREAK or len(paragraph) > 200 or finished:
            return 0
    return 0
