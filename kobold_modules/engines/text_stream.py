"""From a model's bytes to text a person may see.

A token may end in the middle of a letter (an accent, an emoji), and a stop string may begin at the end of one token and
be completed by the next; both are held back until it is clear what they are.
"""

from __future__ import annotations

import codecs


class TextStream:
    """Feed bytes, get text. Once :meth:`feed` has returned ``True`` a stop string was met and nothing may follow."""

    def __init__(self, stop: tuple[str, ...] = ()) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._stop = tuple(word for word in stop if word)
        self._held = ""

    def feed(self, data: bytes) -> tuple[str, bool]:
        """Text that is certain now, and whether a stop string was met (its text is not part of it)."""
        self._held += self._decode(data)
        met = [at for word in self._stop if (at := self._held.find(word)) >= 0]
        if met:
            text, self._held = self._held[: min(met)], ""
            return text, True
        keep = self._doubtful()
        text, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return text, False

    def finish(self) -> str:
        """What was held back for a stop string that never came. Half a letter is dropped."""
        text, self._held = self._held, ""
        return text

    def _doubtful(self) -> int:
        """Length of the longest end of the held text with which a stop string begins."""
        longest = 0
        for word in self._stop:
            for length in range(min(len(word) - 1, len(self._held)), longest, -1):
                if self._held.endswith(word[:length]):
                    longest = length
                    break
        return longest
