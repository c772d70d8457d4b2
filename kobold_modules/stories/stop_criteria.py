"""Where a long continuation is to end: after so many words, or when a certain text has been written.

The engine counts tokens and knows stop strings, which never become part of the text. A writer asks for five hundred
words and means whole sentences, or for everything up to and with "THE END"; that is decided here, over the stream of
pieces, so it is the same whichever engine writes and falls the same when a text is written again.
"""

from __future__ import annotations

import re


LONGEST_UNTIL = 1000  # characters
_SENTENCE = re.compile(r"""[.!?…]["'”’»)\]*_]*$""")


class StopCriteria:
    """Feed pieces; what comes back is the text that counts. ``met`` says why nothing more may come, or is empty.

    Args:
        words: go on until so many words are written and the sentence is over; for at most a tenth more words (and
            never fewer than twenty more), should the sentence have no end. None is no limit.
        until: end behind the first of these texts.
    """

    def __init__(self, words: int | None = None, until: tuple[str, ...] = ()) -> None:
        self.met = ""
        self._most = words
        self._until = tuple(text for text in until if text)
        self._tail = ""
        self._whole = 0  # words with a space behind them
        self._in_word = False

    @property
    def words(self) -> int:
        """Words so far, one that may still grow among them."""
        return self._whole + self._in_word

    def feed(self, piece: str) -> str:
        """Return the part of ``piece`` that is still wanted."""
        if self.met:
            return ""
        at = self._until_end(piece)
        for position, character in enumerate(piece if at is None else piece[:at]):
            if not character.isspace():
                self._in_word = True
            elif self._in_word:
                self._in_word = False
                self._whole += 1
                if self._enough(self._tail + piece[:position], character):
                    self.met = "words"
                    return piece[:position]
        self._tail = (self._tail + piece)[-LONGEST_UNTIL:]
        if at is not None:
            self.met = "until"
            return piece[:at]
        return piece

    def _enough(self, before: str, space: str) -> bool:
        if self._most is None or self._whole < self._most:
            return False
        if self._whole >= self._most + max(20, self._most // 10):
            return True
        return space == "\n" or _SENTENCE.search(before[-12:]) is not None

    def _until_end(self, piece: str) -> int | None:
        """Return where in ``piece`` the first of the awaited texts ends."""
        text = self._tail + piece
        ends = [found + len(word) for word in self._until if (found := text.find(word, self._from(word))) >= 0]
        return max(0, min(ends) - len(self._tail)) if ends else None

    def _from(self, word: str) -> int:
        """Return where to search from: what lies wholly in the tail was searched before."""
        return max(0, len(self._tail) - len(word) + 1)


def tokens_for(words: int) -> int:
    """Return how many tokens are enough for ``words`` words of prose in nearly any vocabulary, to a sentence's end."""
    return 4 * (words + max(20, words // 10)) + 64
