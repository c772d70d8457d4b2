"""From a model's bytes to text a person may see.

A token may end in the middle of a letter (an accent, an emoji), a stop string may begin at the end of one token and be
completed by the next, and a banned string must not be seen at all: text is held back until it is clear what it is. With
banned strings it is held back by whole tokens, for a token that began a banned string is taken back with all its text.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from .banned_strings import Wildcard, parse


@dataclass(frozen=True, slots=True)
class _Mark:
    """The stream as it was before a token: what :meth:`TextStream.feed` needs to undo it."""

    start: int  # characters of our own text before the token
    letters: tuple[bytes, int]
    held: str
    given: int
    shown: int


class TextStream:
    """Bytes of one token at a time in, text out.

    When :meth:`feed` returns ``True`` a stop string was met, and nothing may follow.

    Args:
        banned: strings that must not appear, in any case; straight and curly quotes count as the same. They may have
            wildcards (see banned_strings).
        before: the text that is continued; a banned string may begin in it.

    Attributes:
        undone: how many tokens the last :meth:`feed` took back, the newest included: more than 0 if it completed a
            banned string.
        pending: how many of the latest tokens may still be taken back (0 without banned strings).
    """

    def __init__(self, stop: tuple[str, ...] = (), banned: tuple[str, ...] = (), before: str = "") -> None:
        self._letters = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(word for word in stop if word)
        parsed = [parse(_fold(word)) for word in banned if word]
        self._banned = tuple(word for word in parsed if isinstance(word, str))
        self._wild = tuple(word for word in parsed if isinstance(word, Wildcard))
        self._bans = bool(parsed)
        self._stop_beginnings = _beginnings(self._stop)
        self._banned_beginnings = _beginnings(self._banned)
        longest = max([*map(len, self._banned), *(word.longest for word in self._wild)], default=1)
        before = before[len(before) - min(len(before), longest - 1) :]
        doubtful = self._banned_begun(_fold(before))
        self._held = before[len(before) - doubtful :]
        self._given = len(self._held)  # characters at the beginning of _held that are seen already
        self._shown = 0  # characters of our own that were handed out
        self._marks: list[_Mark] = []
        self.undone = 0

    @property
    def pending(self) -> int:
        return len(self._marks)

    def feed(self, data: bytes) -> tuple[str, bool]:
        """Return the text that is certain now, and whether a stop string was met (its text is not part of it)."""
        if not self._stop and not self._bans:  # nothing to wait for; this is paid for every token
            return self._letters.decode(data), False
        if self._bans:
            self._marks.append(_Mark(self._own, self._letters.getstate(), self._held, self._given, self._shown))
        self.undone = 0
        self._held += self._letters.decode(data)
        stops = [at for word in self._stop if (at := self._held.find(word, self._given)) >= 0]
        folded = _fold(self._held) if self._bans else ""
        # From where a string must begin to end in our own text: what stood there before is the writer's.
        bans = [at for word in self._banned if (at := folded.find(word, max(0, self._given - len(word) + 1))) >= 0]
        bans += [at for word in self._wild if (at := word.find(folded, self._given)) >= 0]
        if bans and not (stops and min(stops) <= min(bans)):
            self._undo(self._shown + max(0, min(bans) - self._given))
            return "", False
        if stops:
            text = self._take(min(stops))
            self._held, self._given, self._marks = "", 0, []
            return text, True
        certain = len(self._held) - self._doubtful_of(self._held, self._stop_beginnings)
        if self._bans:
            doubt = len(folded) - self._banned_begun(folded)
            certain = min(certain, self._token_boundary(doubt))
        return self._take(certain), False

    def finish(self) -> str:
        """Return the text that was held back for a string that never came. Half a letter is dropped."""
        text = self._held[self._given :]
        self._held, self._given, self._marks = "", 0, []
        return text

    @property
    def _own(self) -> int:
        """Characters of our own so far."""
        return self._shown + len(self._held) - self._given

    def _take(self, count: int) -> str:
        """Hand out the first ``count`` held characters, but for those that are not ours."""
        text, given = self._held[:count][self._given :], min(self._given, count)
        self._held, self._given = self._held[count:], self._given - given
        self._shown += len(text)
        # A mark whose successor begins no later than what is certain can never be gone back to.
        while len(self._marks) > 1 and self._marks[1].start <= self._shown:
            del self._marks[0]
        if not self._held and not self._letters.getstate()[0]:
            self._marks.clear()
        return text

    def _token_boundary(self, at: int) -> int:
        """Move ``at``, an index into the held text, back to where the token that holds it begins."""
        if at >= len(self._held):
            return at
        own = self._shown + max(0, at - self._given)
        start = max((mark.start for mark in self._marks if mark.start <= own), default=self._shown)
        return min(at, start - self._shown + self._given)

    def _undo(self, own: int) -> None:
        """Take back the token in which our character ``own`` stands, and all after it."""
        index = max((i for i, mark in enumerate(self._marks) if mark.start <= own), default=0)
        mark = self._marks[index]
        self.undone = len(self._marks) - index
        self._letters.setstate(mark.letters)
        # What was shown since then stays: like the text before ours, a banned string may begin in it.
        self._held, self._given = mark.held, mark.given + self._shown - mark.shown
        del self._marks[index:]

    def _banned_begun(self, folded: str) -> int:
        """Return the length of the longest end of ``folded`` with which a banned string may have begun."""
        literal = self._doubtful_of(folded, self._banned_beginnings)
        return max([literal, *(word.doubtful(folded) for word in self._wild)])

    @staticmethod
    def _doubtful_of(text: str, beginnings: tuple[frozenset[str], int]) -> int:
        """Return the length of the longest end of ``text`` with which one of the strings begins."""
        known, longest = beginnings
        for length in range(min(longest, len(text)), 0, -1):
            if text[len(text) - length :] in known:
                return length
        return 0


def _beginnings(words: Iterable[str]) -> tuple[frozenset[str], int]:
    """Return every way in which one of ``words`` may have begun but not ended, and the longest one's length."""
    found = frozenset(word[:length] for word in words for length in range(1, len(word)))
    return found, max(map(len, found), default=0)


_QUOTES = str.maketrans("’‘“”", "''\"\"")


def _fold(text: str) -> str:
    """Fold ``text`` to lower case and straight quotes, letter by letter, so that places in it stay where they are."""
    text = text.translate(_QUOTES)
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
