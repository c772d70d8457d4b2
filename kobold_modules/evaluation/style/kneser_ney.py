"""N-gram language models with interpolated Kneser-Ney smoothing, in arrays.

Kneser and Ney (Improved backing-off for m-gram language modeling, ICASSP 1995) in the interpolated form of Chen and
Goodman (An empirical study of smoothing techniques for language modeling, 1998, section 2.7). With V the vocabulary, D
the discount, g a context, N1+(a.) the number of different words after a and N1+(.a) before it:

    P(w|g)  = max(c(gw) - D, 0) / c(g)           + D N1+(g.) / c(g)    P*(w|g')     at the highest order
    P*(w|g) = max(N1+(.gw) - D, 0) / N1+(.g.)    + D N1+(g.) / N1+(.g.) P*(w|g')    below it
    P*(w|)  = max(N1+(.w) - D, 0) / N1+(..)      + D N1+(.) / N1+(..)   1/V

g' is g without its first word; a context that was never seen is passed over. A sentence stands behind as many starts as
a context is long, and before one end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


Ints = NDArray[np.int64]
START, END, UNKNOWN = 0, 1, 2  # numbers of tokens that are no word
FIRST_WORD = 3
DISCOUNT = 0.75


@dataclass(frozen=True, slots=True)
class _Order:
    """N-grams of one length.

    Attributes:
        keys: int64 ``[n-grams]``, sorted: number of the context times the vocabulary plus the number of the last token.
        counts: float64 ``[n-grams]``: how often each was seen, or after how many different words.
        totals, followers: float64 ``[contexts]``: the sum of ``counts`` behind a context, and how many they are.
    """

    keys: Ints
    counts: NDArray[np.float64]
    totals: NDArray[np.float64]
    followers: NDArray[np.float64]


class KneserNey:
    """A model of sequences of token numbers; make it with :func:`padded` sequences."""

    def __init__(self, sentences: Ints, order: int, vocabulary: int, discount: float = DISCOUNT) -> None:
        """Count the n-grams of up to ``order`` tokens.

        Args:
            sentences: int64 ``[tokens]``, from :func:`padded` with the same ``order``.
            vocabulary: how many different tokens can be scored, the end and the unknown one among them.
        """
        self.order, self.vocabulary, self.discount = order, vocabulary, discount
        self._base = int(sentences.max(initial=FIRST_WORD)) + 1  # what a key is counted in
        scored = np.flatnonzero(sentences != START)
        grams, firsts = [np.zeros(len(sentences), np.int64)], []  # number of the n-gram that ends at each place
        keys_of: list[Ints] = []
        counts_of: list[Ints] = []
        for _ in range(order):
            keys = grams[-1][scored - 1] * self._base + sentences[scored]
            unique, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
            numbers = np.full(len(sentences), len(unique), np.int64)  # a run of starts has the number after the last
            numbers[scored] = inverse
            keys_of.append(unique)
            counts_of.append(counts)
            firsts.append(scored[first])
            grams.append(numbers)
        self._orders: list[_Order] = []
        for size in range(1, order + 1):
            keys, counts = keys_of[size - 1], counts_of[size - 1]
            if size < order:  # one for each different word before it: each different longer n-gram has one
                counts = np.bincount(grams[size][firsts[size]], minlength=len(keys))[: len(keys)]
            contexts = keys // self._base
            many = 1 if size == 1 else len(keys_of[size - 2]) + 1
            totals = np.bincount(contexts, weights=counts, minlength=many).astype(np.float64)
            followers = np.bincount(contexts, minlength=many).astype(np.float64)
            self._orders.append(_Order(keys, counts.astype(np.float64), totals, followers))

    def probabilities(self, sentences: Ints) -> NDArray[np.float64]:
        """Return the probability of each token but the starts, float64 ``[scored]``, in order.

        Args:
            sentences: int64 ``[tokens]``, from :func:`padded` with this model's order. Numbers that the model has not
                seen count as unknown.
        """
        scored = np.flatnonzero(sentences != START)
        last = np.minimum(sentences[scored], self._base - 1)
        seen_last = sentences[scored] < self._base
        found = np.full(len(scored), 1 / self.vocabulary)
        ends = np.zeros(len(sentences), np.int64)  # number of the context that ends at each place, -1 for never seen
        for level in self._orders:
            context = ends[scored - 1]
            safe = np.maximum(context, 0)
            total = level.totals[safe] * (context >= 0) if len(level.totals) else np.zeros(len(scored))
            keys = safe * self._base + last
            place = np.minimum(np.searchsorted(level.keys, keys), max(0, len(level.keys) - 1))
            hit = (context >= 0) & seen_last
            hit &= level.keys[place] == keys if len(level.keys) else False
            count = np.where(hit, level.counts[place] if len(level.counts) else 0.0, 0.0)
            known = total > 0
            divisor = np.where(known, total, 1.0)
            mixed = np.maximum(count - self.discount, 0) / divisor
            mixed += self.discount * level.followers[safe] / divisor * found
            found = np.where(known, mixed, found)
            numbers = np.full(len(sentences), len(level.keys), np.int64)
            numbers[scored] = np.where(hit, place, -1)
            ends = numbers
        return found


def padded(sentences: Sequence[Sequence[int]], order: int) -> Ints:
    """Return ``sentences`` one after another, int64 ``[tokens]``, each behind ``order`` starts and before an end."""
    starts = [START] * order
    return np.array([number for sentence in sentences for number in (*starts, *sentence, END)], np.int64)
