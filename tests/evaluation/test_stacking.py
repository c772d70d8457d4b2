"""The co-load table: what of a gain is left among others, in both orders."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import pytest

from kobold_modules.evaluation.bootstrap import Table
from kobold_modules.evaluation.stacking import co_load, orders
from tests.finished import finished


PAGES = np.random.default_rng(0).uniform(150, 250, 40)  # nats of 64 tokens each
LOSS = {
    (): 1.0,
    ("mine",): 0.90,
    ("mine", "a"): 0.95,
    ("a", "mine"): 0.91,
    ("mine", "a", "b"): 1.02,
    ("a", "b", "mine"): 0.92,
}


def loss_of(stack: Sequence[str]) -> Generator[int, None, Table]:
    yield 64
    return np.column_stack([PAGES * LOSS[tuple(stack)], np.full(40, 64.0)])


def test_both_orders_with_one_and_with_all() -> None:
    assert orders("m", []) == []
    assert orders("m", ["a"]) == [("m", "a"), ("a", "m")]
    assert orders("m", ["a", "b", "c"])[2:] == [("m", "a", "b", "c"), ("a", "b", "c", "m")]


def test_what_is_kept_is_the_share_of_the_gain_alone() -> None:
    table, tokens = finished(co_load("mine", ["a", "b"], loss_of, str, "nats per token"))

    assert sum(tokens) == 6 * 64  # nothing and alone are measured once
    assert table.alone.value == pytest.approx(0.1 * PAGES.mean() / 64)
    assert [row.order for row in table.rows] == orders("mine", ["a", "b"])
    kept = [row.kept.value for row in table.rows if row.kept is not None]
    assert kept == pytest.approx([0.5, 0.9, -0.2, 0.8])
    assert table.worst == pytest.approx(-0.2)
    assert all(row.kept is not None and row.kept.low is not None for row in table.rows)


def test_where_nothing_is_gained_alone_nothing_can_be_kept() -> None:
    def harmful(stack: Sequence[str]) -> Generator[int, None, Table]:
        yield 1
        return np.column_stack([PAGES * (1.1 if stack else 1.0), np.full(40, 64.0)])

    table, _ = finished(co_load("mine", ["a"], harmful, str, "nats per token"))
    assert [row.kept for row in table.rows] == [None, None]
    assert table.worst is None
