"""A deep prefix: keys and values of every layer, under a card as a module has one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kobold_modules.errors import BadModule, WrongModel
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack, check_fit, layer_rows


SHAPE = (2, 1, 3, 4)  # layers, kv_heads, tokens, head_dim
KEYS = np.arange(24, dtype=np.float32).reshape(SHAPE)
CARD = Card("Deep noir", fingerprint=Fingerprint(10, 8))
DEEP = DeepPrefix(KEYS, -KEYS, CARD, np.zeros(SHAPE, np.float32), np.ones(SHAPE, np.float32))
ROWS = Module(np.ones((2, 8), np.float32), Card("Rows"))


def test_it_says_how_large_it_is() -> None:
    assert (DEEP.layers, DEEP.kv_heads, DEEP.tokens, DEEP.head_dim) == SHAPE
    assert (DEEP.name, DEEP.width) == ("Deep noir", 8)
    assert replace(DEEP, card=Card("x")).width == 0


def test_its_arrays_are_its_own_and_cannot_be_changed() -> None:
    keys = KEYS.copy()
    prefix = DeepPrefix(keys, keys, CARD)
    keys[:] = 9
    assert np.array_equal(prefix.keys, KEYS)
    with pytest.raises(ValueError, match="read-only"):
        prefix.keys[:] = 0


@pytest.mark.parametrize("shape", [(3, 4), (2, 1, 0, 4), (2, 1, 2048, 1), (0, 1, 3, 4), (2, 1, 3, 5000)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.float32)
    with pytest.raises(BadModule):
        DeepPrefix(array, array, CARD)


def test_halves_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(BadModule, match="different shapes"):
        DeepPrefix(KEYS, KEYS[:, :, :2], CARD)
    with pytest.raises(BadModule, match="one half"):
        DeepPrefix(KEYS, KEYS, CARD, KEYS)


def test_values_that_are_not_numbers_are_refused() -> None:
    broken = KEYS.copy()
    broken[1, 0, 2, 3] = np.nan
    with pytest.raises(BadModule, match="not numbers"):
        DeepPrefix(KEYS, broken, CARD)


def test_half_strength_is_half_way_from_the_start() -> None:
    half = DEEP.at_strength(0.5)
    assert np.array_equal(half.keys, KEYS / 2)
    assert np.array_equal(half.values, (1 - KEYS) / 2)
    assert DEEP.at_strength(1) is DEEP
    mean = DeepPrefix(KEYS, KEYS, CARD).at_strength(0)
    assert np.allclose(mean.keys, KEYS.mean(axis=2, keepdims=True))


def test_identity_is_of_keys_and_values() -> None:
    assert DEEP.digest == DeepPrefix(KEYS, -KEYS, Card("Another name")).digest
    assert DEEP.digest != DeepPrefix(-KEYS, KEYS, CARD).digest


def test_a_stack_holds_either_kind_in_order() -> None:
    stack = Stack().add(ROWS).add(ROWS).add(DEEP, 0.5).add(ROWS)
    first, deep, last = stack.segments()
    assert isinstance(first, np.ndarray)
    assert first.shape == (4, 8)
    assert isinstance(deep, DeepPrefix)
    assert np.array_equal(deep.keys, KEYS / 2)
    assert isinstance(last, np.ndarray)
    assert last.shape == (2, 8)
    assert stack.tokens == 9
    assert stack.is_deep
    assert stack.label == "Rows + Rows + Deep noir ×0.5 + Rows"
    assert stack.digest != Stack().add(ROWS).add(ROWS).add(ROWS).add(DEEP, 0.5).digest
    assert stack.digest != stack.change(2, strength=1).digest


def test_a_stack_without_one_is_one_segment_and_the_matrix() -> None:
    assert Stack().segments() == ()
    (only,) = Stack().add(ROWS).add(DEEP, on=False).segments()
    assert isinstance(only, np.ndarray)
    assert np.array_equal(only, ROWS.vectors)


def test_where_only_rows_can_stand_it_is_refused_with_what_to_do() -> None:
    for attempt in (Stack().add(DEEP).matrix, lambda: layer_rows(Layer(DEEP))):
        with pytest.raises(WrongModel, match="deep prefix") as refused:
            attempt()
        assert "distil" in refused.value.hint


def test_fit_is_told_by_the_fingerprint() -> None:
    assert check_fit(DEEP, Fingerprint(10, 8), "starter") is not None  # no sketch: it may fit
    with pytest.raises(WrongModel):
        check_fit(DEEP, Fingerprint(10, 16), "another")
    unknown = check_fit(replace(DEEP, card=Card("x")), Fingerprint(10, 8), "starter")
    assert unknown is not None
    assert "does not say" in unknown
