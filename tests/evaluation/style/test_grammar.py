"""The likelihood ratio of grammars: what is masked, its sign, and the same number as the package lambdag's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from kobold_modules.evaluation.style.function_words import ENGLISH
from kobold_modules.evaluation.style.grammar import (
    Grammar,
    Sentence,
    masked,
    masked_sentences,
    numbered,
    numbers_of,
)
from kobold_modules.evaluation.style.kneser_ney import KneserNey, padded
from kobold_modules.evaluation.style.tokens import all_windows
from tests.evaluation.style.voices import FILES, split, voice


def test_only_grammar_is_left_of_a_sentence() -> None:
    line = masked('"The old woman quickly opened 3 boxes," said Ada Finn.', ENGLISH)

    assert line == ('"', "the", "*", "*", "*ly", "*ed", "*0", "*s", ",", '"', "*", "*N", "*N", ".")


def test_the_author_is_above_zero_and_others_below() -> None:
    train, held_out = split("noir")
    others = {name: all_windows([voice(name)]) for name in ("gothic", "farce")}
    grammar = Grammar(all_windows(train), others)

    own = grammar.score(grammar.features(all_windows(held_out)).sum(0))
    other = {name: grammar.score(grammar.features(found, name).sum(0)) for name, found in others.items()}

    assert own > 0 > max(other.values())


def test_windows_add_up() -> None:
    train, held_out = split("noir")
    grammar = Grammar(all_windows(train), {"gothic": all_windows([voice("gothic")])})
    found = all_windows(held_out)

    whole = grammar.features(["\n\n".join(found)])[0]

    assert grammar.features(found).sum(0) == pytest.approx(whole)


def test_nobody_to_compare_with_is_no_number() -> None:
    grammar = Grammar(["One page of text."], {})

    assert math.isnan(grammar.score(grammar.features(["Another page."])[0]))


def test_it_is_the_number_of_the_package_lambdag() -> None:
    """The oracle learns the same sentences and draws the same ones, with a vocabulary of its own for each model."""
    package = pytest.importorskip("lambdag", reason="the package lambdag is not installed")
    train, held_out = split("noir")
    others = [voice(name) for name in FILES if name != "noir"]
    known, unknown, reference = (masked_sentences(texts, ENGLISH) for texts in (train, held_out, others))
    method = package.LambdaGMethod("tokens", 4, "kneser_ney", False, False, num_references=3, random_seed=0)
    theirs = method._lambdag_score(known, unknown, reference) * math.log(10)  # it takes decimal logarithms

    numbers = numbers_of([*known, *unknown, *reference])
    dice = np.random.default_rng(0)
    drawn = [[reference[place] for place in dice.choice(len(reference), len(known), replace=False)] for _ in range(3)]
    author, *references = (log_likelihood(lines, unknown, numbers) for lines in (known, *drawn))

    assert author - sum(references) / 3 == pytest.approx(theirs)

    ratio, tokens = Grammar(train, {"all": others}, order=4, seed=0).features(held_out).sum(0)

    assert ratio == pytest.approx(theirs, rel=0.15)  # our models share one vocabulary
    assert tokens == sum(len(line) + 1 for line in unknown)


def log_likelihood(learned: Sequence[Sentence], judged: Sequence[Sentence], numbers: Mapping[str, int]) -> float:
    vocabulary = len({token for line in learned for token in line}) + 2
    lines, text = (padded([numbered(line, numbers) for line in some], 4) for some in (learned, judged))
    return float(np.log(KneserNey(lines, 4, vocabulary).probabilities(text)).sum())


def test_the_same_seed_gives_the_same_number() -> None:
    train, held_out = split("noir")
    others = {"gothic": [voice("gothic")]}

    a, b = (Grammar(train, others, seed=3).features(held_out) for _ in range(2))

    assert np.array_equal(a, b)
