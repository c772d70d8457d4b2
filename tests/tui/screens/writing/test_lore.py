"""Lorebooks of a story on the bench: named beside the memory, shown in the meter, saved with the story."""

from __future__ import annotations

from pathlib import Path

from kobold_modules.stories import file as story_file
from kobold_modules.tui.screens.writing.notes import NotesScreen
from kobold_modules.tui.writing.manuscript import Manuscript, bench_path
from kobold_modules.worker.messages import Compare, Generate, Peek
from tests.lorebook import examples
from tests.tui.conftest import Open, Stage


def skerry(folder: Path) -> Path:
    path = folder / "skerry.json"
    path.write_bytes(examples.FILES["SillyTavern"])
    return path


def titles(on: Stage) -> list[str]:
    return [title for title, _ in on.bench.page.context.meter.context.entries]


async def test_a_lorebook_is_named_beside_the_memory_and_goes_with_every_request(stage: Open, tmp_path: Path) -> None:
    path = skerry(tmp_path)
    async with stage(size=(120, 50)) as on:
        await on.begin()
        await on.press("f6", "tab", "tab", "tab")
        await on.paste(str(path))
        await on.shows("skerry.json: SillyTavern world info, 3 entries, 1 switched off.")
        await on.press("escape")
        await on.says("1 lorebook.")
        await on.shows("lore skerry.json")
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and on.bench.story.takes)
        await on.press("ctrl+n")
        await on.until(lambda: any(isinstance(job, Peek) for job in on.client.jobs))
        await on.press("escape")
        for job in on.client.jobs:
            if isinstance(job, Generate | Peek | Compare):
                assert job.lore == (str(path),)
        await on.press("ctrl+q")
    async with stage() as on:
        await on.press("f3")
        assert on.bench.story.lorebooks == (str(path),)


async def test_the_meter_says_which_entries_are_in_and_what_they_cost(stage: Open, tmp_path: Path) -> None:
    path = skerry(tmp_path)
    async with stage(size=(120, 50)) as on:
        await on.begin()
        meter = on.bench.page.context.meter
        on.bench.story.lorebooks = (str(path),)
        await on.type(" Orla woke.")
        await on.until(lambda: titles(on) == ["Orla", "The light"])
        assert meter.context.lore > 10
        await on.shows("lore: Orla 19, The light 16")
        with_both = meter.context.lore
        on.bench.page.rewrite("The sea was grey.")
        await on.until(lambda: titles(on) == ["The light"])
        assert meter.context.lore < with_both
        on.bench.story.lorebooks = ()
        await on.type(" It rained.")
        await on.until(lambda: meter.context.lore == 0)
        await on.hides("lore:")


async def test_what_is_no_lorebook_is_said_where_it_is_typed(stage: Open, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    async with stage(size=(120, 50)) as on:
        await on.begin()
        await on.press("f6", "tab", "tab", "tab")
        await on.paste(str(tmp_path / "a.json"))
        await on.shows("a.json is JSON, but no lorebook that is known here.")
        await on.press("enter")
        await on.paste(str(tmp_path / "b.json"))
        await on.shows("There is no file")


async def test_the_world_info_of_a_save_is_in_without_a_word(stage: Open, home: Path, tmp_path: Path) -> None:
    """S09: a save of KoboldAI brings its world info, and the story goes on with it."""
    (tmp_path / "lite.json").write_bytes(examples.as_json(examples.LITE))
    story = story_file.load(tmp_path / "lite.json")
    bench_path().parent.mkdir(parents=True, exist_ok=True)
    story.edit("Orla woke.")
    story_file.save(story, bench_path())
    manuscript = Manuscript(bench_path())
    manuscript.load()
    assert manuscript.asides["lore"] == (str(bench_path()),)

    async with stage(size=(120, 50)) as on:
        await on.press("f3")
        await on.until(lambda: titles(on) == ["The light", "Orla"])
        await on.press("f6")
        assert isinstance(on.app.screen, NotesScreen)
        await on.shows("Came with the story: KoboldAI world info, 3 entries, 1 switched off.")
