"""What a training would cost is measured on the training that was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kobold_modules.training import TrainingRequest, estimate


@pytest.fixture
def request_(stories: Path, tmp_path: Path) -> TrainingRequest:
    text = tmp_path / "pages.txt"
    text.write_text("\n\n".join(f"Once there was a girl, and she had {n} red balls in a box." for n in range(120)))
    model = str(stories / "stories260K-F32.gguf")
    return TrainingRequest(files=(str(text),), name="balls", model=model, steps=3, tokens=8, row=32, batch=2)


def test_a_cost_is_that_of_the_method(request_: TrainingRequest) -> None:
    """A checkpoint of the residual method also holds the network in front of the prompt."""
    plain = estimate(replace(request_, method="prompt"))
    residual = estimate(replace(request_, method="residual"))

    assert plain.disk_bytes == 8 * 8 * 64 * 4  # float32 [8, 64], eight times: 3 trained, 5 prompts
    assert residual.disk_bytes > 2 * plain.disk_bytes
    assert plain.steps == residual.steps == 3


def test_what_is_counted_is_the_whole_text(request_: TrainingRequest) -> None:
    cost = estimate(request_)

    assert cost.words == 120 * 14
    assert 0 < cost.tokens < 120 * 14 * 4
    assert cost.passes == pytest.approx(3 * 2 * 32 / cost.tokens, abs=0.01)
    assert 1 <= cost.rows_at_once <= 2


def test_a_world_is_counted_in_examples_and_asks_for_the_tokens_its_lore_wants(
    request_: TrainingRequest, tmp_path: Path
) -> None:
    lore = tmp_path / "lore.md"
    lore.write_text("\n\n".join(f"# Girl {n}\n\nShe has {n} red balls in a box of her own." for n in range(40)))
    world = replace(request_, files=(str(lore),), kind="world", tokens=0)

    cost = estimate(world)

    assert cost.virtual_tokens == 64
    assert cost.context == 512
    assert cost.tokens > 3 * estimate(replace(world, objective="text")).tokens
    assert estimate(replace(world, tokens=20)).virtual_tokens == 20
