"""Training, from choosing pages to trying what came of them: real keys, the real queue, an actor in place of torch."""

from __future__ import annotations

import asyncio
import os
import queue as queues
import shutil
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widgets import Input, Select, Static

from kobold_modules.errors import BadText
from kobold_modules.formats import kobold
from kobold_modules.library import Library
from kobold_modules.records import Done, Failed, Loss, Note, Progress, Record, Result, Sample, Saved
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.tui.recipe import Recipe, guess, name_from
from kobold_modules.tui.remembered import recall, remember
from kobold_modules.tui.screens.ask import Ask, Confirm
from kobold_modules.tui.screens.takes import TakesScreen
from kobold_modules.tui.screens.train import PathField, TrainScreen
from kobold_modules.tui.trainings import Course, trainings_of
from kobold_modules.tui.widgets.choice import Choice
from kobold_modules.tui.widgets.course_panel import CoursePanel
from kobold_modules.tui.widgets.key_bar import Key
from kobold_modules.tui.widgets.loss_chart import Chart, draw
from kobold_modules.tui.widgets.preview_panel import PreviewPanel
from kobold_modules.tui.widgets.recipe_panel import RecipePanel
from kobold_modules.tui.widgets.text_tree import TextTree
from kobold_modules.tui.widgets.training_label import TrainingLabel
from kobold_modules.tui.widgets.training_list import TrainingList
from kobold_modules.worker import detached
from kobold_modules.worker.client import WorkerClient
from kobold_modules.worker.detached import carry_out
from kobold_modules.worker.fake import FakeClient
from kobold_modules.worker.jobs import Estimate, Job, Models
from kobold_modules.worker.training_files import Training
from kobold_modules.worker.training_queue import TrainingQueue

from .conftest import Open, Stage, module
from .test_snapshots import compare


SAMPLES = Path(__file__).resolve().parents[2] / "sample_texts"
SIZES = [(80, 24), (120, 40), (200, 60)]
OPENING = "The lift stood between the fourth floor and the fifth."


