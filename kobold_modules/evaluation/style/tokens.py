"""Words, sentences and stretches of equal length, in any script: what all measures of style count.

A word is a run of letters with its marks, with apostrophes inside it; scripts written without spaces give one word a
character. Nothing here is language-specific but a list of abbreviations that do not end an English sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import regex


NO_SPACES = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"  # scripts without spaces
_LETTERS = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{NO_SPACES}]]+"
_SPECIAL = regex.compile(rf"[{NO_SPACES}\p{{M}}]", regex.V1)
_PLAIN_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")  # the same words, three times as fast, where there is none of those
WORD = regex.compile(rf"[{NO_SPACES}]|{_LETTERS}(?:['’]{_LETTERS})*", regex.V1)
TOKEN = regex.compile(rf"{WORD.pattern}|\.{{2,}}|--+|[^\s\w]", regex.V1)
_CLOSING = r"[\"'”’»)\]」』]*"
_END = regex.compile(rf"(?:[.!?…]+{_CLOSING}(?=\s|$))|(?:[。！？।॥؟]+{_CLOSING})|(?:\n[^\S\n]*\n\s*)", regex.V1)
_BEFORE = regex.compile(r"([\p{L}.]+)\.$")
_TITLES = "mr mrs ms dr st sr jr prof rev hon capt col gen lieut lt sgt messrs mme mlle vol etc viz"
ABBREVIATIONS = frozenset(_TITLES.split())
WINDOW = 200  # words in a window: about 256 tokens of a language model


def words(text: str) -> list[str]:
    """Return the words of ``text`` in lower case, in order."""
    plain = _straight(text).lower()
    found: list[str] = (WORD if _SPECIAL.search(plain) else _PLAIN_WORD).findall(plain)
    return found


def tokens(text: str) -> list[str]:
    """Return words and punctuation marks of ``text`` in order, in the case they are written in."""
    found: list[str] = TOKEN.findall(_straight(text))
    return found


def _straight(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("’", "'").replace("ʼ", "'")


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text`` in order, stripped; a blank line ends one, whatever stands before it."""
    return [text[start:stop].strip() for start, stop in sentence_spans(text)]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of each sentence: offsets in characters, one after another."""
    found, start = [], 0
    for end in _END.finditer(text):
        if end[0].startswith("\n") or _really_ends(text, start, end):
            if text[start : end.end()].strip():
                found.append((start, end.end()))
            start = end.end()
    if text[start:].strip():
        found.append((start, len(text)))
    return found


def _really_ends(text: str, start: int, end: regex.Match[str]) -> bool:
    """Return whether what looks like the end of a sentence is one.

    It is none where the next word begins with a small letter (``"Why?" he said``), nor after a title or an initial.
    """
    following = text[end.end() : end.end() + 40].lstrip()
    if following[:1].islower() and "\n\n" not in text[end.end() : end.end() + 3]:
        return False
    if end[0] != ".":
        return True
    before = _BEFORE.search(text[max(start, end.start() - 20) : end.end()])
    if before is None:
        return True
    word = before[1]
    return not (word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isupper() and word != "I"))


def windows(text: str, size: int = WINDOW) -> list[str]:
    """Return ``text`` cut into stretches of whole sentences with about ``size`` words each.

    A last stretch of less than half of that is left out, unless it is the only one. A sentence longer than ``size``
    words is cut between words.
    """
    found: list[str] = []
    start, stop, count = 0, 0, 0
    for begin, end, length in _pieces(text, size):
        if not count:
            start = begin
        stop, count = end, count + length
        if count >= size:
            found.append(text[start:stop])
            count = 0
    if count and (count >= size / 2 or not found):
        found.append(text[start:stop])
    return found


def _pieces(text: str, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield ``(start, stop, words)`` of each sentence, those of more than ``size`` words in parts."""
    for start, stop in sentence_spans(text):
        ends = [match.end() for match in WORD.finditer(text, start, stop)]
        if not ends:
            yield start, stop, 0
            continue
        for first in range(0, len(ends), size):
            last = min(first + size, len(ends))
            until = stop if last == len(ends) else ends[last - 1]
            yield start, until, last - first
            start = until


def all_windows(texts: Sequence[str], size: int = WINDOW) -> list[str]:
    """Return the :func:`windows` of all ``texts``, in order; those without a word are left out."""
    return [window for text in texts for window in windows(text, size) if WORD.search(window)]
