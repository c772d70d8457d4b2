"""The map between two tables: the literal least squares with its ridge, and nothing blown up where nothing is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kobold_modules.errors import WrongModel
from kobold_modules.models.reference import ModelFile
from kobold_modules.porting import linear_map as module
from kobold_modules.porting.linear_map import explained, linear_map, solved
from kobold_modules.porting.shared_vocabulary import SharedVocabulary


def test_it_is_the_least_squares_solution_of_the_stacked_rows() -> None:
    """A ridge is rows of sqrt(r) I below the table, which are to become rows of zeros."""
    dice = np.random.default_rng(3)
    ours, theirs = dice.normal(size=(50, 7)), dice.normal(size=(50, 4))
    ridge = module.RIDGE * np.trace(ours.T @ ours) / 7
    stacked = np.concatenate([ours, np.sqrt(ridge) * np.eye(7)])
    expected, *_ = np.linalg.lstsq(stacked, np.concatenate([theirs, np.zeros((7, 4))]), rcond=None)

    assert np.allclose(solved(ours.T @ ours, ours.T @ theirs), expected)


def test_directions_that_no_row_has_are_left_at_zero() -> None:
    ours = np.concatenate([np.random.default_rng(3).normal(size=(50, 3)), np.zeros((50, 2))], axis=1)

    found = solved(ours.T @ ours, ours.T @ ours)

    assert np.allclose(found, np.diag([1, 1, 1, 0, 0]), atol=2 * module.RIDGE)


def test_a_table_of_zeros_is_refused() -> None:
    with pytest.raises(WrongModel):
        solved(np.zeros((3, 3)), np.zeros((3, 2)))


def test_the_tables_of_files_are_read_in_parts(stories: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART", 100)
    source, target = (ModelFile.at(stories / f"stories260K-{kind}.gguf") for kind in ("F16", "F32"))
    ids = np.arange(300)
    rows = source.rows_at(ids.tolist()).astype(np.float64)
    both = SharedVocabulary(ids, ids, 1.0)

    found = linear_map(source, target, both)

    assert np.allclose(found, solved(rows.T @ rows, rows.T @ target.rows_at(ids.tolist())))
    assert np.allclose(rows @ found, rows, atol=0.02)
    assert explained(source, target, both, found) > 0.999
    assert explained(source, target, both, np.zeros_like(found)) == pytest.approx(0)
