"""HTML as the world writes it, cut into tags and text: linear in time, whatever is left open or misspelt.

The standard library's parser takes quadratic time over some unclosed signs in the Pythons that we support; this one
looks for each sign once and remembers where there is none any more. Where HTML's own rules would lose the rest of a
page (a comment or a script that is never closed), the text stays.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple


def names(text: str) -> frozenset[str]:
    """Return the words of ``text``: names of elements, classes or attributes."""
    return frozenset(text.split())


# Quotes count only behind an equals sign, and only near: an address of some megabytes has no ">" in it.
_TAG = re.compile(
    r"<(/?)([A-Za-z][^\s/>]*+)((?:[^>=]++|=\s*+(?:\"[^\"]{0,2000}+\"|'[^']{0,2000}+')?)*+)>",
)
_ATTRIBUTE = re.compile(r"([^\s=/\"'>]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*)))?")
_RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed"})
_OWN_PREFIXES = names("html xhtml h fb")  # Word's <o:p> is no paragraph
VOID = names("area base br col embed hr img input link meta param source track wbr frame basefont bgsound")


class Token(NamedTuple):
    """A piece of a page: ``kind`` is ``start``, ``end``, ``text``, or ``raw`` for what stands in a script or style.

    ``name`` is the element's, in lower case and without a prefix; ``data`` the text, or the attributes as written.
    """

    kind: str
    name: str
    data: str = ""


def attributes(data: str) -> dict[str, str]:
    """Return the attributes of a tag, names in lower case; the first of two with one name counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(data):
        value = double or single or bare.rstrip("/") or bare
        found.setdefault(name.lower(), html.unescape(value) if "&" in value else value)
    return found


def tokens(text: str) -> Iterator[Token]:
    """Yield the tags and the text of a page in order. An element closed in its own tag yields a start and an end."""
    absent: set[str] = set()

    def find(sign: str, start: int) -> int:
        place = -1 if sign in absent else text.find(sign, start)
        if place < 0:
            absent.add(sign)
        return place

    at = 0
    while (sign := text.find("<", at)) >= 0:
        if sign > at:
            yield _text(text[at:sign])
        following = text[sign + 1 : sign + 2]
        if text.startswith("<!--", sign):
            end = find("-->", sign + 2)
            at = end + 3 if end >= 0 else sign + 4
        elif text.startswith("<![CDATA[", sign):
            end = find("]]>", sign)
            yield Token("text", "", text[sign + 9 : end] if end >= 0 else "")
            at = end + 3 if end >= 0 else sign + 9
        elif following and following in "!?":
            end = find(">", sign)
            if "[" in text[sign : end + 1]:
                end = max(end, find("]>", sign) + 1)
            at = end + 1 if end >= 0 else sign + 2
        elif (following.isalpha() or following == "/") and find(">", sign) >= 0 and (tag := _TAG.match(text, sign)):
            at = tag.end()
            name = tag[2].lower()
            prefix, _, local = name.partition(":")
            name = local if prefix in _OWN_PREFIXES and local else name
            if tag[1]:
                yield Token("end", name)
                continue
            closed = tag[3].endswith("/")
            yield Token("start", name, tag[3])
            if not closed and name in _RAW and (end := find(f"</{tag[2]}", at)) >= 0:
                yield Token("raw", name, text[at:end])
                at = end
            elif closed and name not in VOID:
                yield Token("end", name)
        else:
            yield Token("text", "", "<")
            at = sign + 1
    if at < len(text):
        yield _text(text[at:])


def _text(data: str) -> Token:
    return Token("text", "", html.unescape(data) if "&" in data else data)
