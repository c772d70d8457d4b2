"""Which questions are kept apart: whole facts, so that no other wording of a question is trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ...self_study.example import Example
from .recipe import FEWEST_FACTS, HELD_OUT, MOST_FACTS


# In this order, where the lore has questions of a kind at all: by rule there are none in a language but English.
ASKED = (("question", "relation"), ("statement",), ("continuation", "summary", "dialogue"), ("recitation",))


def kept_apart(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Return the examples to train on, and questions to measure with, one of each fact that is kept apart.

    A fact is what the same answer about the same entries says. Where nothing but recitations can be asked about, they
    are measured and trained on, for there is nothing else.
    """
    for kinds in ASKED:
        facts: defaultdict[tuple[tuple[str, ...], str], list[Example]] = defaultdict(list)
        for example in examples:
            if example.kind in kinds:
                facts[_fact(example)].append(example)
        if len(facts) >= 2:
            break
    chance = np.random.default_rng([seed, 41])
    count = int(min(MOST_FACTS, max(FEWEST_FACTS, HELD_OUT * len(facts)), max(1, len(facts) // 2)))
    names = sorted(facts)
    chosen = {names[int(i)] for i in chance.permutation(len(names))[:count]}
    apart = [_plainest(facts[name]) for name in names if name in chosen]
    if kinds == ("recitation",):
        return list(examples), apart
    return [example for example in examples if _fact(example) not in chosen], apart


def _fact(example: Example) -> tuple[tuple[str, ...], str]:
    return example.entries, example.answer.strip(" \n“”\"'.").casefold()


def _plainest(same: Sequence[Example]) -> Example:
    """Return the example of a fact that a person can read: not in a chat template, the shortest prompt."""
    return min(same, key=lambda each: (each.special, len(each.prompt), each.prompt))
