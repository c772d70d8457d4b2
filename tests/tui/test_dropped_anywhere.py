"""Files dropped on any screen, or named where another kind is asked for: each does what a person expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from kobold_modules.formats import kobold
from kobold_modules.tui.dialogs.ask import Confirm
from kobold_modules.tui.screens.training.train import TrainScreen
from kobold_modules.tui.state.dropped import kind_of, model_of
from kobold_modules.worker.messages import Load
from tests.tui.conftest import OPENING, Open, Stage, module


PLACES = ("f2", "f3", "f4", "f5")


@pytest.fixture
def files(home: Path) -> dict[str, Path]:
    folder = home / "Downloads"
    (folder / "novels").mkdir(parents=True)
    made = {
        "model": folder / "Tiny Novelist.gguf",
        "module": folder / "salt.zip",
        "text": folder / "harbour.txt",
        "story": folder / "lite.json",
        "picture": folder / "cover.png",
        "texts": folder / "novels",
    }
    made["model"].write_bytes(b"GGUF" + bytes(60))
    made["module"].write_bytes(kobold.pack(module("salt")))
    made["text"].write_text("The harbour was grey. " * 200)
    made["story"].write_text(json.dumps({"gamestarted": True, "prompt": "It rained.", "actions": []}))
    made["picture"].write_bytes(b"\x89PNG" + bytes(20))
    (folder / "novels" / "one.md").write_text("A page.")
    return made


def drop(on: Stage, *paths: Path) -> None:
    on.app.post_message(events.Paste(" ".join(f"'{path}'" for path in paths)))


@pytest.mark.parametrize("place", PLACES)
async def test_a_model_is_brought_in_and_offered(stage: Open, files: dict[str, Path], place: str) -> None:
    async with stage() as on:
        await on.press(place)
        drop(on, files["model"])
        await on.until(lambda: isinstance(on.app.screen, Confirm))
        assert on.app.current_mode == "models"
        await on.shows("Load Tiny Novelist?")
        await on.press("y")
        await on.until(
            lambda: on.app.app_state.wanted == str(files["model"]) and on.app.app_state.model.phase == "ready"
        )
        assert [job.model for job in on.client.jobs if isinstance(job, Load)][-1] == str(files["model"])


@pytest.mark.parametrize("place", PLACES)
async def test_a_module_goes_on_the_shelf(stage: Open, files: dict[str, Path], place: str) -> None:
    async with stage() as on:
        await on.press(place)
        drop(on, files["module"])
        await on.until(lambda: on.app.current_mode == "library" and "salt" in on.status)
        assert "salt" in on.names


@pytest.mark.parametrize("place", PLACES)
async def test_a_text_is_trained_on_and_on_the_bench_it_is_opened(
    stage: Open, files: dict[str, Path], place: str
) -> None:
    async with stage() as on:
        await on.begin()
        await on.press(place)
        drop(on, files["text"])
        if place == "f3":
            await on.until(lambda: on.editor.text.startswith("The harbour"))
            assert on.bench.story.title == "harbour"
        else:
            await on.until(lambda: on.app.current_mode == "train" and "harbour.txt" in on.status)
            training = on.app.screen
            await on.until(lambda: isinstance(training, TrainScreen) and training.preview.words)
        assert "bench" in on.app.places
        assert OPENING in on.app.places["bench"].editor.text or place == "f3"


@pytest.mark.parametrize("place", PLACES)
async def test_a_story_is_opened_on_the_bench(stage: Open, files: dict[str, Path], place: str) -> None:
    async with stage() as on:
        await on.press(place)
        drop(on, files["story"])
        await on.until(lambda: "bench" in on.app.places and on.app.places["bench"].editor.text == "It rained.")
        assert on.app.current_mode == "bench"


async def test_what_is_of_no_use_is_a_sentence_and_so_are_several_kinds(stage: Open, files: dict[str, Path]) -> None:
    async with stage() as on:
        drop(on, files["picture"])
        await on.says("cover.png is not a model, module, story or text")
        drop(on, files["module"], files["text"])
        await on.says("several kinds")


async def test_a_model_named_to_the_library_and_to_the_models(stage: Open, files: dict[str, Path]) -> None:
    async with stage() as on:
        for place, key in (("f2", "i"), ("f5", "a")):
            await on.press(place, key)
            on.app.screen.query_one(Input).value = str(files["model"])
            await on.press("enter")
            await on.until(lambda: isinstance(on.app.screen, Confirm))
            await on.press("escape")
        await on.press("f5", "a")
        on.app.screen.query_one(Input).value = str(files["text"])
        await on.press("enter")
        await on.shows("harbour.txt is a text: F4 trains on it.")


async def test_a_path_in_front_of_a_question_stays_a_path(stage: Open, files: dict[str, Path]) -> None:
    async with stage() as on:
        await on.press("i")
        drop(on, files["module"])
        await on.until(lambda: "salt.zip" in on.app.screen.query_one(Input).value)
        await on.press("enter")
        await on.until(lambda: "salt" in on.names)


def test_what_a_file_is_for(files: dict[str, Path], tmp_path: Path) -> None:
    kinds = {name: kind_of(path) for name, path in files.items()}
    assert kinds == {
        "model": "model",
        "module": "module",
        "text": "text",
        "story": "story",
        "picture": "nothing",
        "texts": "text",
    }
    for name, kind in {"chat.jsonl": "text", "pier.story": "story", "pier.kaistory": "story"}.items():
        (tmp_path / name).write_text("{}")
        assert kind_of(tmp_path / name) == kind, "a chat is only trained on, a save is also written on in"
    folder = tmp_path / "hf"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(16))
    assert kind_of(folder) == kind_of(folder / "model.safetensors") == "model"
    assert model_of(folder / "model.safetensors") == folder
    (folder / "adapter_config.json").write_text("{}")
    assert kind_of(folder) == "module"
    assert kind_of(tmp_path / "not there") == "nothing"
