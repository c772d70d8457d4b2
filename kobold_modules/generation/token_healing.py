"""Token healing: a text that ends inside a token is gone on with as if it had not been cut there.

A model reads tokens, and most tokens of prose begin with the space before a word. Behind "and " it has never seen a
word, for there the space is used up; behind "the do" it has never seen "or", for "door" is a token of its own. So the
end of such a text is held back, and the first tokens drawn must spell it out again before anything new is shown:

- a space at the end (any white space but a line break) is given to the next token;
- of a word at the end, the tokens that some other token could reach across are drawn again. Where the word as it stands
  is likely enough it stays; otherwise each token that begins with it is taken in proportion to its probability.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .softmax import softmax
from .words import Words


MOST_HELD = 4  # tokens of a word at the end
STAYS = 0.1  # share of the tokens that could stand here, from which on a word stays as the writer left it
LEAST = 0.05  # of the likeliest token's probability: a less likely one does not extend the writer's word
_LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


class TokenPrefixes:
    """Which tokens of a vocabulary begin with given bytes. Made when first asked: it looks at every token once.

    Args:
        size: number of tokens.
        within_words: whether a text may be healed inside a word. Going back by a token means reading all of the text
            again where a model cannot forget the end of it (recurrent ones).
    """

    def __init__(self, words: Words, size: int, within_words: bool = True) -> None:
        self.within_words = within_words
        self._words = words
        self._size = size
        self._by_byte: dict[int, list[tuple[bytes, int]]] = {}  # tokens by their first byte

    def beginning_with(self, text: bytes) -> NDArray[np.int32]:
        """Return the ids of the tokens whose bytes begin with ``text`` (not empty), int32 ``[n]``."""
        if not self._by_byte:
            for token in range(self._size):
                if piece := self._words.piece(token):
                    self._by_byte.setdefault(piece[0], []).append((piece, token))
        near = self._by_byte.get(text[0], [])
        return np.array([token for piece, token in near if piece.startswith(text)], np.int32)

    def spelling(self, text: bytes, own: int) -> NDArray[np.int32]:
        """Return the tokens that may be drawn where ``text`` is still to be spelled out, int32 ``[n]``.

        Those that reach to its end or beyond it, and ``own``, with which the tokenizer itself begins it.
        """
        found = self.beginning_with(text)
        return found if own in found else np.append(found, np.int32(own))


@dataclass(frozen=True, slots=True)
class Boundary:
    """One token held back: ``own`` as the tokenizer spells it, and ``allowed`` (int32 ``[n]``) that may stand there.

    Attributes:
        pending: what is to be spelled out there and behind it.
    """

    own: int
    allowed: NDArray[np.int32]
    pending: bytes

    @property
    def space(self) -> bool:
        """Whether it is white space, and so the word behind it is new."""
        return self.pending.decode("utf-8", "replace").isspace()

    def shares(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return how likely each of ``allowed`` is if it must be one of them, float64 ``[n]``."""
        return softmax(logits[self.allowed])


def boundary(held: tuple[int, ...], words: Words, prefixes: TokenPrefixes) -> list[Boundary]:
    """Return ``held``, token by token."""
    found = []
    for at, own in enumerate(held):
        pending = _spelled(list(held[at:]), words)
        found.append(Boundary(own, prefixes.spelling(pending, own), pending))
    return found


def hold_back(text: str, tokens: list[int], words: Words, prefixes: TokenPrefixes) -> tuple[list[int], list[int]]:
    """Split ``tokens``, those of ``text``, into what is read and what is to be spelled out again by the first draws.

    The second part is empty where the text ends at a clean boundary. Only the end of ``text`` need be in ``tokens``.
    """
    if not text:
        return tokens, []
    if text[-1].isspace() and text[-1] not in _LINE_BREAKS:
        kept, held = words.tokenize(text[:-1])[-len(tokens) :], words.tokenize(text[-1])
        return (kept, held) if _spelled(held, words) == text[-1].encode() else (tokens, [])
    if not _letter(text[-1]) or not prefixes.within_words:
        return tokens, []
    count = _tokens_of_last_word(text, tokens, words)
    while count:  # what no other token reaches across needs no second draw
        own = tokens[-count]
        if len(prefixes.spelling(_spelled(tokens[-count:], words), own)) > 1:
            return tokens[:-count], tokens[-count:]
        count -= 1
    return tokens, []


def draw_again(
    logits: NDArray[np.float32],
    held: Boundary,
    without: Collection[int],
    temperature: float,
    seed: tuple[int, ...],
) -> int:
    """Draw a token where a word of the writer's is ``held`` back, its own or one that goes beyond it.

    The writer's own word is neither repetition nor too obvious, so none of the samplers has a say, only the model's
    probabilities, sharpened by a ``temperature`` below 1. A pure function: the same ``seed`` gives the same token.
    """
    chances = held.shares(logits)
    own = held.allowed == held.own
    if chances[own][0] >= STAYS:
        return held.own
    left = own | ((chances >= LEAST * chances.max()) & ~np.isin(held.allowed, list(without)))
    tokens, chances = held.allowed[left], chances[left]
    if temperature <= 0:
        return int(tokens[int(chances.argmax())])
    bounds = np.cumsum((chances / chances.max()) ** (1 / min(temperature, 1.0)))
    drawn = np.random.default_rng(seed).random() * bounds[-1]
    return int(tokens[min(int(np.searchsorted(bounds, drawn, "right")), len(tokens) - 1)])


def _tokens_of_last_word(text: str, tokens: list[int], words: Words) -> int:
    """Count the tokens of the word at the end of ``text``, the space before it among them; 0 if unsure."""
    start = len(text)
    while start and _letter(text[start - 1]):
        start -= 1
    if start and text[start - 1] == " ":
        start -= 1
    room = len(text[start:].encode("utf-8", "replace"))
    count = length = 0
    while count < min(MOST_HELD, len(tokens)):
        length += len(words.piece(tokens[-count - 1]))
        if count and length > room:  # it begins before the word; the last token is looked at in any case
            break
        count += 1
    ending = _spelled(tokens[-count:], words) if count else b""
    return count if text.encode("utf-8", "replace").endswith(ending) else 0


def _letter(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character)[0] == "M"


def _spelled(tokens: list[int], words: Words) -> bytes:
    return b"".join(words.piece(token) for token in tokens)
