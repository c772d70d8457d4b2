"""Settings do what they say, on logits made by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from kobold_modules.engines.sampler_chain import SamplerChain, usable_seed
from kobold_modules.sampling import PRESETS, Sampler


LOGITS = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))


def draws(settings: Sampler, seed: int = 1, count: int = 400, seen: tuple[int, ...] = ()) -> Counter[int]:
    with SamplerChain(settings, seed, len(LOGITS), list(seen)) as chain:
        return Counter(chain.sample(LOGITS) for _ in range(count))


def plain(**changes) -> Sampler:
    return Sampler(**({"temperature": 1.0, "min_p": 0.0, "repetition": 1.0} | changes))


def test_temperature_one_draws_as_often_as_likely():
    drawn = draws(plain(), count=4000)
    assert [drawn[token] / 4000 for token in range(4)] == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)


def test_temperature_zero_takes_the_likeliest():
    assert set(draws(plain(temperature=0))) == {0}


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"top_k": 2}, {0, 1}),
        ({"top_p": 0.75}, {0, 1}),
        ({"min_p": 0.2}, {0, 1, 2}),
        ({"top_p": 0.0}, {0}),
        ({}, {0, 1, 2, 3}),
    ],
)
def test_what_is_kept(settings, kept):
    assert set(draws(plain(**settings), count=1000)) == kept


def test_words_of_the_text_are_penalised_within_the_range():
    greedy = plain(temperature=0, repetition=3.0, repetition_range=2)
    with SamplerChain(greedy, 1, 4, [0]) as chain:
        assert chain.sample(LOGITS) == 1
    with SamplerChain(greedy, 1, 4, [0, 2, 3]) as chain:
        assert chain.sample(LOGITS) == 0


def test_one_seed_one_sequence():
    def sequence(seed: int) -> list[int]:
        with SamplerChain(plain(), seed, 4, []) as chain:
            return [chain.sample(LOGITS) for _ in range(50)]

    assert sequence(5) == sequence(5) != sequence(6)
    assert usable_seed(0xFFFFFFFF) == 0  # llama.cpp would draw one of its own
    assert usable_seed(5) == 5


def test_every_preset_makes_a_chain():
    for settings in PRESETS.values():
        assert draws(settings, count=5).total() == 5