@pytest.fixture(autouse=True)
def nobody_runs(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """No runner process, except where the real one is tested."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(detached, "start_runner", lambda folder: None)


@pytest.fixture
def pages(home: Path) -> Path:
    """A folder of texts, remembered as the last one used."""
    folder = home / "pages"
    (folder / "drafts").mkdir(parents=True)
    shutil.copy(SAMPLES / "noir" / "the-long-drop.txt", folder)
    shutil.copy(SAMPLES / "gothic" / "the-house-at-saltmere.txt", folder)
    (folder / "note.md").write_text("# Note\n\n“A short one,” she said.\n" * 3, encoding="utf-8")
    (folder / "cover.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    shutil.copy(SAMPLES / "farce" / "a-weekend-at-plumley.txt", folder / "drafts")
    remember("texts folder", str(folder))
    return folder


class Actor:
    """Plays a training in the queue: says what a test tells it to, and hears stop and pause."""

    def __init__(self, id: str) -> None:
        self.folder = TrainingQueue().folder / id
        self.request: TrainingRequest | None = None
        self._lines: queues.Queue[Record | Exception | None] = queues.Queue()
        self._thread = threading.Thread(target=carry_out, args=(self.folder, self._play))
        self._thread.start()

    def _play(self, request: TrainingRequest, stop: Callable[[], bool], paused: Callable[[], bool]) -> Iterator[Record]:
        self.request = request
        while not stop():
            paused()
            try:
                line = self._lines.get(timeout=0.05)
            except queues.Empty:
                continue
            if isinstance(line, Exception):
                raise line
            if line is None:
                break
            yield line
        yield Done("training")

    def tell(self, *lines: Record | Exception) -> None:
        for line in lines:
            self._lines.put(line)

    def train(self, steps: int = 10, of: int = 20) -> None:
        """What a training says on its way to step ``steps``."""
        self.tell(Note("Read 2 texts: 12,961 words of prose."))
        words = {"nats_per_token": 3.2, "bits_per_byte": 1.46}
        self.tell(Result("baseline", {"nats_per_token": 3.3, "bits_per_byte": 1.5, "words_in_context": words}))
        for step in range(steps + 1):
            self.tell(Loss(step, 3.0, 3.25 - 0.02 * step, 1.4))
            if step and step % 5 == 0:
                self.tell(Sample(step, f"{OPENING} At {step}."))
        self.tell(Progress("training", steps, of, 2.0 * (of - steps)), Note("so far"))

    def end(self, *lines: Record) -> None:
        self.tell(*lines)
        self._lines.put(None)
        self._thread.join(20)


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


async def watching(on: Stage, id: str, holds: Callable[[Course], Any] = lambda course: True) -> None:
    """Until the interface has read what is said of ``id``."""
    trainings = trainings_of(on.app)
    await on.until(lambda: trainings.get(id) is not None and holds(trainings.course(id)))
    await on.pilot.pause()


# -- choosing --


async def test_texts_are_chosen_seen_and_submitted_with_keys_alone(stage: Open, pages: Path) -> None:
    async with stage(size=(80, 24)) as on:
        train = await opened(on)
        assert "cover.png" not in on.text()
        await choose(on, "the-house-at-saltmere.txt", "the-long-drop.txt")
        assert train.preview.words > 12_000
        assert "the house at saltmere" in on.text()  # it is named after its first text
        await on.press("tab")
        assert isinstance(on.app.focused, PreviewPanel)
        assert "Chapter titles removed" in on.text()
        assert "A module that has learned titles writes them into scenes" in " ".join(on.text().split())
        await on.press("left")
        assert "the-house-at-saltmere.txt" in on.text()
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")

        (training,) = TrainingQueue().trainings()
        names = [Path(file).name for file in training.request.files]
        assert names == ["the-house-at-saltmere.txt", "the-long-drop.txt"]
        assert (training.request.name, training.request.kind, training.request.model) == (
            "the house at saltmere",
            "style",
            "starter",
        )
        assert "on its way" in on.status
        assert train.files == ()


async def test_the_form_sets_everything(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        await on.press("tab", "tab")
        assert on.app.focused is train.query_one("#module-name", Input)
        await on.press("ctrl+u")
        await on.type("night work")
        await on.press("tab", "right", "tab", "tab")
        await on.type("ann")
        await on.press("tab", "left")
        about = str(train.query_one("#estimate", Static).render())
        assert "About 1 min" in about
        assert "words" in about
        await on.press("right", "right")
        assert "About 10 min" in str(train.query_one("#estimate", Static).render())
        await on.press("tab", "tab", "enter")
        await on.pilot.pause(0.3)
        train.query_one("#set-tokens", Input).focus()
        await on.type("24")
        train.query_one("#set-steps", Input).focus()
        await on.type("40")
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")

        request = TrainingQueue().trainings()[0].request
        assert (request.name, request.kind, request.author) == ("night work", "world", "ann")
        assert (request.tokens, request.steps) == (24, 40)
    assert recall("author") == "ann"
    assert recall("dial") == "thorough"


async def test_a_path_is_taken_a_folder_shown_and_a_wrong_one_told(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        field = train.query_one(PathField)
        for typed, says in ((str(pages / "nothing.txt"), "There is nothing at"), (str(pages / "drafts"), "is shown")):
            field.focus()
            field.value = typed
            await on.press("enter")
            assert says in on.status
        await on.until(lambda: "a-weekend-at-plumley.txt" in on.text())
        field.focus()
        field.value = f"'{pages / 'the-long-drop.txt'}'"
        await on.press("enter")
        assert [path.name for path in train.query_one(TextTree).chosen] == ["the-long-drop.txt"]
        await on.until(lambda: train.preview.words)
        await on.press("ctrl+k")
        await on.until(lambda: not train.preview.words)
    async with stage() as on:  # the folder is remembered
        train = await opened(on)
        assert Path(train.query_one(TextTree).path) == pages


async def test_a_whole_folder_is_one_choice(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        await on.press("home", "space")
        await on.until(lambda: len(train.preview.pages) == 4)
        assert train.files == (str(pages),)
        await on.press("end", "space")
        assert train.files == (str(pages),)  # what lies inside it is taken already
        await on.press("home", "space")
        assert train.files == ()


async def test_what_cannot_be_read_is_told_and_not_started(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        field = train.query_one(PathField)
        field.focus()
        field.value = str(pages / "cover.png")
        await on.press("enter")
        await on.until(lambda: train.preview.problems)
        await on.until(lambda: "a picture (PNG)" in on.status)
        await on.press("ctrl+s")
        assert "a picture (PNG)" in on.status
        assert TrainingQueue().trainings() == []


async def test_what_is_missing_is_one_sentence_each(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        await on.press("ctrl+s")
        assert "nothing to train on" in on.status
        await choose(on, "note.md")
        await on.until(lambda: "words are little" in on.text())
        await on.press("ctrl+s")
        assert "too little to train on" in on.status
        await choose(on, "the-long-drop.txt")
        name = train.query_one("#module-name", Input)
        name.value = ""
        await on.press("ctrl+s")
        assert "needs a name" in on.status
        name.value = "Noir Rain"
        await on.press("ctrl+s")
        assert "on the shelf already" in on.status
        submit("twin")
        name.value = "twin"
        await on.press("ctrl+s")
        assert "in the queue already" in on.status
        train.query_one("#set-tokens", Input).value = "9999"
        name.value = "fine"
        await on.press("ctrl+s")
        assert "1 to 2047" in on.status


class Knowing(FakeClient):
    """A worker that knows models and what a training takes."""

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if isinstance(job, Estimate):
            self.jobs.append(job)
            yield Result(
                "estimate",
                {"words": 6465, "tokens": 8600, "steps": 420, "minutes": 2.8, "passes": 3.1}
                | {"memory_bytes": 812_000_000, "disk_bytes": 140_000, "seconds_per_step": 0.4},
            )
        elif isinstance(job, Models):
            about: dict[str, Any] = {
                "name": "Small 1B",
                "model": "/models/small.gguf",
                "train": {"can": "yes", "needs": 1},
            }
            yield Result(
                "models",
                {
                    "models": [
                        {"name": "starter", "model": "starter", "train": {"can": "yes", "needs": 950_000_000}},
                        about,
                        about | {"name": "Huge 70B", "model": "/models/huge.gguf", "train": {"can": "no", "needs": 1}},
                        {"name": "broken", "model": "/models/b.gguf", "problem": "is no model"},
                    ]
                },
            )
        else:
            async for record in super().run(job):
                yield record


async def test_the_worker_knows_better_than_a_guess(stage: Open, pages: Path) -> None:
    async with stage(client=Knowing()) as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        await on.until(lambda: "reads your text 3 times" in on.text())
        assert "3 min, reads your text" in " ".join(on.text().split())
        dial = train.query_one("#dial", Choice)
        asked = sum(isinstance(job, Estimate) for job in on.client.jobs)
        dial.focus()
        await on.press("right")
        await on.until(lambda: "10 min, reads your text 11 times" in " ".join(on.text().split()))
        await on.press("left", "left")
        await on.until(lambda: "1 min, reads your text once" in " ".join(on.text().split()))
        assert sum(isinstance(job, Estimate) for job in on.client.jobs) == asked  # what was measured is scaled
        assert "812.0 MB of memory" in on.text()
        models: Select[str] = train.query_one("#model", Select)
        assert [value for _, value in models._options] == ["starter", "/models/small.gguf"]
        models.value = "/models/small.gguf"
        await on.until(lambda: train.recipe.model == "/models/small.gguf")
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")
        assert TrainingQueue().trainings()[0].request.model == "/models/small.gguf"


# -- watching --


async def test_a_training_is_watched_here_and_from_everywhere(
    stage: Open, pages: Path, actor: Callable[[str], Actor]
) -> None:
    (id,) = submit("night work")
    played = actor(id)
    played.train()
    async with stage() as on:
        await watching(on, id, lambda course: len(course.samples) == 2 and course.total)
        assert "▶ night work 50%" in on.text()  # in the top line, in the library
        train = await opened(on)
        assert train.view == "watch"  # where something trains, that is what one came for
        await on.until(lambda: "no module 3.300" in on.text())
        text = on.text()
        assert "words in context 3.200" in text
        assert "50%, 20 s left" in text
        assert "step 10 of 20" in text
        assert "7.6 % better" in text
        assert "◆ best 3.050 at step 10" in text
        assert f"{OPENING} At 10." in text
        await on.press("left")
        assert f"{OPENING} At 5." in on.text()
        assert "1 of 2" in on.text()
        played.tell(Sample(15, "A newer one."), Note("more"))
        await watching(on, id, lambda course: 15 in course.samples)
        assert f"{OPENING} At 5." in on.text()  # nobody is pulled from reading
        await on.press("right", "right")
        assert "A newer one." in on.text()


async def test_pause_go_on_and_stop(stage: Open, home: Path, actor: Callable[[str], Actor]) -> None:
    (id,) = submit("night work")
    actor(id).train()
    async with stage() as on:
        await watching(on, id, lambda course: course.total)
        await opened(on)
        await on.press("p")
        await on.until(lambda: item(id).state == "paused")
        assert "paused at 50%" in on.text()
        assert "c lets it go on" in on.status
        await on.press("c")
        await on.until(lambda: item(id).state == "running")
        await on.press("s")
        await on.until(lambda: item(id).state == "done")
        assert item(id).stopped
        await on.until(lambda: "stopped, best kept" in on.text())


async def test_cancelling_asks_first_and_can_be_taken_back(
    stage: Open, home: Path, actor: Callable[[str], Actor]
) -> None:
    (id,) = submit("night work")
    actor(id).train()
    async with stage() as on:
        await watching(on, id, lambda course: course.total)
        await opened(on)
        await on.press("x")
        assert isinstance(on.app.screen, Confirm)
        await on.press("escape")
        assert item(id).state == "running"
        await on.press("x", "y")
        await on.until(lambda: item(id).state == "cancelled")
        await on.until(lambda: "Nothing of it is kept" in on.text())
        await on.press("c")
        await on.until(lambda: item(id).state == "waiting")


async def test_several_wait_and_change_places(stage: Open, home: Path) -> None:
    ids = submit("one", "two", "three")
    async with stage(size=(80, 24)) as on:
        await watching(on, ids[2])
        train = await opened(on)
        names = train.query_one(TrainingList)
        assert [training.request.name for training in names.items] == ["one", "two", "three"]
        await on.press("down", "down", "left_square_bracket")
        await on.until(lambda: [training.request.name for training in names.items] == ["one", "three", "two"])
        assert names.chosen is not None
        assert names.chosen.request.name == "three"
        await on.press("right_square_bracket")
        await on.until(lambda: [training.request.name for training in names.items] == ["one", "two", "three"])
        await on.press("p")
        await on.until(lambda: "held back" in on.text())
        await on.press("x")  # it never began, so there is nothing to ask about
        await on.until(lambda: item(ids[2]).state == "cancelled")
        await on.press("d")
        await on.until(lambda: len(names.items) == 2)
        await on.press("n")
        assert train.view == "new"
        await on.press("escape")
        assert train.view == "watch"


async def test_a_failure_is_a_sentence_and_may_be_tried_again(
    stage: Open, home: Path, actor: Callable[[str], Actor]
) -> None:
    (id,) = submit("night work")
    played = actor(id)
    played.tell(BadText("pages.txt is gone.", "Put it back."))
    async with stage() as on:
        await watching(on, id, lambda course: course.failed)
        await opened(on)
        assert "pages.txt is gone. Put it back." in on.text()
        await on.press("c")
        await on.until(lambda: item(id).state == "waiting")


# -- what came of it --


async def finished(on: Stage, actor: Callable[[str], Actor], library: Library) -> str:
    """A training that has just ended with a module on the shelf."""
    (id,) = submit("night work")
    played = actor(id)
    played.train(20)
    await watching(on, id, lambda course: course.total)
    made = library.add(module("night work", samples={"opening": OPENING, "with": " It had rained.", "without": " So."}))
    played.end(Result("module", {"name": "night work"}), Saved(str(made.path), "module"))
    await watching(on, id, lambda course: course.module)
    await on.until(lambda: any(entry.name == "night work" for entry in on.app.desk.entries))
    return id


async def test_the_end_is_told_everywhere_and_says_what_it_is_worth(
    stage: Open, shelf: Library, actor: Callable[[str], Actor]
) -> None:
    async with stage() as on:
        await finished(on, actor, shelf)
        await on.until(lambda: "✓ night work is ready" in on.text())
        await opened(on)
        await on.until(lambda: "Predicts held-out pages 4.1 % better." in on.text())
        assert "t tries it, k sends it to KoboldAI, o shows it" in on.text()
        await on.press("f2")
        await on.pilot.pause(0.1)
        trainings_of(on.app).changed.publish(trainings_of(on.app))
        await on.until(lambda: not on.app.screen.query_one(TrainingLabel).display)  # it has been looked at


async def test_try_it_puts_it_beside_the_plain_model(
    stage: Open, shelf: Library, actor: Callable[[str], Actor]
) -> None:
    async with stage() as on:
        await on.press("enter")  # another module is on the stack
        await finished(on, actor, shelf)
        await opened(on)
        await on.press("t")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen))
        assert on.stack == [("night work", 1.0, True)]
        labels = [column.label for column in on.app.screen.comparison.columns]
        assert labels == ["no module", "night work"]
        assert on.app.manuscript.story.text == OPENING


async def test_send_to_koboldai_asks_for_the_folder_once(
    stage: Open, shelf: Library, home: Path, actor: Callable[[str], Actor]
) -> None:
    folder = home / "KoboldAI" / "softprompts"
    folder.mkdir(parents=True)
    async with stage() as on:
        await finished(on, actor, shelf)
        await opened(on)
        await on.press("k")
        assert isinstance(on.app.screen, Ask)
        field = on.app.screen.query_one(Input)
        field.value = str(home / "nowhere")
        await on.press("enter")
        assert "There is no folder" in on.text()
        field.value = str(folder)
        await on.press("enter")
        await on.until(lambda: (folder / "night-work.zip").exists())
        assert kobold.read(folder / "night-work.zip").card.name == "night work"
        assert "KoboldAI" in on.status
        (folder / "night-work.zip").unlink()
        await on.press("k")
        await on.until(lambda: (folder / "night-work.zip").exists())
        (folder / "night-work.zip").write_bytes(b"precious")
        await on.press("k")
        assert isinstance(on.app.screen, Confirm)
        await on.press("escape")
        assert (folder / "night-work.zip").read_bytes() == b"precious"
        await on.press("k", "y")
        await on.until(lambda: (folder / "night-work.zip").read_bytes() != b"precious")


async def test_show_in_library(stage: Open, shelf: Library, actor: Callable[[str], Actor]) -> None:
    async with stage() as on:
        await finished(on, actor, shelf)
        await opened(on)
        await on.press("o")
        await on.until(lambda: on.app.current_mode == "library")
        assert on.modules.chosen is not None
        assert on.modules.chosen.name == "night work"


# -- coming back --


async def test_a_new_window_shows_everything_the_old_one_did(
    stage: Open, home: Path, actor: Callable[[str], Actor]
) -> None:
    (id,) = submit("night work")
    played = actor(id)
    played.train()
    async with stage() as on:
        await watching(on, id, lambda course: len(course.samples) == 2 and course.total)
        first = trainings_of(on.app).course(id)
        await opened(on)
        await on.press("ctrl+q")
        assert "It goes on without this window." in on.text()
        await on.press("y")
    assert item(id).state == "running"
    async with stage() as on:
        await watching(on, id, lambda course: len(course.samples) == 2 and course.total)
        again = trainings_of(on.app).course(id)
        assert again == first
        await opened(on)
        await on.until(lambda: f"{OPENING} At 10." in on.text())


async def test_what_ended_meanwhile_is_told_once(stage: Open, home: Path, actor: Callable[[str], Actor]) -> None:
    (id,) = submit("night work")
    played = actor(id)
    played.train()
    played.end()
    async with stage() as on:
        await on.until(lambda: "✓ night work is ready" in on.text())
        assert (await opened(on)).view == "watch"
        await on.until(lambda: item(id).seen)
    async with stage() as on:
        await watching(on, id)
        assert "is ready" not in on.text()
        assert (await opened(on)).view == "new"


async def test_something_that_waits_gets_a_runner_when_the_window_opens(
    stage: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit("night work")
    started: list[Path] = []
    monkeypatch.setattr(detached, "start_runner", started.append)
    async with stage() as on:
        await on.until(lambda: started)
        assert started[0] == TrainingQueue().folder
        assert "night work waits" in on.text()


# -- keys --


@pytest.mark.parametrize("owner", [TrainScreen, TextTree, PreviewPanel, RecipePanel, TrainingList, PathField, Choice])
def test_every_binding_has_an_id(owner: type[DOMNode]) -> None:
    own = [binding for binding in owner.BINDINGS if isinstance(binding, Binding) and not binding.system]
    assert all(binding.id for binding in own)


async def test_tab_reaches_everything_on_a_small_terminal(stage: Open, pages: Path) -> None:
    async with stage(size=(80, 24)) as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        reached: list[str] = []
        for _ in range(12):
            await on.press("tab")
            focused = on.app.focused
            assert focused is not None
            region = focused.region
            assert on.app.screen.region.contains_region(region.intersection(on.app.screen.region))
            assert region.height >= 1
            assert len(on.app.screen.query(Key)) <= 6
            reached.append(focused.id or type(focused).__name__)
        assert {"path", "tree", "preview", "module-name", "kind", "model", "author", "dial", "go"} <= set(reached)
        assert train.view == "new"


async def test_every_action_is_in_the_palette(stage: Open, pages: Path, actor: Callable[[str], Actor]) -> None:
    (id,) = submit("night work")
    actor(id).train()
    async with stage() as on:
        await watching(on, id, lambda course: course.total)
        await opened(on)
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {"Pause", "Stop & keep", "Cancel", "New", "Earlier", "Later", "Take off", "Next sample"} <= titles
        await on.press("n")
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {"Start", "Choose none", "Trainings", "Choose"} <= titles


async def test_every_theme_draws(stage: Open, pages: Path) -> None:
    async with stage(size=(80, 24)) as on:
        await opened(on)
        for theme in list(on.app.available_themes)[::4]:
            on.app.theme = theme
            await on.pilot.pause()
            assert "the-long-drop.txt" in on.text()


# -- pieces --


def test_the_chart_draws_baselines_and_the_best_point() -> None:
    chart = Chart(((0, 3.2), (10, 3.0), (20, 2.9), (30, 2.95)), (("no module", 3.3), ("words in context", 3.29)), 40)
    rows = draw(chart, 40, 8)
    assert len(rows) == 8
    assert all(len(row.cells) == len(row.marks) == 40 for row in rows)
    assert (rows[0].scale, rows[-1].scale) == ("3.300", "2.900")
    labels = [row.label for row in rows if row.label]
    assert sorted(labels) == ["no module 3.300", "words in context 3.290"]  # neither hides the other
    assert rows[0].marks.strip()
    (best,) = [row for row in rows if row.best is not None]
    assert best is rows[-1]
    assert best.best == 20
    assert all(not row.cells[32:].strip() for row in rows)  # what is left of the budget stays empty
    assert draw(Chart(), 40, 8) == []
    assert len(draw(Chart(((0, 3.0),)), 40, 3)) == 3


def test_a_course_that_was_taken_up_again_goes_on_where_it_was() -> None:
    course = Course()
    for step in (0, 10, 20, 30):
        course.add(Loss(step, 3.0, 3.0 - step / 100))
    course.add(Loss(20, 3.0, 2.7))
    assert course.points == ((0, 3.0), (10, 2.9), (20, 2.7))
    course.add(Failed("x", "", 1))
    assert course.failed is not None


@pytest.mark.parametrize(
    ("path", "name"), [("/a/the-long_drop.txt", "the long drop"), ("/a/My Novel", "My Novel"), ("x.md", "x")]
)
def test_a_module_is_named_after_its_text(path: str, name: str) -> None:
    assert name_from(path) == name


def test_a_guess_follows_the_dial_and_the_drawer() -> None:
    assert guess(1000, Recipe(dial="quick")).lines()[0] == "About 1 min"
    assert guess(1000, Recipe(advanced={"minutes": "30"})).lines()[0] == "About 30 min"
    assert guess(1000, Recipe(advanced={"steps": "30"})).minutes is None
    assert guess(0, Recipe()).lines() == ["Choose texts, and this says what it will take."]
    request = Recipe(files=("a",), name="b", dial="quick").request()
    assert (request.dial, request.budget) == ("quick", 60)


# -- pictures --


@pytest.mark.parametrize("size", SIZES)
async def test_snapshot_of_the_form(stage: Open, pages: Path, size: tuple[int, int]) -> None:
    async with stage(size=size, client=Knowing()) as on:
        await opened(on)
        await choose(on, "the-house-at-saltmere.txt", "the-long-drop.txt")
        await on.until(lambda: "reads your text 3 times" in str(screen(on).query_one("#estimate", Static).render()))
        await on.pilot.pause(0.2)
        compare(on, "train_new")


@pytest.mark.parametrize("size", SIZES)
async def test_snapshot_of_a_training(
    stage: Open, home: Path, actor: Callable[[str], Actor], size: tuple[int, int]
) -> None:
    first, *_ = submit("night work", "gothic house", "harbour town")
    actor(first).train(14)
    async with stage(size=size) as on:
        await watching(on, first, lambda course: len(course.samples) == 2 and course.total)
        await opened(on)
        await on.until(lambda: on.app.screen.query_one(CoursePanel).course.total)
        await on.pilot.pause(0.2)
        compare(on, "train_watch")


# -- the real thing --

STARTER = Path(str(files("kobold_modules.models.starter"))) / "starter.gguf"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
@pytest.mark.skipif(not STARTER.is_file(), reason="the starter model is not there")
async def test_from_pages_to_a_module_through_kills_and_another_window(
    stage: Open, pages: Path, empty_shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start in one window, kill -9 what trains, close the window, see it through in another, try what came of it."""
    monkeypatch.setenv("KOBOLD_MODULES_SAVE_EVERY", "0")
    async with stage(library=empty_shelf, client=FakeClient()) as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        for field, value in {"tokens": "4", "steps": "1000", "row": "48", "batch": "2"}.items():
            train.query_one(f"#set-{field}", Input).value = value
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")
        (id,) = [training.id for training in TrainingQueue().trainings()]
        await on.until(lambda: trainings_of(on.app).course(id).done >= 2, 120)
        os.kill(item(id).pid, signal.SIGKILL)
        taken_up = "Taken up again where it was."
        await on.until(lambda: taken_up in trainings_of(on.app).course(id).notes, 120)
    before = item(id)
    assert not before.ended
    async with stage(library=empty_shelf, client=WorkerClient(), ready=False) as on:
        await on.press("f4")
        assert screen(on).view == "watch"
        course = trainings_of(on.app).course(id)
        await on.until(lambda: any("Going on from step" in note for note in course.notes), 120)
        await on.until(lambda: screen(on).query_one(CoursePanel).course.points, 60)
        assert "no module" in on.text()
        await on.press("s")
        await on.until(lambda: item(id).state == "done", 120)
        await on.until(lambda: [entry.name for entry in on.app.desk.entries] == ["the long drop"], 30)
        await on.until(lambda: on.app.desk.model.phase == "ready", 120)
        await on.press("t")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen), 60)
        assert on.stack == [("the long drop", 1.0, True)]
        await on.until(lambda: all(column.ended for column in on.app.screen.comparison.columns), 120)
    async with asyncio.timeout(30):
        while TrainingQueue().runner_alive:
            await asyncio.sleep(0.1)
