"""Keys moved to other positions: as if they had been rotated for those from the start."""

from __future__ import annotations

import numpy as np
import pytest

from kobold_modules.soft_prompt.rotation import Rope, placed


RNG = np.random.default_rng(3)
ROPE = Rope(np.stack([1 / 10_000 ** (np.arange(4) / 4), 1 / 500 ** (np.arange(4) / 4)]))  # two layers, two bases
RAW = RNG.normal(size=(2, 3, 5, 8))


def rotated(raw: np.ndarray, first: int) -> np.ndarray:
    """Rotate the slow way: every key for its own position, a pair at a time."""
    found = raw.astype(np.float64).copy()
    for layer, head, token, pair in np.ndindex(2, 3, 5, 4):
        angle = (first + token) * ROPE.frequencies[layer, pair]
        a, b = raw[layer, head, token, pair], raw[layer, head, token, pair + 4]
        found[layer, head, token, pair] = a * np.cos(angle) - b * np.sin(angle)
        found[layer, head, token, pair + 4] = b * np.cos(angle) + a * np.sin(angle)
    return found


@pytest.mark.parametrize("by", [1, 7, 900, -2])
def test_moved_keys_are_those_rotated_for_the_new_positions(by: int) -> None:
    moved = placed(rotated(RAW, 2).astype(np.float32), by, ROPE)
    assert moved.dtype == np.float32
    assert np.allclose(moved, rotated(RAW, 2 + by), atol=1e-5)


def test_by_nothing_they_stay_bit_for_bit() -> None:
    keys = RAW.astype(np.float32)
    assert placed(keys, 0, ROPE) is keys


def test_what_is_not_rotated_stays() -> None:
    partial = Rope(ROPE.frequencies[:, :2])
    moved = placed(RAW.astype(np.float32), 5, partial)
    assert np.array_equal(moved[..., 4:], RAW.astype(np.float32)[..., 4:])
    assert not np.allclose(moved[..., :4], RAW[..., :4])


def test_another_models_frequencies_are_refused() -> None:
    with pytest.raises(ValueError, match="frequencies"):
        placed(RAW.astype(np.float32), 5, Rope(ROPE.frequencies[:1]))
