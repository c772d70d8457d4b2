"""Settings do what they say, on logits made by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.sampler_chain import SamplerChain, usable_seed
from kobold_modules.sampling.settings import PRESETS, Sampler


LOGITS = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))


def draws(settings: Sampler, seed: int = 1, count: int = 400, seen: tuple[int, ...] = ()) -> Counter[int]:
    with SamplerChain(settings, seed, len(LOGITS), list(seen)) as chain:
        return Counter(chain.sample(LOGITS) for _ in range(count))


def plain(**changes: Any) -> Sampler:
    return replace(Sampler(temperature=1.0, min_p=0.0, repetition=1.0), **changes)


def test_temperature_one_draws_as_often_as_likely() -> None:
    drawn = draws(plain(), count=4000)
    assert [drawn[token] / 4000 for token in range(4)] == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)


def test_temperature_zero_takes_the_likeliest() -> None:
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
def test_what_is_kept(settings: dict[str, Any], kept: set[int]) -> None:
    assert set(draws(plain(**settings), count=1000)) == kept


def test_words_of_the_text_are_penalised_within_the_range() -> None:
    greedy = plain(temperature=0, repetition=3.0, repetition_range=2)
    with SamplerChain(greedy, 1, 4, [0]) as chain:
        assert chain.sample(LOGITS) == 1
    with SamplerChain(greedy, 1, 4, [0, 2, 3]) as chain:
        assert chain.sample(LOGITS) == 0


def test_one_seed_one_sequence() -> None:
    def sequence(seed: int) -> list[int]:
        with SamplerChain(plain(), seed, 4, []) as chain:
            return [chain.sample(LOGITS) for _ in range(50)]

    assert sequence(5) == sequence(5) != sequence(6)
    assert usable_seed(0xFFFFFFFF) == 0  # llama.cpp would draw one of its own
    assert usable_seed(5) == 5


def test_every_preset_makes_a_chain() -> None:
    for settings in PRESETS.values():
        assert draws(settings, count=5).total() == 5


class Letters:
    """A vocabulary of single letters, the ids being their places: enough to know what a token says."""

    def __init__(self, letters: str) -> None:
        self.letters, self.vocabulary = letters, len(letters)

    def piece(self, token: int) -> bytes:
        return self.letters[token].encode()

    def tokenize(self, text: str) -> list[int]:
        return [self.letters.index(letter) for letter in text if letter in self.letters]


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"typical_p": 0.2}, {1}),  # the entropy is 1.14 nats, and 1 surprises by 1.20, nearest to it
        ({"top_n_sigma": 1.0}, {0, 1}),  # the logits' deviation is 0.86
        ({"xtc_probability": 1.0, "xtc_threshold": 0.2}, {1, 2, 3}),  # of 0 and 1, above it, the likelier goes
        ({"xtc_probability": 1.0, "xtc_threshold": 0.1}, {2, 3}),
        ({"xtc_probability": 1.0, "xtc_threshold": 0.4}, {0, 1, 2, 3}),  # alone above it: nothing to leave out
        ({"bias": {"#2": 100.0}}, {2}),
        ({"bias": {"#0": -100.0, "#1": -100.0}}, {2, 3}),
        ({"mirostat": 1, "top_k": 1}, {0, 1, 2, 3}),  # mirostat decides alone what is kept
    ],
)
def test_what_the_rarer_settings_keep(settings: dict[str, Any], kept: set[int]) -> None:
    assert set(draws(plain(**settings), count=1500)) == kept


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_keeps_the_surprise_where_it_is_told(version: int) -> None:
    rng = np.random.default_rng(0)
    logits = np.sort(rng.normal(0, 2.5, 500).astype(np.float32))[::-1].copy()
    bits = -(logits - np.log(np.exp(logits).sum())) / np.log(2)
    surprise = []
    for tau in (1.0, 2.0, 4.0):
        with SamplerChain(plain(mirostat=version, mirostat_tau=tau), 1, 500, []) as chain:
            drawn = [chain.sample(logits) for _ in range(900)]
        surprise.append(np.mean([bits[token] for token in drawn[100:]]))
    # StableStatic among the tokens it keeps, measured among all: a little above what was asked for.
    assert surprise == pytest.approx([1.5, 2.5, 4.5], abs=1.0)
    assert surprise[0] + 0.3 < surprise[1] < surprise[2] - 0.7


def test_xtc_strikes_as_often_as_it_is_told() -> None:
    drawn = draws(plain(xtc_probability=0.5, xtc_threshold=0.1, top_k=3), count=4000)
    # Half of the time 0 and 1 are out; otherwise 0.5 : 0.3 : 0.15 of what top k left.
    expected = [0.5 * 0.5 / 0.95, 0.5 * 0.3 / 0.95, 0.5 * 0.15 / 0.95 + 0.5]
    assert [drawn[token] / 4000 for token in range(3)] == pytest.approx(expected, abs=0.03)


def test_frequency_counts_and_presence_does_not() -> None:
    def after(**penalty: float) -> int:
        with SamplerChain(plain(temperature=0, **penalty), 1, 4, [0, 0, 0, 1]) as chain:
            return chain.sample(np.array([1.0, 0.9, 0.5, 0.0], dtype=np.float32))

    assert after() == 0
    assert after(frequency=0.1) == 1
    assert after(presence=0.1) == 0
    assert after(presence=2.0) == 2


def test_dry_ends_a_repetition_but_not_across_a_breaker() -> None:
    words = Letters("abcd\n")
    flat = np.array([0.5, 0.0, 0.0, 0.4, -5.0], dtype=np.float32)  # the model wants to write `a` once more

    def next_after(text: str, **more: object) -> str:
        settings = plain(temperature=0, dry_multiplier=0.8, **more)
        with SamplerChain(settings, 1, 5, words.tokenize(text), words) as chain:
            return words.letters[chain.sample(flat)]

    assert next_after("bcabc") == "d"  # `a` came after `bc` before
    assert next_after("bcabc", dry_allowed_length=3) == "a"
    assert next_after("b\nca b\nc".replace(" ", "")) == "a"  # `c` alone is too short, and nothing counts across a break
    assert next_after("b\ncab\nc", dry_breakers=()) == "d"
    assert next_after("bca" + "d" * 20 + "bc", dry_range=10) == "a"


def test_a_breaker_of_several_letters_counts_where_it_is_complete() -> None:
    words = Letters("abcd:-")
    flat = np.array([0.5, 0.0, 0.0, 0.4, -5.0, -5.0], dtype=np.float32)
    for breakers, expected in ((("b:-",), "a"), (("b:b",), "d")):
        settings = plain(temperature=0, dry_multiplier=0.8, dry_breakers=breakers)
        with SamplerChain(settings, 1, 6, words.tokenize("b:-cab:-c"), words) as chain:
            assert words.letters[chain.sample(flat)] == expected


def test_a_word_is_biased_in_its_usual_spellings() -> None:
    words = Letters("xyXz")
    with SamplerChain(plain(temperature=0, bias={"x": 5.0}), 1, 4, [], words) as chain:
        assert chain.sample(np.array([0, 4, 1, 0], dtype=np.float32)) == 2  # 1 + 5 for the capital
    with SamplerChain(plain(temperature=0, bias={"x": 5.0}), 1, 4, []) as chain:
        assert chain.sample(np.array([0, 4, 1, 0], dtype=np.float32)) == 1


def test_tokens_left_out_are_never_drawn() -> None:
    with SamplerChain(plain(typical_p=0.9, top_n_sigma=3.0), 1, 4, []) as chain:
        assert {chain.sample(LOGITS, {0, 2}) for _ in range(200)} <= {1, 3}
        assert chain.sample(LOGITS, {0, 1, 2, 3}) == -1


def test_a_clone_goes_on_alike_and_apart() -> None:
    settings = plain(dry_multiplier=0.8, repetition=1.2, mirostat=2)
    with SamplerChain(settings, 5, 4, [0, 1, 2]) as chain:
        chain.sample(LOGITS)
        with chain.clone() as twin:
            assert [chain.sample(LOGITS) for _ in range(30)] == [twin.sample(LOGITS) for _ in range(30)]
            for _ in range(7):
                twin.sample(LOGITS)
        chain.sample(LOGITS)


@pytest.mark.parametrize(
    "settings", [{}, {"mirostat": 1}, {"mirostat": 2}, {"xtc_probability": 0.5}, {"dynamic_range": 0.4}]
)
def test_whatever_is_set_one_seed_is_one_sequence(settings: dict[str, Any]) -> None:
    def sequence(seed: int) -> list[int]:
        with SamplerChain(plain(**settings), seed, 4, []) as chain:
            return [chain.sample(LOGITS) for _ in range(60)]

    assert sequence(5) == sequence(5) != sequence(6)
