"""Texts to train on, an actor in place of torch, and the way through the training screen that its tests share."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from kobold_modules.answers import ListedModel, MemoryHere, ModelsFound, TrainingCost, Verdict
from kobold_modules.records import Record
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue import launch
from kobold_modules.training_queue.files import Training
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.tui.screens.training.train import TrainScreen
from kobold_modules.tui.state.remembered import remember
from kobold_modules.tui.state.trainings import TrainingHistory, trainings_of
from kobold_modules.tui.widgets.training.preview_panel import PreviewPanel
from kobold_modules.tui.widgets.training.text_tree import TextTree
from kobold_modules.worker.messages import Estimate, Job, Models
from tests.tui.conftest import Stage
from tests.tui.screens.training.actor import Actor


SAMPLES = Path(__file__).resolve().parents[4] / "sample_texts"


@pytest.fixture(autouse=True)
def nobody_runs(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Start no runner process, except where the real one is tested."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(launch, "start_runner", lambda folder: None)


@pytest.fixture
def pages(home: Path) -> Path:
    """Make a folder of texts, remembered as the last one used."""
    folder = home / "pages"
    (folder / "drafts").mkdir(parents=True)
    shutil.copy(SAMPLES / "noir" / "the-long-drop.txt", folder)
    shutil.copy(SAMPLES / "gothic" / "the-house-at-saltmere.txt", folder)
    (folder / "note.md").write_text("# Note\n\n“A short one,” she said.\n" * 3, encoding="utf-8")
    (folder / "cover.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    shutil.copy(SAMPLES / "farce" / "a-weekend-at-plumley.txt", folder / "drafts")
    remember("texts folder", str(folder))
    return folder


@pytest.fixture
def actor(home: Path) -> Iterator[Callable[[str], Actor]]:
    actors: list[Actor] = []

    def make(id: str) -> Actor:
        actors.append(Actor(id))
        return actors[-1]

    yield make
    for one in actors:
        one.end()


def submit(*names: str, **settings: Any) -> list[str]:
    return [TrainingQueue().submit(TrainingRequest(files=("/x",), name=name, **settings)) for name in names]


def half_way(actor: Callable[[str], Actor]) -> tuple[str, Actor]:
    """Bring a training to step 10 of 20; returns its id and who plays it."""
    (id,) = submit("night work")
    played = actor(id)
    played.train()
    return id, played


def screen(on: Stage) -> TrainScreen:
    assert isinstance(on.app.screen, TrainScreen)
    return on.app.screen


def item(id: str) -> Training:
    return TrainingQueue().get(id)


async def opened(on: Stage) -> TrainScreen:
    await on.press("f4")
    train = screen(on)
    if train.view == "new":
        await on.until(lambda: len(train.query_one(TextTree).root.children) > 0)
    return train


async def choose(on: Stage, *names: str) -> None:
    """Walk to texts in the tree and take them."""
    tree = on.app.screen.query_one(TextTree)
    tree.focus()
    await on.press("home")
    for name in names:
        for _ in range(30):
            node = tree.cursor_node
            if node is not None and node.data is not None and node.data.path.name == name:
                break
            await on.press("down")
        else:
            raise AssertionError(f"{name} is not in the tree:\n{on.text()}")
        await on.press("space")
    await on.until(lambda: not on.app.screen.query_one(PreviewPanel).reading and screen(on).preview.pages)


async def watching(on: Stage, id: str, holds: Callable[[TrainingHistory], Any] = lambda history: True) -> None:
    """Wait until the interface has read what is said of ``id``."""
    trainings = trainings_of(on.app)
    await on.until(lambda: trainings.get(id) is not None and holds(trainings.history(id)))
    await on.settled()


def listed(
    name: str, model: str, can: Literal["yes", "no"] | None = None, needs: int = 0, problem: str = ""
) -> ListedModel:
    """Return a model as a search finds it, which can be trained through or not."""
    train = None if can is None else Verdict(can, needs, 0, "memory", "")
    return ListedModel(name=name, model=model, path=model, kind="gguf", place="", problem=problem, train=train)


class Knowing(FakeClient):
    """A worker that knows models and what a training takes."""

    def another(self) -> FakeClient:
        other = Knowing(self.delay, self.failures)
        other.jobs = self.jobs
        return other

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if isinstance(job, Estimate):
            self.jobs.append(job)
            yield TrainingCost(
                words=6465,
                tokens=8600,
                steps=420,
                minutes=2.8,
                passes=3.1,
                memory_bytes=812_000_000,
                disk_bytes=140_000,
                seconds_per_step=0.4,
                seconds_around=0.0,
                rows_at_once=2,
                virtual_tokens=400 if job.request.kind == "world" else 0,
                context=4096,
            )
        elif isinstance(job, Models):
            models = (
                listed("starter", "starter", "yes", 950_000_000),
                listed("Small 1B", "/models/small.gguf", "yes", 1),
                listed("Huge 70B", "/models/huge.gguf", "no", 1),
                listed("broken", "/models/b.gguf", problem="is no model"),
            )
            yield ModelsFound(models, (), (), "", MemoryHere(0, 0))
        else:
            async for record in super().run(job):
                yield record
