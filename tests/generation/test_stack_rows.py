"""What a stack puts in front of a text, rows and deep prefixes in their order."""

from __future__ import annotations

import numpy as np

from kobold_modules.generation.stack_rows import MixedFront, computed_rows, is_answered, parts_of
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card


DEEP = DeepPrefix(np.ones((2, 1, 5, 4), np.float32), np.ones((2, 1, 5, 4), np.float32), Card("deep"))
ROWS = np.ones((3, 8), dtype=np.float32)


def test_positions_count_through_both_kinds() -> None:
    front = MixedFront((ROWS, DEEP, ROWS))
    assert len(front) == 11
    assert computed_rows(front) == 6
    assert computed_rows(ROWS) == 3
    assert computed_rows(None) == 0


def test_a_model_answers_right_behind_rows_alone() -> None:
    assert is_answered(ROWS)
    assert is_answered(MixedFront((DEEP, ROWS)))
    assert not is_answered(MixedFront((ROWS, DEEP)))
    assert not is_answered(None)


def test_only_rows_are_changed_on_their_way_in() -> None:
    front = MixedFront((DEEP, ROWS)).with_rows(lambda rows: 2 * rows)
    deep, rows = parts_of(front)
    assert deep is DEEP
    assert isinstance(rows, np.ndarray)
    assert (rows == 2).all()
