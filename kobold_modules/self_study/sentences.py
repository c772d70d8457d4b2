"""A text into sentences, in any script, and whether it is English."""

from __future__ import annotations

import re


MOST_SENTENCES = 400  # of one entry; what is behind them is recited and not asked about
ENGLISH = 0.13  # share of the commonest words in English prose; it is 0.2 to 0.4 there, and below 0.08 in others

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[」』”’）]*|\n\s*\n|\n(?=\s*(?:[-*•#]|\d+[.)])\s)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Sr|Jr|Prof|Capt|Lt|Col|Gen|Sgt|Rev|Hon|Mt|No|vs|etc|e\.g|i\.e|ca|cf|approx|bzw|Nr|z\.B|M|Mme"
    r"|Mlle)|\b[A-Z])\.$"
)


def _words(text: str) -> list[str]:
    return text.split()


_COMMONEST = frozenset(
    _words(
        "the of and to in a an is was are were for with that his her its their it on as by at from who "
        "which has had but not he she they when be into"
    )
)
_WORD = re.compile(r"[^\W\d_]+")


def split(text: str) -> list[str]:
    """Return the sentences of ``text``, without the space around them; at most :data:`MOST_SENTENCES`."""
    found: list[str] = []
    begin = 0
    for end in _END.finditer(text):
        sentence = text[begin : end.end()].strip()
        if _ABBREVIATION.search(sentence[-12:]) or _goes_on(text, end.end()):
            continue
        begin = end.end()
        if sentence:
            found.append(" ".join(sentence.split()))
            if len(found) == MOST_SENTENCES:
                return found
    if rest := text[begin:].strip():
        found.append(" ".join(rest.split()))
    return found


def is_english(text: str) -> bool | None:
    """Return whether ``text`` is English; None where it is too short to tell."""
    words = _WORD.findall(text[:20_000].lower())
    if len(words) < 12:
        return False if any(ord(letter) > 0x2FF for word in words for letter in word) else None
    return sum(word in _COMMONEST for word in words) >= ENGLISH * len(words)


def _goes_on(text: str, at: int) -> bool:
    """Return whether the sentence goes on behind its mark: with a small letter, as after a quotation."""
    following = text[at : at + 8].lstrip()
    return following[:1].islower()
