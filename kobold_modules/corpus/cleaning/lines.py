"""Questions about one line that several rules ask: does a sentence end here, does one run on, how deep is it indented.

They are answered in one place so that the rules agree with each other on what a sentence's end looks like.
"""

from __future__ import annotations

import re
from functools import cached_property


BREAK = "* * *"  # the one scene break that cleaned text knows

_CLOSERS = "\"'”’»)]*_"
_HYPHENATED = re.compile(r"([^\W\d_]+)-$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")


def ends_sentence(line: str) -> bool:
    """Return whether a paragraph could end here: full stop, question, colon, or a dash before a closing quote."""
    core = line.rstrip().rstrip(_CLOSERS)
    if not core:
        return True
    if core[-1] in ".!?…:。！？":
        return True
    return len(core) < len(line.rstrip()) and core[-1] in "—-"


def first_letter(line: str) -> str:
    """Return the first letter or digit of the line, or an empty string."""
    return next((character for character in line if character.isalnum()), "")


def starts_low(line: str) -> bool:
    """Return whether the line begins in lower case, as one does that carries a sentence on."""
    return first_letter(line).islower()


def indent(line: str) -> int:
    """Count leading spaces."""
    return len(line) - len(line.lstrip(" "))


class Vocabulary:
    """The lower-case words of a text, gathered when first asked for: most texts have no cut word to ask about."""

    _WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
    _CUT = re.compile(r"([^\W\d_]+)-\n\s*([^\W\d_]+)")

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def words(self) -> frozenset[str]:
        """All words that stand whole on a line, compounds as one."""
        return frozenset(self._WORD.findall(self._CUT.sub(" ", self._text).lower()))

    @cached_property
    def cuts_words(self) -> bool:
        """True if lines end in cut words at all, and not just where a compound's hyphen happened to stand."""
        pairs = [(left.lower(), right.lower()) for left, right in self._CUT.findall(self._text)]
        whole = sum(left + right in self.words for left, right in pairs)
        compounds = sum(f"{left}-{right}" in self.words for left, right in pairs)
        return whole > 2 * compounds


def joined(first: str, second: str, vocabulary: Vocabulary) -> str:
    """Join two lines of one sentence into one line.

    A hyphen at the end of a line is either a word cut by the typesetter ("some-/thing") or a compound that happened to
    stand there ("drawing-/room"). The text itself is asked which of the two it writes elsewhere; where it writes
    neither, the habit of the file decides.
    """
    first, second = first.rstrip(), second.lstrip()
    if not first or not second:
        return first or second
    if first.endswith(("—", "--")) and not first.endswith((" —", " --")):
        return first + second
    head, tail = _HYPHENATED.search(first), _FIRST_WORD.match(second)
    if not head or not tail:
        return f"{first} {second}"
    left, right = head.group(1).lower(), tail.group().lower()
    compound = f"{left}-{right}" in vocabulary.words or not tail.group()[0].islower()
    return first + second if compound or not vocabulary.cuts_words else first[:-1] + second
