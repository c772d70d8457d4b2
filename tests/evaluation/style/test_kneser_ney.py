"""Kneser-Ney in arrays: a distribution, and the same numbers as the formula word by word and as the package lambdag."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from kobold_modules.evaluation.style.kneser_ney import DISCOUNT, FIRST_WORD, KneserNey, padded


WORDS = list("abcdef")
NUMBERS = {word: number for number, word in enumerate(WORDS, start=FIRST_WORD)}


def sentences(count: int, seed: int, words: Sequence[str] = WORDS) -> list[list[str]]:
    dice = random.Random(seed)
    weights = range(len(words), 0, -1)
    return [dice.choices(words, weights, k=dice.randint(1, 9)) for _ in range(count)]


def numbered(lines: Sequence[Sequence[str]], order: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return padded([[NUMBERS[word] for word in line] for line in lines], order)


def literal(learned: list[list[str]], line: list[str], order: int, vocabulary: int) -> list[float]:
    """Compute the formula of the docstring with sets and counters, one word after another."""
    grams = [Counter[tuple[str, ...]]() for _ in range(order + 1)]
    for sentence in learned:
        full = ["<s>"] * order + sentence + ["</s>"]
        for end in range(order, len(full)):
            for size in range(1, order + 1):
                grams[size][tuple(full[end + 1 - size : end + 1])] += 1
    known = [set(counts) for counts in grams]

    def before(gram: tuple[str, ...]) -> int:  # N1+(.gram)
        return sum(longer[1:] == gram for longer in known[len(gram) + 1])

    def behind(context: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [gram for gram in known[len(context) + 1] if gram[:-1] == context]

    def probability(word: str, context: tuple[str, ...], highest: bool) -> float:
        shorter = probability(word, context[1:], False) if context else 1 / vocabulary
        followers = behind(context)
        if not followers:
            return shorter
        count = (lambda gram: grams[len(gram)][gram]) if highest else before
        total = sum(count(gram) for gram in followers)
        mine = count((*context, word)) if (*context, word) in followers else 0
        return max(mine - DISCOUNT, 0) / total + DISCOUNT * len(followers) / total * shorter

    full = ["<s>"] * order + line + ["</s>"]
    return [probability(full[end], tuple(full[end + 1 - order : end]), True) for end in range(order, len(full))]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_is_the_formula(order: int) -> None:
    learned, judged = sentences(30, seed=1), sentences(5, seed=2)
    vocabulary = len(WORDS) + 2
    model = KneserNey(numbered(learned, order), order, vocabulary)

    expected = [p for line in judged for p in literal(learned, line, order, vocabulary)]

    assert model.probabilities(numbered(judged, order)) == pytest.approx(expected)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_probabilities_of_all_next_words_add_up_to_one(order: int) -> None:
    vocabulary = len(WORDS) + 2  # and the end, and the unknown word
    model = KneserNey(numbered(sentences(40, seed=3), order), order, vocabulary)
    unknown = FIRST_WORD + len(WORDS)
    total = 0.0
    for word in [*NUMBERS.values(), unknown]:
        total += model.probabilities(padded([[NUMBERS["a"], NUMBERS["b"], word]], order))[2]
    total += model.probabilities(padded([[NUMBERS["a"], NUMBERS["b"]]], order))[2]

    assert total == pytest.approx(1.0)


@pytest.mark.parametrize("order", [2, 3, 10])
def test_it_is_the_model_of_the_package_lambdag(order: int) -> None:
    language_models = pytest.importorskip("lambdag.language_models", reason="the package lambdag is not installed")
    learned, judged = sentences(60, seed=4, words=WORDS[:5]), sentences(12, seed=5)  # f is unknown to it
    theirs = language_models.KneserNeyLanguageModel(discount=DISCOUNT, order=order)
    for line in learned:
        theirs.fit(line)
    ours = KneserNey(numbered(learned, order), order, theirs.voc_size)

    expected = [p for line in judged for p in theirs.probabilities(line)]

    assert ours.probabilities(numbered(judged, order)) == pytest.approx(expected)


def test_nothing_learned_makes_every_word_alike() -> None:
    model = KneserNey(padded([], 3), 3, vocabulary=10)

    assert model.probabilities(padded([[5, 6]], 3)) == pytest.approx([0.1, 0.1, 0.1])
