"""A world leaves other text as it is: what neutral text counts follows the harm that is measured (issue 17)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from kobold_modules.evaluation.bits import HeldOut, measure
from kobold_modules.evaluation.control_texts import TOKENS
from kobold_modules.forward.distillation_loss import TeacherTargets
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training import TrainingRequest
from kobold_modules.training.checkpoint import State, restore
from kobold_modules.training.loop import RunControl, optimise
from kobold_modules.training.start import new_state
from kobold_modules.training.task import Task
from kobold_modules.training.world.mixture import Mixture, Pool
from kobold_modules.training.world.neutral import MOST, Neutral, weight_after, weighted
from kobold_modules.training.world.piece import Piece
from tests.tiny import tiny


WORLD = "the bell of marrow ferry has no clapper and nobody minds. " * 12


@pytest.mark.parametrize(
    ("weight", "harm", "after"),
    [
        (1, 0.02, 2),  # twice what it may be
        (1, 0.5, 4),  # never more than four times at once
        (8, 0.005, 4),
        (8, -0.1, 4),  # text that became likelier is not harmed
        (1, 0.0, 1),  # and never less than the usual weight
        (40, 0.5, MOST),
    ],
)
def test_the_weight_follows_the_harm(weight: float, harm: float, after: float) -> None:
    assert weight_after(weight, harm) == pytest.approx(after)


def test_only_neutral_text_counts_for_more() -> None:
    targets = TeacherTargets.of_labels(torch.arange(6)).weighted(torch.tensor([1, 1, 2, 2, 1, 1.0]))
    held = [None, Neutral(HeldOut((), 0), 3, 5)]
    assert weighted(targets, held, [1.0, 3.0]).weighing.tolist() == [1, 1, 2, 6, 3, 1]
    assert targets.weighing.tolist() == [1, 1, 2, 2, 1, 1]
    assert weighted(targets, held, [1.0, 1.0]) is targets


def test_it_is_measured_on_pages_that_no_card_is_measured_on() -> None:
    neutral = Neutral.of([list(range(2000)), list(range(40))], 5, 9)
    assert len(neutral.pages.documents) == 1
    assert neutral.pages.documents[0][0] == TOKENS
    assert neutral.pages.documents[0][-1] < 2 * TOKENS  # where those begin that are learned from


class Bench:
    """A tiny world: one text to learn, another that is to stay as the plain model has it."""

    def __init__(self, held: bool, steps: int = 36) -> None:
        self.frozen = tiny("llama")
        self.loss = PromptLoss(self.frozen).deep()
        self.request = TrainingRequest((), "x", steps=steps, tokens=4, row=24, rate=0.3, patience=2.0, method="prefix")
        ids = self.frozen.encode(WORLD)
        world = [Piece(tuple(ids[at : at + 12]), 1) for at in range(0, len(ids) - 11, 12)]
        own = self._own_words(24)
        other = [Piece(tuple(row), 1) for row in own[:12]]
        labels = torch.tensor([token for piece in world for token in piece.ids[1:]])
        self.targets = TeacherTargets.joined([TeacherTargets.of_labels(labels), self._plain(other)])
        at, pools = 0, []
        for name, pieces, share in (("examples", world, 0.9), ("neutral", other, 0.1)):
            placed = []
            for piece in pieces:
                placed.append(piece.placed(at))
                at += piece.learned
            pools.append(Pool(name, tuple(placed), share))
        self.other = HeldOut(tuple(map(tuple, own[12:])), 0)
        neutral = Neutral(self.other, len(labels), at) if held else None
        self.told = HeldOut.of((WORLD[:200],), self.frozen.encode)
        self.tasks = [Task("x", Mixture(tuple(pools), 24), self.told, True, neutral)]
        self.state = new_state(self.loss, self.loss.start(self.frozen.table[:4].float())[None], self.request)

    def _own_words(self, rows: int) -> list[list[int]]:
        """Return rows of twelve ids that the plain model wrote: whatever changes it makes them less likely."""
        chance = torch.Generator().manual_seed(3)
        ids = torch.randint(97, (rows, 1), generator=chance)
        with torch.no_grad():
            for _ in range(11):
                likely = torch.softmax(self.frozen.model(input_ids=ids).logits[:, -1].float(), dim=-1)
                ids = torch.cat([ids, torch.multinomial(likely, 1, generator=chance)], dim=1)
        written: list[list[int]] = ids.tolist()
        return written

    def _plain(self, pieces: list[Piece]) -> TeacherTargets:
        ids = torch.tensor([piece.ids for piece in pieces])
        return self.loss.teacher(None, ids, None, torch.ones(len(ids), 11, dtype=torch.bool))

    def run(self, **options: Any) -> Bench:
        control = RunControl(identity="same", **options)
        list(optimise(self.loss, self.tasks, self.request, self.state, control, self.targets))
        return self

    @property
    def strayed(self) -> float:
        """How far it is from the plain model on the other text, nats a token."""
        ids = torch.tensor(self.other.documents)
        at = torch.ones(len(ids), ids.shape[1] - 1, dtype=torch.bool)
        targets = self.loss.teacher(None, ids, None, at)
        return float(self.loss.against(self.state.prompts[0], ids, None, at, targets).mean())

    @property
    def learned(self) -> float:
        return measure(self.loss, self.state.best[0], self.told, 4).nats_per_token

    @property
    def unlearned(self) -> float:
        return measure(self.loss, self.state.initial[0], self.told, 4).nats_per_token


def test_a_world_that_is_held_strays_less_on_other_text() -> None:
    held, free = Bench(held=True).run(), Bench(held=False).run()
    assert free.state.neutral == [1.0]
    assert held.state.neutral[0] > 1
    assert held.strayed < 0.95 * free.strayed
    assert held.learned < held.unlearned - 0.1  # and it still learns what it is there for


def test_a_stopped_one_goes_on_with_the_weight_that_it_had(tmp_path: Path) -> None:
    whole, stopped, path = Bench(held=True).run(), Bench(held=True), tmp_path / "state.safetensors"
    stopped.run(checkpoint=path, stop=lambda: stopped.state.step >= 14)
    found = restore(path, "same", "cpu")
    assert isinstance(found, State)
    assert found.neutral[0] > 1
    stopped.state = found
    stopped.run()
    assert stopped.state.neutral == whole.state.neutral
    assert torch.equal(stopped.state.prompts, whole.state.prompts)
