"""Whether a text has a key in it: a plain word or phrase, or a ``/pattern/flags`` as JavaScript writes it.

As in SillyTavern a plain key is found whatever its case, and a key of one word only as a whole word, unless the entry
says otherwise; a phrase of several words is found anywhere. Scripts without spaces between words have no whole words.
A pattern pays no attention to either. Patterns come from strangers, so each has a time limit.
"""

from __future__ import annotations

from functools import lru_cache

import regex

from .book import Entry


SECONDS = 0.05  # a pattern that takes longer is none: see `TooSlow`
MOST_PATTERN = 2_000
_FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}
_KNOWN_FLAGS = frozenset("dgimsuvy")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]")
_NO_SPACES = regex.compile(
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}"
    r"\p{Script=Myanmar}]"
)
_CODE_POINT = regex.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}")


class TooSlow(Exception):
    """A pattern took more than ``SECONDS`` on a text; the message is the key."""


def found(key: str, text: str, entry: Entry, *, case_sensitive: bool = False, whole_words: bool = True) -> bool:
    """Return whether ``key`` of ``entry`` is in ``text``; the switches hold where the entry has none of its own.

    Raises TooSlow for a pattern that takes too long.
    """
    key = key.strip()
    if not key:
        return False
    if entry.joined and " & " in key:
        switches = {"case_sensitive": case_sensitive, "whole_words": whole_words}
        return all(found(side, text, entry, **switches) for side in key.split(" & "))
    if (pattern := pattern_of(key, entry.patterns)) is not None:
        try:
            return pattern.search(text, timeout=SECONDS) is not None
        except TimeoutError as error:
            raise TooSlow(key) from error
    if not (case_sensitive if entry.case_sensitive is None else entry.case_sensitive):
        key, text = key.casefold(), _folded(text)
    whole = whole_words if entry.whole_words is None else entry.whole_words
    if not whole or len(key.split()) > 1:
        return key in text
    return _whole_word(key, text)


@lru_cache(maxsize=16)
def _folded(text: str) -> str:
    """Return ``text`` without regard to case, once for the thousands of keys that are looked for in it."""
    return text.casefold()


@lru_cache(maxsize=4096)
def pattern_of(key: str, bare: bool = False) -> regex.Pattern[str] | None:
    """Return the pattern that ``key`` is, or None where it is a plain key; with ``bare`` it needs no slashes.

    A pattern that cannot be understood is a plain key, as it is in SillyTavern.
    """
    source, flags = _parts(key)
    if source is None and bare:
        source, flags = key, ""
    if source is None or len(source) > MOST_PATTERN:
        return None
    options = 0
    for flag in flags:
        options |= _FLAGS.get(flag, 0)
    try:
        return regex.compile(_translated(source), options)
    except (regex.error, ValueError, OverflowError, RecursionError):
        return None


def _parts(key: str) -> tuple[str | None, str]:
    """Return what stands between the slashes, and the flags behind them. A slash inside must be escaped."""
    if len(key) < 3 or not key.startswith("/"):
        return None, ""
    source, slash, flags = key[1:].rpartition("/")
    if not slash or not source or not _KNOWN_FLAGS.issuperset(flags) or len(set(flags)) < len(flags):
        return None, ""
    bare = source.replace("\\\\", "")
    if bare.replace("\\/", "").count("/"):
        return None, ""
    return source, flags


def _translated(source: str) -> str:
    r"""Return JavaScript's ``[^]`` (any character), ``\/`` and ``\u{1F600}`` as Python writes them."""
    source = source.replace("[^]", r"[\s\S]").replace("\\/", "/")
    return str(_CODE_POINT.sub(lambda match: regex.escape(chr(int(match[1], 16))), source))


def _whole_word(key: str, text: str) -> bool:
    before = bool(_WORD.match(key[0])) and not _NO_SPACES.match(key[0])
    after = bool(_WORD.match(key[-1])) and not _NO_SPACES.match(key[-1])
    at = text.find(key)
    while at >= 0:
        end = at + len(key)
        inside = (before and at > 0 and _WORD.match(text[at - 1])) or (
            after and end < len(text) and _WORD.match(text[end])
        )
        if not inside:
            return True
        at = text.find(key, at + 1)
    return False
