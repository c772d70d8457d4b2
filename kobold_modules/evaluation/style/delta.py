"""Cosine Delta: how differently two texts use function words.

Burrows ("Delta": a measure of stylistic difference and a guide to likely authorship, Literary and Linguistic Computing
17, 2002) compares z-scores of the most frequent words; Smith and Aldridge (Improving authorship attribution: optimizing
Burrows' Delta method, Journal of Quantitative Linguistics 18, 2011) take the angle between them; Evert and others
(Understanding and explaining Delta measures for authorship attribution, Digital Scholarship in the Humanities 32, 2017)
show why that is the better distance: the length of the vector tells how far from average a text is, not whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from .function_words import choose_function_words
from .measure import Floats, cosine, relative
from .tokens import words
from .z_scores import ZScores, documents


COMMONEST = 250  # function words that are compared: rarer ones are all chance in a few pages


def word_counts(texts: Sequence[str], vocabulary: Sequence[str]) -> Floats:
    """Return how often each word of ``vocabulary`` stands in each text, and all its words: ``[texts, n + 1]``."""
    places = {word: place for place, word in enumerate(vocabulary)}
    counted = np.zeros((len(texts), len(vocabulary) + 1))
    for row, text in enumerate(texts):
        running = words(text)
        found = [places[word] for word in running if word in places]
        counted[row, :-1] = np.bincount(found, minlength=len(vocabulary)) if found else 0
        counted[row, -1] = len(running)
    return counted


def _shares(counted: Floats) -> Floats:
    return relative(counted[..., :-1], counted[..., -1])


class Delta:
    """The distance of a text from an author by function words: 0 is the same use, 1 is none in common, 2 the opposite.

    Attributes:
        vocabulary: the words that are compared.
    """

    name = "delta"
    label = "function words"
    unit = "cosine Delta"
    nearer: Literal["lower", "higher"] = "lower"

    def __init__(self, author: Sequence[str], others: Mapping[str, Sequence[str]]) -> None:
        """Fit to windows of the author and of others; with no others there is no scale, and every distance is 1."""
        texts = [found for found in (author, *others.values()) if found]
        candidates = choose_function_words([word for found in texts for text in found for word in words(text)])
        counted = [documents(word_counts(found, candidates)) for found in texts]
        # The commonest of them, authors weighing alike, however many pages there are of each.
        shares = np.array([_shares(rows.sum(0)) for rows in counted]).reshape(-1, len(candidates))
        kept = np.sort(np.argsort(-shares.sum(0), kind="stable")[:COMMONEST])
        self.vocabulary = tuple(candidates[place] for place in kept)
        self._z = ZScores.of([_shares(rows)[:, kept] for rows in counted] or [np.zeros((1, 0))])
        self._author = self._z(_shares(word_counts(author, self.vocabulary).sum(0)))

    def features(self, windows: Sequence[str], author: str | None = None) -> Floats:
        """Return counts of the function words, and of all words: ``[windows, words + 1]``."""
        return word_counts(windows, self.vocabulary)

    def score(self, counted: Floats) -> Floats:
        """Return the cosine Delta to the author."""
        # Delta = 1 - cos(z(text), z(author)),  z_i = (f_i - mean_i) / deviation_i,  f_i the share of word i
        distance = 1 - cosine(self._z(_shares(counted)), self._author)
        return np.where(counted[..., -1] > 0, distance, np.nan)
