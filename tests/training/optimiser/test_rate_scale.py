"""How large a step a model bears: found once a model by a line search, then remembered."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.checkpoint import State
from kobold_modules.training.optimiser.rate_scale import SHARES, furthest_fall, lowest, rate_scale
from kobold_modules.training.optimiser.schedule import rate_for, rate_of
from kobold_modules.training.settings import TrainingRequest
from tests.tiny import tiny


class Bowl:
    """A loss that falls along its gradient until a step of ``share`` of the table's scale, and rises beyond."""

    def __init__(self, frozen: TorchModel, share: float) -> None:
        self.frozen, self._share = frozen, share
        self._start: Tensor | None = None

    def __call__(self, prompt: Tensor, rows: Tensor) -> Tensor:
        if self._start is None:
            self._start = prompt.detach().clone()
            return prompt.sum()
        moved = (prompt - self._start).square().mean().sqrt() / self.frozen.rms
        return (moved - self._share).square()


@pytest.fixture(scope="module")
def frozen() -> TorchModel:
    return tiny("llama")


@pytest.mark.parametrize("share", [0.1, 0.15, 0.3])
def test_the_search_finds_how_far_a_loss_falls(frozen: TorchModel, share: float) -> None:
    found = furthest_fall(Bowl(frozen, share))  # type: ignore[arg-type]

    assert share / 1.42 < found < share * 1.42


def test_a_sharp_model_gets_smaller_rates_and_a_flat_one_the_usual_ones(frozen: TorchModel) -> None:
    sharp = Bowl(frozen, 0.05)

    assert rate_scale(sharp) < 0.3  # type: ignore[arg-type]


def test_no_model_gets_larger_rates_than_the_usual(frozen: TorchModel) -> None:
    assert rate_scale(Bowl(frozen, 0.8)) == 1.0  # type: ignore[arg-type]


def test_a_model_is_searched_once(frozen: TorchModel, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = PromptLoss(frozen)
    first = rate_scale(loss)
    monkeypatch.setattr("kobold_modules.training.optimiser.rate_scale.furthest_fall", lambda _: pytest.fail("again"))

    assert rate_scale(loss) == first


def test_the_parabola_lies_between_its_points() -> None:
    assert lowest(SHARES, [3.0, 2.0, 2.0, 3.0, 4.0]) == pytest.approx(math.sqrt(0.1 * 0.2))


@pytest.mark.parametrize(
    ("losses", "share"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0], SHARES[0]),
        ([5.0, 4.0, 3.0, 2.0, 1.0], SHARES[-1]),
        ([2.0, 1.0, math.nan, math.inf, math.nan], SHARES[1]),
    ],
)
def test_an_end_of_the_search_or_a_broken_loss_is_no_reason_to_go_further(losses: list[float], share: float) -> None:
    assert lowest(SHARES, losses) == share


def test_the_scale_multiplies_what_suits_the_length_and_no_rate_that_was_asked_for() -> None:
    state = State.fresh(torch.zeros(1, 2, 4))
    state.rate_scale = 0.5
    usual = TrainingRequest(files=(), name="x", steps=100)
    asked = TrainingRequest(files=(), name="x", steps=100, rate=0.3)

    assert rate_of(usual, state) == 0.5 * rate_for(100)
    assert rate_of(asked, state) == 0.3
