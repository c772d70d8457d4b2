"""Character n-grams of three to five letters: endings, little words, spacing and punctuation at once.

Two texts are compared by the cosine of z-scores: how far the share of each n-gram is from what is usual among writers.
The square root of a share is taken first, so that chance weighs alike in frequent and rare ones. Character n-grams are
among the best single features for telling authors apart (Stamatatos, A survey of modern authorship attribution methods,
2009). Names are masked: a hero is in the next chapter, too, and is not style.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import regex
from numpy.typing import NDArray

from .measure import Floats, cosine, relative
from .z_scores import ZScores, documents


SIZES = (3, 4, 5)
MOST = 4_000  # n-grams that are compared: the most frequent of the reference
_BITS = 12  # of a character's number in a key: five of them fit into 64
_NAME = regex.compile(r"(?<=[\p{Ll},;:] )\p{Lu}[\p{L}'’]+")
_SPACES = regex.compile(r"\s+")
NAME = "@"


def plain(text: str) -> str:
    """Return ``text`` in lower case, with single spaces, and words with a capital inside a sentence as ``@``."""
    return f" {_SPACES.sub(' ', _NAME.sub(NAME, text)).strip().lower().replace('’', chr(39))} "


class NGrams:
    """The similarity of a text to an author by character n-grams: 1 is the same, 0 no more than any two writers share.

    With no others to compare with every similarity is 0.
    """

    name = "ngrams"
    label = "letter sequences"
    unit = "cosine of 3 to 5 letters"
    nearer: Literal["lower", "higher"] = "higher"

    def __init__(self, author: Sequence[str], others: Mapping[str, Sequence[str]]) -> None:
        """Fit to windows of the author and of others."""
        texts = [[plain(text) for text in found] for found in (author, *others.values())]
        alphabet = sorted({letter for found in texts for text in found for letter in text})
        self._numbers = {letter: number for number, letter in enumerate(alphabet[: 2**_BITS - 1], start=1)}
        share: dict[int, float] = {}
        for found in texts:
            keys, counts = np.unique(self._keys(" ".join(found)), return_counts=True)
            for key, count in zip(keys.tolist(), (counts / max(1, counts.sum())).tolist(), strict=True):
                share[key] = share.get(key, 0.0) + count
        commonest = sorted(share, key=lambda key: (-share[key], key))[:MOST]
        self._vocabulary = np.array(sorted(commonest), np.uint64)
        counted = [documents(self.features(found)) for found in (author, *others.values()) if found]
        self._z = ZScores.of([_roots(rows) for rows in counted] or [np.zeros((1, 0))])
        self._author = self._z(_roots(self.features(author).sum(0)))

    def _keys(self, text: str) -> NDArray[np.uint64]:
        """Return a number for each n-gram of ``text``: its letters' numbers, 12 bits each."""
        letters = np.array([self._numbers.get(letter, 0) for letter in text], np.uint64)
        keys = []
        for size in SIZES:
            count = len(letters) - size + 1
            if count > 0:
                key = np.zeros(count, np.uint64)
                for place in range(size):
                    key = (key << np.uint64(_BITS)) | letters[place : place + count]
                keys.append(key)
        return np.concatenate(keys) if keys else np.zeros(0, np.uint64)

    def features(self, windows: Sequence[str], author: str | None = None) -> Floats:
        """Return counts of the n-grams that are compared: ``[windows, n-grams]``."""
        counted = np.zeros((len(windows), len(self._vocabulary)))
        if not len(self._vocabulary):
            return counted
        for row, text in enumerate(windows):
            keys = self._keys(plain(text))
            places = np.minimum(np.searchsorted(self._vocabulary, keys), len(self._vocabulary) - 1)
            known = places[self._vocabulary[places] == keys]
            counted[row] = np.bincount(known, minlength=len(self._vocabulary))
        return counted

    def score(self, counted: Floats) -> Floats:
        """Return the cosine to the author."""
        # cos(z(text), z(author)),  z_i = (sqrt(f_i) - mean_i) / deviation_i,  f_i the share of n-gram i
        return np.where(counted.sum(-1) > 0, cosine(self._z(_roots(counted)), self._author), np.nan)


def _roots(counted: Floats) -> Floats:
    return np.sqrt(relative(counted, counted.sum(-1)))
