"""What note programs add to Markdown (Obsidian, Logseq): callouts, tasks, block names, tags, fields, comments.

They are a writer's notes to themselves. A callout that quotes keeps its words, all others go whole; a tag in the middle
of a sentence is a word of it and stays.
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned


_CALLOUT = re.compile(
    r"^ {0,3}(?:> ?)+\[!(?P<kind>[\w-]+)(?:\|"
    r"[^\]\n]*)?\][+-]?(?P<title>[^\n]*)\n?(?P<body>(?:^ {0,3}>[^\n]*\n?)*)",
    re.MULTILINE,
)
_QUOTING = frozenset(("quote", "cite", "abstract", "letter", "poem", "verse", "text", "scene", "story"))
_TASK = re.compile(r"^[ \t]*[-*+] \[[^\[\]\n]\] [^\n]*\n?", re.MULTILINE)
_BLOCK_NAME = re.compile(r"(?:(?<=\s)|^)\^[A-Za-z0-9-]{2,60}[ \t]*$", re.MULTILINE)
_TAG = r"#(?=[\w/-]*[^\W\d_])[\w/-]+"
_TAG_LINE = re.compile(rf"^[ \t]*(?:tags?:? *)?{_TAG}(?:[ ,\t]+{_TAG})*[ \t]*$\n?", re.MULTILINE | re.IGNORECASE)
_TAG_AT_END = re.compile(rf"(?:[ \t]+{_TAG})+[ \t]*$", re.MULTILINE)
_NESTED_TAG = re.compile(r"(?<!\S)#[^\W\d][\w-]*/[\w/-]+")
_FIELD = re.compile(
    r"^[ \t]*[\w][\w -]{0,40}::(?: [^\n]*)?$\n?|"
    r"[ \t]?[\[(][\w][\w -]{0,40}:: [^\[\]()\n]{0,200}[\])]",
    re.MULTILINE,
)
_WHAT = "notes to yourself removed"
_WHY = "Callouts, tasks, tags and names of blocks belong to the notebook, not to the text."


def vault(text: str) -> Cleaned:
    """Remove callouts, tasks, tags, fields, comments and block names."""
    count = 0
    if "%%" in text:
        text, found = _without_comments(text)
        count += found
    if "[!" in text:
        text, found = _CALLOUT.subn(_callout, text)
        count += found
    for pattern, sign in (
        (_TASK, "] "),
        (_FIELD, "::"),
        (_BLOCK_NAME, "^"),
        (_TAG_LINE, "#"),
        (_TAG_AT_END, "#"),
        (_NESTED_TAG, "#"),
    ):
        if sign in text:
            text, found = pattern.subn("", text)
            count += found
    return text, Change(_WHAT, count, _WHY)


def _callout(found: re.Match[str]) -> str:
    """Return what stays of a callout: the words of one that quotes."""
    return found["body"] if found["kind"].lower() in _QUOTING else "\n"


def _without_comments(text: str) -> tuple[str, int]:
    """Return the text without what stands between two signs; what is never closed stays."""
    kept = text.split("%%")
    if len(kept) % 2 == 0:  # the last one is open
        kept[-2:] = ["%%".join(kept[-2:])]
    return "".join(kept[::2]), len(kept) // 2
