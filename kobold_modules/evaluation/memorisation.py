"""Whether a module recites its training text: a writer must know before sharing it.

Everybody repeats short sequences of words, and an author those of the author's other pages. So what a model wrote is
held against the training text beside pages of the same author that were kept back: only what goes beyond them is called
recited. Sequences of words are compared by 64-bit hashes of every stretch of n words, from prefix sums (Karp and Rabin,
Efficient randomized pattern-matching algorithms, 1987), so a megabyte takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .style.tokens import words


RUN = 8  # words in a row that count as copied
MOST_SHARE = 0.02  # of words in such runs, above what the author's other pages have
LEAST_RUN = 20  # words: a run that long is recited, unless the author's other pages have one nearly as long
TIMES = 1.5  # how much longer than theirs it has to be
SHOWN = 60  # words of the longest run that are kept to be shown
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it can be divided by modulo 2**64
_INVERSE = np.uint64(pow(int(_BASE), -1, 2**64))

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What of a text stands in the training text, too.

    Attributes:
        share: of its words that stand in a run of at least :data:`RUN` words of the training text, 0 to 1.
        held_out_share: the same of the author's pages that were kept back; 0 without them.
        longest_run: words of the longest run.
        longest_text: that run in lower case and without punctuation, its first :data:`SHOWN` words.
        held_out_longest_run: words of the longest run of the pages that were kept back; 0 without them.
        words: how many words were looked at.
        recites: whether this is more than an author repeats.
    """

    share: float
    held_out_share: float
    longest_run: int
    longest_text: str
    held_out_longest_run: int
    words: int
    recites: bool

    @property
    def sentence(self) -> str:
        """What this says, in plain English."""
        if not self.words:
            return "Nothing was written, so nothing could be compared with the training text."
        share = f"{100 * self.share:.1f} % of the words stand in the training text {RUN} or more in a row"
        run = f"the longest run is {self.longest_run} {'word' if self.longest_run == 1 else 'words'}"
        if not self.recites:
            return f"It does not recite its training text: {share}; {run}."
        return f"It recites its training text: {share}; {run}. Read what it writes before you share it."


@dataclass(frozen=True, slots=True)
class Extraction:
    """How far a model goes on with a training page as the page itself does, when it is given the page's beginning.

    Attributes:
        words: copied before the first difference, mean over passages.
        longest: the most words of one passage.
        share: of the passages copied for at least :data:`RUN` words.
        passages: how many were tried.
    """

    words: float
    longest: int
    share: float
    passages: int


def overlap(generated: Sequence[str], training: Sequence[str], held_out: Sequence[str] = ()) -> Overlap:
    """Return what of ``generated`` stands word for word in ``training``, beside what of ``held_out`` does.

    Args:
        generated: what the model wrote, without what it was given to go on with. It recites most where it takes the
            likeliest word each time, behind beginnings of training pages: let some of this be such texts.
        training: the pages it was trained on.
        held_out: other pages of the same author; without them the bounds are those of any author.
    """
    numbers: dict[str, int] = {}
    dice = np.random.default_rng(0)
    known = _numbered(training, numbers)
    texts = [_numbered(generated, numbers), _numbered(held_out, numbers)]
    codes = dice.integers(1, 2**63, size=len(numbers) + 1, dtype=np.uint64)
    learned = _Stretches(known, codes, dice)
    written, other = (_Stretches(text, codes, dice) for text in texts)
    share, longest, at = _copied(written, learned)
    usual, usual_longest, _ = _copied(other, learned)
    by_number, running = list(numbers), texts[0]
    text = " ".join(by_number[number] for number in running[at : at + min(longest, SHOWN)])
    recites = share > usual + MOST_SHARE or longest >= max(LEAST_RUN, TIMES * usual_longest)
    return Overlap(share, usual, longest, text, usual_longest, written.words, bool(recites))


