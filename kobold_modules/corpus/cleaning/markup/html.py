"""Markup that leaked into a plain text: HTML from word processors and browsers, forum codes, Scrivener's rests.

What no reader would see goes whole (comments, scripts, styles, the head of a page); of everything else only the signs
go, and the words stay.
"""

from __future__ import annotations

import html
import re

from ..change import Change, Cleaned
from ..lines import BREAK


_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}\d{0,2}|#\d{2,6}|#[xX][0-9a-fA-F]{2,5});")
_BLOCK_NAMES = (
    "p|div|br|li|ul|ol|tr|table|blockquote|section|article|pre|dd|dt|dl|figure|center|body|html|header|footer|main"
)
_INLINE_NAMES = (
    "a|abbr|acronym|address|audio|b|bdi|bdo|big|button|caption|cite|code|col|colgroup|data|del|details|dfn|em|embed|"
    "fieldset|figcaption|font|form|i|iframe|img|input|ins|kbd|label|legend|link|mark|meta|nav|object|picture|q|rb|"
    "rp|rt|ruby|s|"
    "samp|small|source|span|strike|strong|sub|summary|sup|svg|tbody|td|tfoot|th|thead|time|tt|u|var|video|wbr|base|"
    "aside"
)
_HIDDEN_NAMES = ("script", "style", "head", "title", "template", "noscript", "svg", "math")
_RULE = re.compile(r"[ \t]*<hr\b[^<>]{0,1000}>[ \t]*", re.IGNORECASE)
_HEADING = re.compile(r"<h([1-6])\b[^<>]{0,1000}>(?:(?!</?h\d)[\s\S]){0,300}?</h\1 *>", re.IGNORECASE)
_BREAKING_TAG = re.compile(
    rf"</?(?:{_BLOCK_NAMES})\b(?:[^<>]{{0,1000}})?/?>|"
    rf"</?h[1-6]\b[^<>]{{0,1000}}>",
    re.IGNORECASE,
)
_TAG = re.compile(
    rf"</?(?:{_INLINE_NAMES})(?:\s[^<>]{{0,2000}})?/?>|</?[a-z]\w{{0,8}}:[a-z]\w{{0,20}}(?:\s[^<>]{{0,1000}})?/?>"
    r"|<!doctype [^<>]{0,300}>|<\?[a-z][^<>]{0,300}\?>|<!\[(?:endif|if [^\]<>]{0,100}|cdata\[)\]?>?|\]\]>",
    re.IGNORECASE,
)
_CODES = re.compile(
    r"\[/?(?:i|b|u|s|center|right|left|quote|spoiler|indent|sup|sub|hr|font|strike)\]|\[/?(?:color|size|font|url|"
    r"quote|spoiler|align)"
    r"(?:=[^\[\]\n]{0,200})?\]|\[img\][^\[\]\n]{0,500}\[/img\]",
    re.IGNORECASE,
)
_SCRIVENER = re.compile(r"<!?/?\$[A-Za-z][^<>\n]{0,200}>|\{\\Scrv_\w+(?:=[^\s{}\\]*)? ?|\\end_Scrv_\w+\}?")
_WHAT, _WHY = "tags and character codes removed", "They are markup, not prose."


def tags(text: str) -> Cleaned:
    """Remove the tags, comments and entities of HTML, forum codes and Scrivener's placeholders."""
    count = 0
    if "<" in text:
        text, hidden = without_hidden(text)
        text, rules = _RULE.subn(f"\n\n{BREAK}\n\n", text)
        text, headings = _HEADING.subn(f"\n\n{BREAK}\n\n", text)
        text, placeholders = _SCRIVENER.subn("", text)
        text, breaking = _BREAKING_TAG.subn("\n", text)
        text, inline = _TAG.subn("", text)
        count += hidden + rules + headings + placeholders + breaking + inline
    if "Scrv_" in text:
        text, scrivener = _SCRIVENER.subn("", text)
        count += scrivener
    if "[" in text:
        text, codes = _CODES.subn("", text)
        count += codes
    if "&" in text:
        text, entities = _ENTITY.subn(lambda found: html.unescape(found.group()), text)
        count += entities
    return text, Change(_WHAT, count, _WHY)


def without_hidden(text: str) -> tuple[str, int]:
    """Return the text without comments, scripts, styles and a page's head, and how many of them there were."""
    count = 0
    text, hidden = without(text, "<!--", "-->")
    count += hidden
    lowered = text.lower()
    for name in _HIDDEN_NAMES:
        if f"</{name}" in lowered:
            text, hidden = _without_element(text, name)
            count += hidden
            lowered = text.lower()
    return text, count


def without(text: str, opening: str, closing: str) -> tuple[str, int]:
    """Remove what stands between two signs; what is never closed stays. Takes linear time, unlike ``<!--.*?-->``."""
    kept: list[str] = []
    at = count = 0
    while (first := text.find(opening, at)) >= 0 and (last := text.find(closing, first + len(opening))) >= 0:
        kept.append(text[at:first])
        at = last + len(closing)
        count += 1
    return ("".join([*kept, text[at:]]) if count else text), count


def _without_element(text: str, name: str) -> tuple[str, int]:
    opening, closing = re.compile(rf"<{name}\b[^<>]*>", re.IGNORECASE), re.compile(rf"</{name} *>", re.IGNORECASE)
    kept: list[str] = []
    at = count = 0
    while (first := opening.search(text, at)) and (last := closing.search(text, first.end())):
        kept.append(text[at : first.start()])
        at = last.end()
        count += 1
    return "".join([*kept, text[at:]]), count
