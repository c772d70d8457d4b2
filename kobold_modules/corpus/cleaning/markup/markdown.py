"""Markdown to plain text: the words a reader sees, without the signs that arrange them.

Not a CommonMark parser on purpose. Writers indent paragraphs by four spaces (code, says CommonMark) and use ``~~~``
for a scene break (an open code fence to the end of the file). Where the standard would lose prose, prose wins.
"""

from __future__ import annotations

import html
import re

from ..change import Change, Cleaned
from ..layout.breaks import is_break
from ..lines import BREAK
from .encoded import encoded
from .html import without_hidden
from .vault import vault


_FRONT_MATTER = re.compile(r"\A\s*(?P<fence>---|\+\+\+) *\n(?P<body>.*?)\n(?P=fence) *(?:\n|\Z)", re.DOTALL)
_KEY = re.compile(r"\s*[\w.-]+\s*[:=](?:\s|$)|\s*- |\s*#|\s+\S|\s*$|[\]}]")
_FENCE = re.compile(r" {0,3}(?P<sign>`{3,}|~{3,}) *(?P<info>[^`~]*)")
_NOTE_TEXT = re.compile(r"^ {0,3}\[\^[^\]\n]{1,60}\]:.*(?:\n(?!\s*\n|\[\^).+)*(?:\n\s*\n(?: {4}|\t).+)*", re.MULTILINE)
_NOTE_MARK = re.compile(r"\[\^[^\]\n]{1,60}\]|\^\[[^\[\]\n]{0,1000}\]")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,100}\]: *\S+(?: +[\"'(].*)?$", re.MULTILINE)
_IMAGE = re.compile(
    r"!\[\[[^\[\]\n]{0,300}\]\]|!\[[^\[\]]{0,300}\](?:\([^()\s]{0,2000}(?: +[^()\n]{0,200})?\)|\[[^\]\n]{0,100}\])"
)
_WIKI = re.compile(r"\[\[(?:[^\[\]|\n]{0,200}\|)?([^\[\]|\n]{1,200})\]\]")
_LINK = re.compile(
    r"\[([^\[\]]{1,500})\]"
    r"(?:\([^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?(?: +[^()\n]{0,200})?\)|\[[^\]\n]{0,100}\])"
)
_AUTOLINK = re.compile(r"<(?:https?://|mailto:)[^<>\s]{1,2000}>")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:[ \t]+.*|[ \t]*)$", re.MULTILINE)
_SETEXT = re.compile(r"(?:\A|(?<=\n\n))(?P<title>[^\n]{1,80})\n {0,3}(?:=+|-{2,}) *(?=\n|\Z)")
_QUOTE = re.compile(r"^ {0,3}(?:> ?)+", re.MULTILINE)
_BULLET = re.compile(r"^( *)[*+] +(?=\S)", re.MULTILINE)
_TABLE_RULE = re.compile(r" *\|?(?: *:?-+:? *\|)+(?: *:?-+:?)? *")
_DIV = re.compile(r"^ *:::.*$", re.MULTILINE)
# What pandoc writes: [words]{.smallcaps}, []{#anchor}, `x`{=html}, 1^st^, H~2~O, lines after a bar, [@source].
_ATTRIBUTES = r"\{(?:[#.=][^{}\n]{0,100}|[\w-]+=[^{}\n]{1,200}|-)\}"
_SPAN = re.compile(rf"\[((?:[^\[\]]|\[[^\[\]]{{0,200}}\]){{0,1000}})\]{_ATTRIBUTES}")
_RAW = re.compile(r"(`{1,3})([^`\n]{0,1000})\1\{=(\w+)\}")
_LOOSE_ATTRIBUTES = re.compile(rf"(?<=[\])`\w*_.!?\"]) ?{_ATTRIBUTES}|{_ATTRIBUTES} *$", re.MULTILINE)
_RAISED = re.compile(r"(?<=[\w).])(\^|~)(?!\1)((?:[\w+−-]|\\ ){1,12})\1(?!\1)")
_BAR = re.compile(r"^ {0,3}\|(?: |$)(?!.*\|\s*$)", re.MULTILINE)
_CITATION = re.compile(r" ?\[-?@[\w:.-]+[^\[\]\n]{0,200}\]")
_HARD_BREAK = re.compile(r"\\$", re.MULTILINE)
_TAG_NAMES = (
    "a abbr address article aside audio b big blockquote body br button center cite code dd del details dfn div dl dt "
    "em figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header html i iframe img input ins kbd label li link "
    "main mark meta nav ol p picture pre q ruby rt s section small source span strike strong sub summary sup table "
    "tbody td th thead title tr tt u ul video wbr"
)
_TAG = re.compile(rf"</?(?P<name>{'|'.join(_TAG_NAMES.split())})\b[^<>\n]{{0,1000}}>", re.IGNORECASE)
_BLOCK_TAGS = frozenset(["br", "div", "p", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"])
_STRIKE = re.compile(r"(~~|==)(?=[^\s~=])([^~=\n]{1,300}?)(?<=[^\s~=])\1")
_CODE = re.compile(r"(`{1,2})([^`\n]{1,300})\1")
_INNER_STARS = re.compile(r"(?<!\*)(\*{1,3})(?=[^\s*])([^*\n]{1,300}?)(?<=[^\s*])\1(?!\*)")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~\"'$&,/:;=?@^%])")


def markdown(text: str) -> tuple[str, tuple[Change, ...]]:
    """Turn Markdown with LF line ends into plain text. Returns it and what was taken out on the way."""
    changes = []
    for rule in (encoded, _front_matter, _blocks, vault, _notes, _pandoc, _headings, _links, _signs):
        text, change = rule(text)
        changes.append(change)
    return text, tuple(change for change in changes if change.count)


def _front_matter(text: str) -> Cleaned:
    """Drop YAML or TOML at the top, unless it is prose between two scene breaks."""
    what, why = "front matter removed", "It is data about the page, not the page."
    found = _FRONT_MATTER.match(text)
    if not found:
        return text, Change(what, 0, why)
    lines = found["body"].split("\n")
    looks = all(_KEY.match(line) for line in lines) and any(re.match(r"[\w.-]+\s*[:=]", line) for line in lines)
    return (text[found.end() :], Change(what, 1, why)) if looks else (text, Change(what, 0, why))


def _blocks(text: str) -> Cleaned:
    """Drop comments, scripts, fenced code and tables."""
    text, count = without_hidden(text) if "<" in text else (text, 0)
    lines = text.split("\n")
    doomed = _fenced(lines) | _tables(lines)
    text = "\n".join(line for at, line in enumerate(lines) if at not in doomed)
    return text, Change("comments, code and tables removed", count + len(doomed), "They are not prose.")


def _fenced(lines: list[str]) -> set[int]:
    """Find the lines of fenced code. A fence of ``~`` needs a language after it, and every fence an end."""
    fences = [
        (at, found["sign"][0], found["info"]) for at, line in enumerate(lines) if (found := _FENCE.fullmatch(line))
    ]
    ends: dict[str, int] = {}
    closed_at: dict[int, int] = {}
    for at, sign, info in reversed(fences):
        if sign in ends:
            closed_at[at] = ends[sign]
        if not info.strip():
            ends[sign] = at
    doomed: set[int] = set()
    done = -1
    for at, sign, info in fences:
        if at > done and (sign == "`" or info.strip()):
            done = closed_at.get(at, at)  # a lone row of backticks is dropped, what follows it is not
            doomed.update(range(at, done + 1))
    return doomed


def _tables(lines: list[str]) -> set[int]:
    """Find the lines of tables: a row, a rule of dashes under it, and the rows below."""
    doomed: set[int] = set()
    for at, line in enumerate(lines):
        if at in doomed or "|" not in line or not _TABLE_RULE.fullmatch(line) or not at or "|" not in lines[at - 1]:
            continue
        end = at
        while end < len(lines) and "|" in lines[end]:
            end += 1
        doomed.update(range(at - 1, end))
    return doomed


def _notes(text: str) -> Cleaned:
    """Drop footnotes, their marks, and the definitions of links."""
    text, notes = _NOTE_TEXT.subn("", text)
    text, marks = _NOTE_MARK.subn("", text)
    text, definitions = _DEFINITION.subn("", text)
    return text, Change("footnotes removed", notes + marks + definitions, "Notes interrupt the text they explain.")


def _pandoc(text: str) -> Cleaned:
    """Keep the words of pandoc's spans, raised and lowered letters and line blocks, without their signs."""
    count = 0
    if "{" in text:
        text, raw = _RAW.subn(lambda found: found[2] if found[3].startswith("html") else "", text)
        spans, more = 0, 1
        while more:  # spans nest
            text, more = _SPAN.subn(r"\1", text)
            spans += more
        text, loose = _LOOSE_ATTRIBUTES.subn("", text)
        count += raw + spans + loose
    if "^" in text or "~" in text:
        text, raised = _RAISED.subn(lambda found: found[2].replace("\\ ", " "), text)
        count += raised
    if "|" in text:
        text, bars = _BAR.subn("", text)
        count += bars
    text, cited = _CITATION.subn("", text) if "[@" in text or "[-@" in text else (text, 0)
    return text, Change("Markdown signs removed", count + cited, "The words stay as they are.")


def _headings(text: str) -> Cleaned:
    """Turn headings into scene breaks; quotes lose their ``>``, list items get one sign."""
    text = _QUOTE.sub("", text)
    text, hashed = _HEADING.subn(f"\n{BREAK}\n", text)

    def ruled(found: re.Match[str]) -> str:
        title = found["title"].strip()
        ends = title[-1:] in tuple('.,;:"”')
        return found.group() if not title or ends or is_break(title) else f"\n{BREAK}\n"

    setext = len(_SETEXT.findall(text))
    changed = _SETEXT.sub(ruled, text)
    setext = setext if changed != text else 0
    text = _BULLET.sub(lambda found: found.group() if _is_rule(changed, found) else f"{found[1]}- ", changed)
    text = _DIV.sub("", text)
    return text, Change("headings removed", hashed + setext, "A scene break marks where each one stood.")


def _is_rule(text: str, found: re.Match[str]) -> bool:
    """Return whether a line is a scene break like ``* * *``, which begins as a list item does."""
    end = text.find("\n", found.start())
    return is_break(text[found.start() : end if end >= 0 else len(text)])


def _links(text: str) -> Cleaned:
    """Drop pictures; links keep their text."""
    text, images = _IMAGE.subn("", text)
    text, wiki = _WIKI.subn(r"\1", text)
    text, links = _LINK.subn(r"\1", text)
    text, bare = _AUTOLINK.subn("", text)
    return text, Change(
        "links and pictures reduced to their words", images + wiki + links + bare, "Addresses are not prose."
    )


def _signs(text: str) -> Cleaned:
    """Drop tags and the marks of emphasis, strike-through and code inside a line; resolve escapes."""
    # An escaped sign is text: it waits under another name (U+E000 and up, for private use) while signs are removed.
    text = _ESCAPE.sub(lambda found: chr(0xE000 + ord(found[1])), text)
    text, tags = _TAG.subn(lambda found: "\n" if found["name"].lower() in _BLOCK_TAGS else "", text)
    text = _HARD_BREAK.sub("", text)
    text, code = _CODE.subn(r"\2", text)
    text, struck = _STRIKE.subn(r"\2", text)
    text, stars = _INNER_STARS.subn(r"\2", text)
    text = html.unescape(text) if "&" in text else text
    text = re.sub("[\ue021-\ue07e]", lambda found: chr(ord(found.group()) - 0xE000), text)
    return text, Change("Markdown signs removed", tags + code + struck + stars, "The words stay as they are.")
