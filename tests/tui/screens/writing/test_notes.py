"""Memory and author's note: with every request, and in the file."""

from __future__ import annotations

from pathlib import Path

from kobold_modules.tui.screens.writing.notes import NotesScreen
from kobold_modules.tui.writing.manuscript import Manuscript, bench_path
from kobold_modules.worker.messages import Generate
from tests.tui.conftest import OPENING, Open


async def test_memory_and_note_go_with_the_request_and_into_the_file(stage: Open) -> None:
    async with stage(size=(120, 40)) as on:
        await on.begin()
        await on.shows("F6 edits memory")
        await on.press("f6")
        assert isinstance(on.app.screen, NotesScreen)
        await on.type("Mara keeps the light.")
        await on.press("tab")
        await on.type("It turns cold.")
        await on.press("tab", "end", "backspace", "1", "escape")
        await on.says("Memory: 4 words. Author's note: 3 words, 1 line before the end.")
        await on.shows("Mara keeps the light.")
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and on.bench.story.takes)
        job = next(job for job in on.client.jobs if isinstance(job, Generate))
        assert job.memory == "Mara keeps the light."
        assert "It turns cold." in job.note
        assert job.note_depth == 1
        await on.until(lambda: on.bench.page.context.meter.context.memory > 0)
        await on.shows("memory and note")
        await on.press("ctrl+q")
    async with stage() as on:
        await on.press("f3", "f6")
        await on.shows("Mara keeps the light.")
        await on.press("escape")
        assert on.bench.manuscript.note_depth == 1


async def test_the_editor_keys_of_the_bench_do_not_leak_from_the_notes(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("f6")
        await on.type("Mara")
        await on.press("escape")
        assert on.editor.text == OPENING


def test_a_note_whose_template_has_no_place_for_it_is_not_lost(home: Path) -> None:
    """A KoboldAI save may have a template of its own; one without <|> gave the model the template and no note."""
    manuscript = Manuscript(bench_path())
    manuscript.story.note, manuscript.story.note_template = "It turns cold.", "[A note]"
    assert manuscript.asides["note"] == "It turns cold."
    manuscript.story.note_template = "[Mood: <|>]"
    assert manuscript.asides["note"] == "[Mood: It turns cold.]"
    manuscript.story.note = "  "
    assert manuscript.asides["note"] == ""
