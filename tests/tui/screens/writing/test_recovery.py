"""A program that was killed: what was coming is back."""

from __future__ import annotations

from pathlib import Path

from kobold_modules.stories import file as story_file
from kobold_modules.stories.autosave import journal_of
from kobold_modules.tui.screens.writing.takes import TakesScreen
from kobold_modules.tui.writing.manuscript import Manuscript, bench_path
from tests.tui.conftest import OPENING, Open


async def test_a_take_that_was_coming_when_all_was_killed_is_back(stage: Open) -> None:
    async with stage(halt=30) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 60)
        shown = on.editor.text
        files = {file.name: file.read_bytes() for file in bench_path().parent.iterdir()}  # as a kill would leave them
    folder = bench_path().parent
    for file in folder.iterdir():
        file.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    async with stage() as on:
        await on.press("f3")
        assert on.editor.text.startswith(shown)
        await on.says("the unfinished take")
        assert on.bench.story.can_retry
        assert on.bench.story.spans[-1].by_model
        await on.until(lambda: not on.bench.writing)
        on.bench.page.touch()
        await on.until(lambda: not journal_of(bench_path()).exists())
    assert story_file.load(bench_path()).text.startswith(shown)


async def test_takes_side_by_side_that_were_coming_are_back(stage: Open) -> None:
    async with stage(halt=60) as on:
        on.app.app_state.stack = on.app.app_state.stack.add(on.app.app_state.entries[0])
        await on.begin()
        await on.press("ctrl+b")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen))
        assert OPENING.encode() in bench_path().read_bytes()  # before the first word of a take, autosave or not
        await on.until(
            lambda: isinstance(on.app.screen, TakesScreen) and len(on.app.screen.comparison.columns[1].text) > 60
        )
        assert isinstance(on.app.screen, TakesScreen)
        shown = [column.text for column in on.app.screen.comparison.columns]
        files = {file.name: file.read_bytes() for file in bench_path().parent.iterdir()}
    folder = bench_path().parent
    for file in folder.iterdir():
        file.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    async with stage() as on:
        await on.press("f3")
        await on.says("Unfinished takes")
        await on.press("ctrl+b")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen))
        assert isinstance(on.app.screen, TakesScreen)
        back = [column.text for column in on.app.screen.comparison.columns]
        assert all(now.startswith(then) for now, then in zip(back, shown, strict=True))


def test_an_overtaken_save_is_dropped_and_the_take_outlives_it(home: Path) -> None:
    manuscript = Manuscript(bench_path())
    manuscript.story.edit(OPENING)
    late = manuscript._prepared()
    manuscript.story.edit(f"{OPENING} Nobody spoke.")
    manuscript.save()
    late()
    assert story_file.load(bench_path()).text == f"{OPENING} Nobody spoke."
    manuscript.take_begins("noir")
    manuscript.take_grows(" Rain.")
    manuscript.save()  # a save in the middle of a take leaves its autosave alone
    assert journal_of(bench_path()).exists()
    manuscript.story.append_take(" Rain.", "noir")
    manuscript.take_ends()
    manuscript.save()
    assert not journal_of(bench_path()).exists()