def extraction(passages: Sequence[tuple[str, str]]) -> Extraction:
    """Return how far continuations follow the pages they continue.

    Args:
        passages: ``(how the page goes on, how the model went on)``, both behind the same beginning.
    """
    copied = [_common_start(words(true), words(written)) for true, written in passages]
    if not copied:
        return Extraction(0.0, 0, 0.0, 0)
    return Extraction(
        sum(copied) / len(copied), max(copied), sum(length >= RUN for length in copied) / len(copied), len(copied)
    )


def _common_start(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many words two texts have in common from their beginning."""
    for place, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return place
    return min(len(left), len(right))


def _numbered(texts: Sequence[str], numbers: dict[str, int]) -> NDArray[np.int64]:
    """Return the numbers of the words of ``texts``, new words added to ``numbers``; -1 stands after each text."""
    found: list[int] = []
    for text in texts:
        found += [numbers.setdefault(word, len(numbers)) for word in words(text)]
        found.append(-1)
    return np.array(found, np.int64)


class _Stretches:
    """Hashes of every stretch of n words of numbered texts, for any n."""

    def __init__(self, running: NDArray[np.int64], codes: Hashes, dice: np.random.Generator) -> None:
        """Prepare ``running`` ``[words]``; ``codes`` gives each number 64 random bits, an end of a text new ones."""
        ends = running < 0
        values = codes[np.maximum(running, 0)]
        values[ends] = dice.integers(1, 2**63, size=int(ends.sum()), dtype=np.uint64)  # no run goes over an end
        self.count, self.words = len(running), int((~ends).sum())
        # h(i, n) = sum_j x[i + j] B^-j = (S[i + n] - S[i]) B^i with S[i] = sum_{j < i} x[j] B^-j, all modulo 2^64
        shrinking = np.cumprod(np.concatenate([[np.uint64(1)], np.full(max(0, self.count - 1), _INVERSE)]))
        self._sums = np.concatenate([[np.uint64(0)], np.cumsum(values * shrinking[: self.count], dtype=np.uint64)])
        self._powers = np.cumprod(np.concatenate([[np.uint64(1)], np.full(self.count, _BASE)]))

    def hashes(self, length: int) -> Hashes:
        """Return the hash of the stretch of ``length`` words from each place on, uint64 ``[count - length + 1]``."""
        if length > self.count:
            return np.zeros(0, np.uint64)
        places = self.count - length + 1
        found: Hashes = (self._sums[length:] - self._sums[:places]) * self._powers[:places]
        return found


def _copied(text: _Stretches, learned: _Stretches) -> tuple[float, int, int]:
    """Return the share of words in copied runs, and length and place of the longest run of any length."""
    covered = np.zeros(text.count + 1, np.int64)
    hits = _hits(text, learned, RUN)
    np.add.at(covered, hits, 1)
    np.subtract.at(covered, hits + RUN, 1)
    share = float((np.cumsum(covered) > 0).sum() / max(1, text.words))
    low, place = (RUN, int(hits[0])) if len(hits) else (0, 0)
    high = text.count if len(hits) else min(text.count, RUN - 1)
    while low < high:  # a run of n words holds one of n - 1: the longest is found by halving
        middle = (low + high + 1) // 2
        found = _hits(text, learned, middle)
        if len(found):
            low, place = middle, int(found[0])
        else:
            high = middle - 1
    return share, low, place


def _hits(text: _Stretches, learned: _Stretches, length: int) -> NDArray[np.int64]:
    """Return the places of ``text`` from which ``length`` words stand in ``learned``, sorted."""
    looked_for, inverse = np.unique(text.hashes(length), return_inverse=True)
    known = learned.hashes(length)
    if not len(looked_for) or not len(known):
        return np.zeros(0, np.int64)
    there = np.minimum(np.searchsorted(looked_for, known), len(looked_for) - 1)
    found = np.zeros(len(looked_for), bool)
    found[there[looked_for[there] == known]] = True
    return np.flatnonzero(found[inverse])
