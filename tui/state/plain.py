"""Where text of other people becomes something to show: names, descriptions, file names. They are never markup.

Textual reads ``[b]`` in a string as a style, and ends with a MarkupError at ``[/]``. A string of ours may use that; a
name may not. What is written here keeps every bracket, and leaves out what would steer the terminal.
"""

from __future__ import annotations

from textual.content import Content
from textual.fuzzy import Matcher

from kobold_modules.plain_text import printable


def plain(text: str) -> Content:
    """Return ``text`` as it is, in no style."""
    return Content(printable(text))


def highlighted(matcher: Matcher, text: str) -> Content:
    """Return ``text`` with the letters that ``matcher`` found, as ``Matcher.highlight`` does it for markup."""
    content = plain(text)
    for offset in matcher.fuzzy_search.match(matcher.query, content.plain)[1]:
        if not content.plain[offset].isspace():
            content = content.stylize(matcher.match_style, offset, offset + 1)
    return content
