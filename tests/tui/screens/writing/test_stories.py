"""Several stories, and those of other programs: opened, named, exported, brought back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kobold_modules import paths
from kobold_modules.stories import file as story_file
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.screens.writing.stories import StoriesScreen
from kobold_modules.tui.writing.manuscript import bench_path
from tests.tui.conftest import OPENING, Open
from tests.tui.screens.writing.conftest import another, answer


async def test_a_new_story_and_back_to_the_first(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("f7", "n")
        await on.type("North Pier")
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.editor.text == "")
        await on.shows("North Pier")
        await on.type("It rained.")
        await on.press("f7")
        await on.shows("Untitled")
        stories = on.app.screen
        assert isinstance(stories, StoriesScreen)
        at = next(i for i, story in enumerate(stories.found) if story.title != "North Pier")
        await on.press("home", *["down"] * at, "enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.editor.text == OPENING)
        assert story_file.load(bench_path().with_name("north-pier.json")).text == "It rained."
        await on.press("ctrl+q")
    assert bench_path().name == "bench.json"


async def test_the_story_that_was_open_last_is_open_again(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await another(on)
        await on.type("It rained.")
        await on.press("ctrl+q")
    assert bench_path().name == "north-pier.json"
    async with stage() as on:
        await on.press("f3")
        assert on.editor.text == "It rained."


async def test_a_story_is_deleted_and_brought_back(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await another(on)
        await on.press("f7")
        stories = on.app.screen
        assert isinstance(stories, StoriesScreen)
        await on.until(lambda: len(stories.found) == 2)
        here = next(i for i, story in enumerate(stories.found) if story.path.name == "north-pier.json")
        await on.press("home", *["down"] * here, "delete")
        await on.shows("on the bench")
        await on.press("home", *["down"] * (1 - here), "delete")
        assert len(stories.found) == 1
        await on.press("u")
        assert len(stories.found) == 2
        await on.press("escape")


async def test_save_asks_for_a_name_once(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+s")
        await on.type("Low Tide")
        await on.press("enter")
        await on.says("Low Tide is saved")
        await on.until(lambda: "Low Tide" in on.text().splitlines()[1])
        await on.press("ctrl+s")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and "Low Tide is saved" in on.status)
    assert story_file.load(bench_path()).title == "Low Tide"


@pytest.mark.parametrize("ending", ["txt", "md", "json"])
async def test_export_and_open_again(stage: Open, home: Path, ending: str) -> None:
    async with stage() as on:
        await on.begin()
        on.bench.story.memory = "Mara keeps the light."
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and on.bench.story.takes)
        whole = on.editor.text
        await on.press("ctrl+underscore")
        await answer(on, f"~/quay.{ending}")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen))
        await on.says("~/quay")
        file = home / f"quay.{ending}"
        if ending == "json":
            lite = json.loads(file.read_text())
            assert lite["prompt"] + "".join(lite["actions"]) == whole
            assert lite["memory"] == "Mara keeps the light."
        else:
            assert file.read_text().rstrip("\n") == whole
        await on.press("f12")
        await answer(on, f"~/quay.{ending}")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and "quay" in on.bench.manuscript.path.name)
        assert on.editor.text.rstrip("\n") == whole


async def test_an_export_that_makes_no_sense_stays_a_question(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+underscore")
        await answer(on, "~/quay.docx")
        await on.shows("should end in .txt, .md or .json")
        await on.press("escape")


async def test_an_export_asks_before_it_writes_over_a_file(stage: Open, home: Path) -> None:
    """F2, in the interface."""
    (home / "chapter.txt").write_text("Mine.\n")
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+underscore")
        await answer(on, "~/chapter.txt")
        await on.shows("already there")
        assert (home / "chapter.txt").read_text() == "Mine.\n"
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen))
        assert (home / "chapter.txt").read_text() == f"{OPENING}\n"


async def test_a_story_of_another_program_among_ours_is_opened_as_a_copy(stage: Open) -> None:
    """A text or a Lite save in the folder of stories was set aside as unreadable; S09: and says what is not used."""
    folder = paths.made(paths.stories_dir())
    saved = {"gamestarted": True, "prompt": "It rained.", "actions": [], "worldinfo": [{"key": "a", "content": "b"}]}
    (folder / "lite.json").write_text(json.dumps(saved))
    async with stage() as on:
        await on.begin()
        await on.press("f7", "down", "enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.editor.text == "It rained.")
        await on.says("world info (1 entry)")
        assert on.bench.manuscript.path.name != "lite.json"
        await on.type(" It stopped.")
        await on.until(lambda: "stopped" in story_file.load(on.bench.manuscript.path).text)
    assert json.loads((folder / "lite.json").read_text()) == saved


async def test_a_file_that_is_no_story_is_a_sentence(stage: Open, home: Path) -> None:
    (home / "odd.json").write_text("[1, 2")
    async with stage() as on:
        await on.begin()
        await on.press("f12")
        await answer(on, "~/odd.json")
        await on.shows("✗")
        await on.press("escape")
        assert on.editor.text == OPENING
