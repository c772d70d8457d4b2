"""Questions about one line that several rules ask: does a sentence end here, does one run on, how deep is it indented.

They are answered in one place so that the rules agree with each other on what a sentence's end looks like.
"""

from __future__ import annotations

import re
from functools import cached_property


BREAK = "* * *"  # the one scene break that cleaned text knows

_CLOSERS = "\"'”’»›)]*_」』）》】〉"
_STOPS = ".!?…:。！？：；．।॥؟۔։"
_HYPHENATED = re.compile(r"([^\W\d_]+)-$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")


def ends_sentence(line: str) -> bool:
    """Return whether a paragraph could end here: full stop, question, colon, or a dash before a closing quote."""
    if line[-1:].isalnum():
        return False
    core = line.rstrip().rstrip(_CLOSERS)
    if not core:
        return True
    if core[-1] in _STOPS:
        return True
    return len(core) < len(line.rstrip()) and core[-1] in "—-"


def first_letter(line: str) -> str:
    """Return the first letter or digit of the line, or an empty string."""
    return next((character for character in line if character.isalnum()), "")


def starts_low(line: str) -> bool:
    """Return whether the line begins in lower case, as one does that carries a sentence on."""
    return first_letter(line).islower()


def continues(line: str) -> bool:
    """Return whether the line may carry a sentence on: it begins in lower case, or its script has no cases."""
    letter = first_letter(line)
    return letter.islower() or (letter.isalpha() and not letter.isupper() and not letter.istitle())


def is_cjk(character: str) -> bool:
    """Return whether Chinese and Japanese set it without spaces: signs, kana, their punctuation. Not for Hangul."""
    return (
        "\u3000" <= character <= "\u30ff"
        or "\u3400" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or ("\uff00" <= character <= "\uffef")
    )


def indent(line: str) -> int:
    """Count leading spaces."""
    return len(line) - len(line.lstrip(" "))


class Vocabulary:
    """The lower-case words of a text, gathered when first asked for: most texts have no cut word to ask about."""

    _WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
    _LEFT, _RIGHT = re.compile(r"([^\W\d_]+)-\Z"), re.compile(r"\s*([^\W\d_]+)")

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def words(self) -> frozenset[str]:
        """All words that stand whole on a line, compounds as one."""
        tokens = set(self._text.lower().split())  # far fewer than there are words
        return frozenset(word for token in tokens for word in self._WORD.findall(token))

    @cached_property
    def cuts_words(self) -> bool:
        """True if lines end in cut words at all, and not just where a compound's hyphen happened to stand."""
        pairs = self._cuts()
        whole = sum(left + right in self.words for left, right in pairs)
        compounds = sum(f"{left}-{right}" in self.words for left, right in pairs)
        return whole > 2 * compounds

    def _cuts(self) -> list[tuple[str, str]]:
        """Return what stands before and behind each hyphen at the end of a line."""
        found: list[tuple[str, str]] = []
        at = self._text.find("-\n")
        while at >= 0:
            left = self._LEFT.search(self._text[max(0, at - 40) : at + 1])
            right = self._RIGHT.match(self._text[at + 1 : at + 80])
            if left and right:
                found.append((left[1].lower(), right[1].lower()))
            at = self._text.find("-\n", at + 1)
        return found


def joined(first: str, second: str, vocabulary: Vocabulary) -> str:
    """Join two lines of one sentence into one; see :func:`glue`."""
    first, second = first.rstrip(), second.lstrip()
    if not first or not second:
        return first or second
    between = glue(first, second, vocabulary)
    return first[:-1] + second if between is None else first + between + second


def glue(first: str, second: str, vocabulary: Vocabulary) -> str | None:
    """Return what to put between two stripped lines of a sentence; None to remove the hyphen at the end of ``first``.

    A hyphen at the end of a line is either a word cut by the typesetter ("some-/thing") or a compound that happened to
    stand there ("drawing-/room"). The text itself is asked which of the two it writes elsewhere; where it writes
    neither, the habit of the file decides. Chinese and Japanese have no spaces.
    """
    last = first[-1]
    if last == "-" or last == "—":
        return _glue_dash(first, second, vocabulary)
    if last > "\u2fff" and is_cjk(last) and (is_cjk(second[0]) or second[0] in '“‘"…—（'):
        return ""
    return "" if second[0] > "\u2fff" and is_cjk(second[0]) and last in '”’"…' else " "


def _glue_dash(first: str, second: str, vocabulary: Vocabulary) -> str | None:
    if first.endswith(("—", "--")):
        return " " if first.endswith((" —", " --")) else ""
    head, tail = _HYPHENATED.search(first[-60:]), _FIRST_WORD.match(second)
    if not head or not tail:
        return " "
    left, right = head.group(1).lower(), tail.group().lower()
    compound = f"{left}-{right}" in vocabulary.words or not tail.group()[0].islower()
    return "" if compound or not vocabulary.cuts_words else None
