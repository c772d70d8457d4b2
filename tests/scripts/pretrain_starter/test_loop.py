"""The pretraining loop: its rates, and that it learns."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scripts.pretrain_starter import loop
from scripts.pretrain_starter.loop import Recipe, train


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    recipe = Recipe()

    assert recipe.rate(0.0) == 0.0
    assert recipe.rate(recipe.warm_up) == 1.0
    assert recipe.rate(1.0) == 0.0
    assert [recipe.row_length(p) for p in (0.0, 0.7, 0.99)] == [256, 512, 1024]


@pytest.mark.slow
def test_a_repeating_text_is_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 450 steps, however fast this machine is.
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=itertools.count(0.0, 0.02).__next__))
    tokens = np.tile(np.arange(40, dtype=np.uint16), 400)
    recipe = Recipe(
        vocabulary=64, width=32, layers=1, heads=2, feed_forward=48, context=64, minutes=0.15, tokens_per_step=512,
        tokens_per_pass=512, rows=((0.0, 32),), compiled=False,
    )  # fmt: skip

    model, run = train(tokens, recipe, tmp_path / "checkpoint", tmp_path / "log.txt")

    ids = torch.from_numpy(tokens[:64].astype(np.int64))[None]
    predicted = model(ids).logits[0, 8:-1].argmax(-1)
    assert run["steps"] > 5
    assert (predicted == ids[0, 9:]).float().mean() > 0.9
