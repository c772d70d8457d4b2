"""Stretches of the writer's own pages that could be a phrase, and other stretches that they are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..evaluation.style.tokens import windows, words


TRIED_ON = 16  # stretches that candidates are tried on
LEAST_TRIED_ON = 3
APART = 1  # stretches between a candidate and what it is tried on: a scene's names are no style
FEWEST = 8  # stretches without which there is nothing to choose from


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole sentences of a page.

    Attributes:
        text: without space around it.
        document: which of the texts it stands in; ``place``: which of that text's stretches it is.
        words: how many.
    """

    text: str
    document: int
    place: int
    words: int


@dataclass(frozen=True, slots=True)
class Material:
    """What a search works on.

    Attributes:
        candidates: what may become a phrase, in the order of the pages.
        tried_on: what a candidate has to predict; no candidate, nor a neighbour of one.
        following: by document and place: the stretch of each place, for passages that go on.
    """

    candidates: tuple[Stretch, ...]
    tried_on: tuple[Stretch, ...]
    following: dict[tuple[int, int], Stretch]


def stretches(texts: Sequence[str], size: int) -> list[Stretch]:
    """Return all stretches of about ``size`` words of ``texts``, in order."""
    return [
        Stretch(found.strip(), document, place, len(words(found)))
        for document, text in enumerate(texts)
        for place, found in enumerate(windows(text, size))
        if words(found)
    ]


def material(texts: Sequence[str], size: int, count: int, seed: int) -> Material:
    """Choose stretches of about ``size`` words to search among, and others to try them on.

    Both are spread over all pages. Where there are fewer than :data:`FEWEST` stretches there are no candidates.

    Args:
        count: candidates, at most.
        seed: draws them.
    """
    every = stretches(texts, size)
    if len(every) < FEWEST:
        return Material((), (), {})
    many = min(TRIED_ON, max(LEAST_TRIED_ON, len(every) // 6))
    step = len(every) / many
    tried_on = [every[int((number + 0.5) * step)] for number in range(many)]
    taken = {(one.document, one.place + off) for one in tried_on for off in range(-APART, APART + 1)}
    free = [one for one in every if (one.document, one.place) not in taken]
    free = free or [one for one in every if one not in tried_on]
    dice = np.random.default_rng(seed)
    order = dice.permutation(len(tried_on))  # the first few are from all parts of the pages, too
    chosen = np.sort(dice.choice(len(free), size=min(count, len(free)), replace=False))
    following = {(one.document, one.place): one for one in every if one not in tried_on}
    return Material(tuple(free[place] for place in chosen), tuple(tried_on[place] for place in order), following)
