"""T in the library trims a module: worth of each vector as bars, how many stay, a training in the queue."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.answers import VectorWorth
from kobold_modules.corpus import read
from kobold_modules.library import evidence
from kobold_modules.library.library import Library
from kobold_modules.records import Done, Failed, Loss, Progress, Record
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.tui.dialogs.trim_card import TrimCard, bars
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.messages import Ablate, Job
from tests.tui.conftest import REAL, Open, Stage


STARTER = Path(str(files("kobold_modules.models.starter"))) / "starter.gguf"
NOIR = Path(__file__).resolve().parents[3] / "data" / "pages" / "noir"
WORTH = (0.01, 0.04, -0.002, 0.02)


class Weighing(FakeClient):
    """Weighs as a worker does: progress, then the answer; stopped, word that it was."""

    hold = False

    def __init__(self, answer: Record | None = None) -> None:
        super().__init__()
        self.answer, self.stopped = answer or VectorWorth(WORTH, 767), False

    def another(self) -> FakeClient:
        return Weighing(self.answer)

    def cancel(self) -> None:
        self.stopped = True
        super().cancel()

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if not isinstance(job, Ablate):
            async for record in super().run(job):
                yield record
            return
        yield Progress("leaving out each vector in turn", 1, 4)
        while Weighing.hold and not self.stopped:
            await asyncio.sleep(0.01)
        yield Done("stopped") if self.stopped else self.answer


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Weighing, "hold", True)


def card(on: Stage) -> TrimCard:
    assert isinstance(on.app.screen, TrimCard)
    return on.app.screen


def test_bars_are_in_order_of_worth_and_say_which_are_left_out() -> None:
    said = bars(WORTH, 2, 767).plain.splitlines()
    assert [line.split()[0] for line in said[1:3] + said[4:6]] == ["1", "3", "0", "2"]
    assert "left out" in said[3]
    longest, shorter, none = (said[place].count("█") for place in (1, 2, 5))
    assert longest == 30
    assert shorter == 15
    assert none == 0
    assert "-0.0020" in said[5]
    assert "767 tokens" in said[6]


async def test_t_weighs_the_vectors_and_asks_how_many_stay(stage: Open, shelf: Library) -> None:
    async with stage(client=Weighing(), library=shelf) as on:
        await on.press("T")
        await on.until(lambda: isinstance(on.app.screen, TrimCard))
        await on.shows("Trim gothic house")
        await on.shows("+0.0400")
        assert card(on).wanted == 2
        await on.press("up")
        assert card(on).wanted == 3
        await on.press("down", "down", "down", "down")
        assert card(on).wanted == 1
        await on.press("backspace", "9", "enter")
        await on.shows("Keep 1 to 3.")  # it stays open
        await on.press("escape")
        await on.until(lambda: not isinstance(on.app.screen, TrimCard))
        await on.press("T")  # nothing is weighed twice
        await on.until(lambda: isinstance(on.app.screen, TrimCard))


async def test_t_again_stops_the_weighing(stage: Open, shelf: Library, held: None) -> None:
    async with stage(client=Weighing(), library=shelf) as on:
        await on.press("T")
        await on.says("gothic house in turn: 25%")
        await on.press("T")
        await on.says("was not trimmed. T begins again.")


async def test_what_stands_in_the_way_is_said(stage: Open, shelf: Library) -> None:
    client = Weighing(Failed("The pages of gothic house are not where they were.", "Evaluate it with --texts.", 3))
    async with stage(client=client, library=shelf) as on:
        await on.command("trim")
        await on.says("not where they were")
        assert not isinstance(on.app.screen, TrimCard)


async def test_where_its_texts_are_gone_nothing_is_queued(stage: Open, shelf: Library) -> None:
    async with stage(client=Weighing(), library=shelf) as on:
        await on.press("T")
        await on.until(lambda: isinstance(on.app.screen, TrimCard))
        await on.press("enter")
        await on.says("are not where they were")
        assert not TrainingQueue().trainings()


@pytest.mark.slow
@pytest.mark.skipif(not STARTER.is_file(), reason="the starter model is not there")
@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed")
async def test_on_the_starter_a_module_is_weighed_and_a_smaller_one_is_made(stage: Open, empty_shelf: Library) -> None:
    """Real keys, a real worker that weighs, and a real training in the queue's own process."""
    async with stage(client=WorkerClient(), library=empty_shelf, ready=False) as on:
        await on.until(lambda: on.app.app_state.model.phase in ("ready", "failed"), REAL)
        loaded = on.app.app_state.model.loaded
        assert loaded is not None, on.status
        rows = np.random.default_rng(0).normal(0, 0.05, (3, loaded.width)).astype(np.float32)
        made_for = Fingerprint.from_dict(loaded.fingerprint)
        texts = tuple({"name": d.name, "words": d.words, "sha256": d.sha256} for d in read([NOIR]).documents)
        card_of = Card("noir", "style", model="starter", fingerprint=made_for, sources=texts)
        entry = empty_shelf.add(Module(rows, card_of))
        evidence.write_sources(entry.path.parent, (str(NOIR),), (), ())
        on.app.app_state.refresh_shelf()
        await on.until(lambda: on.app.app_state.has_module("noir"), REAL)
        await on.press("T")
        await on.until(lambda: isinstance(on.app.screen, TrimCard), REAL)
        await on.shows("of 3 vectors")
        await on.press("up")
        assert card(on).wanted == 2
        await on.press("enter")
        await on.says("being trimmed to 2 vectors: noir 2")
        (training,) = TrainingQueue().trainings()
        assert (training.request.start, training.request.tokens) == ("pruned", 2)
        queue = TrainingQueue()  # it has a minute; its first steps are enough here
        await on.until(lambda: any(isinstance(r, Loss) for r in queue.records(training.id)[0]), REAL)
        queue.stop(training.id)
        await on.until(lambda: TrainingQueue().trainings()[0].ended, REAL)
        assert TrainingQueue().trainings()[0].state == "done"
        assert Library().find("noir 2").tokens == 2
