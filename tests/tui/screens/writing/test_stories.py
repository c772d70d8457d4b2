"""The story as a whole: memory and note, several stories, other programs' files, another editor, and being killed."""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kobold_modules import paths
from kobold_modules.stories import file as story_file
from kobold_modules.stories.autosave import journal_of
from kobold_modules.stories.story import Story
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.screens.writing.notes import NotesScreen
from kobold_modules.tui.screens.writing.stories import StoriesScreen
from kobold_modules.tui.screens.writing.takes import TakesScreen
from kobold_modules.tui.writing.external_editor import edited
from kobold_modules.tui.writing.manuscript import Manuscript, bench_path
from kobold_modules.worker.messages import Generate
from tests.tui.conftest import OPENING, Open, Stage


async def another(on: Stage) -> None:
    """Put a second story, North Pier, on the bench."""
    await on.press("f7", "n")
    await on.type("North Pier")
    await on.press("enter")
    await on.until(lambda: isinstance(on.app.screen, BenchScreen))


async def answer(on: Stage, words: str) -> None:
    """Put ``words`` into the question that is open, in the place of what it suggests."""
    await on.press("home", "ctrl+k")
    await on.type(words)
    await on.press("enter")


# -- a file that somebody else writes, too --


async def test_a_story_that_was_changed_elsewhere_is_not_written_over(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        path = on.bench.manuscript.path
        await on.until(path.exists)
        theirs = story_file.load(path)
        theirs.append_take(" Rain.", "noir")
        story_file.save(theirs, path)
        await on.type(" Nobody spoke.")
        ours = path.with_name("bench-2.json")
        await on.until(lambda: "changed by another program" in on.status)
        assert story_file.load(path).text == f"{OPENING} Rain."
        await on.until(lambda: story_file.load(ours).text == f"{OPENING} Nobody spoke.")
        await on.type(" The tide turned.")
        await on.until(lambda: "tide turned" in story_file.load(ours).text)
        assert bench_path() == ours
    assert story_file.load(path).text == f"{OPENING} Rain."
    assert not path.with_name("bench-3.json").exists()


async def test_both_versions_can_be_opened(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        manuscript = on.bench.manuscript
        path = manuscript.path
        manuscript.save()
        story_file.save(Story("", "Theirs."), path)
        on.bench.story.edit("Ours.")
        said = manuscript.save()
        assert "bench.json was changed by another program" in said
        assert "bench-2.json" in said
        manuscript.open(path)
        assert manuscript.story.text == "Theirs."
        manuscript.story.edit("Theirs, and a word of ours.")
        assert manuscript.save() == ""
        assert story_file.load(path).text == "Theirs, and a word of ours."
        assert story_file.load(path.with_name("bench-2.json")).text == "Ours."


def test_a_file_that_was_only_touched_or_removed_is_no_other_version(home: Path) -> None:
    manuscript = Manuscript(bench_path())
    manuscript.load()
    manuscript.story.edit(OPENING)
    assert manuscript.save() == ""
    path = manuscript.path
    os.utime(path, (1, 1))
    manuscript.story.edit(f"{OPENING} Rain.")
    assert manuscript.save() == ""
    path.unlink()
    manuscript.story.edit(OPENING)
    assert manuscript.save() == ""
    assert story_file.load(path).text == OPENING


def test_a_story_that_appeared_meanwhile_is_kept(home: Path) -> None:
    manuscript = Manuscript(bench_path())
    manuscript.load()
    story_file.save(Story("", "Theirs."), manuscript.path)
    manuscript.story.edit("Ours.")
    manuscript.take_begins("noir")  # a take is not interrupted by the move
    manuscript.take_grows(" Rain.")
    assert manuscript.save() == ""
    manuscript.story.append_take(" Rain.", "noir")
    manuscript.take_ends()
    assert "bench-2.json" in manuscript.save()
    assert story_file.load(paths.stories_dir() / "bench.json").text == "Theirs."
    assert story_file.load(manuscript.path).text == "Ours. Rain."
    assert not journal_of(paths.stories_dir() / "bench.json").exists()


# -- memory and author's note --


async def test_memory_and_note_go_with_the_request_and_into_the_file(stage: Open) -> None:
    async with stage(size=(120, 40)) as on:
        await on.begin()
        assert "F6 edits memory" in on.text()
        await on.press("f6")
        assert isinstance(on.app.screen, NotesScreen)
        await on.type("Mara keeps the light.")
        await on.press("tab")
        await on.type("It turns cold.")
        await on.press("tab", "end", "backspace", "1", "escape")
        assert "Memory: 4 words. Author's note: 3 words, 1 line before the end." in on.status
        assert "Mara keeps the light." in on.text()
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and on.bench.story.takes)
        job = next(job for job in on.client.jobs if isinstance(job, Generate))
        assert job.memory == "Mara keeps the light."
        assert "It turns cold." in job.note
        assert job.note_depth == 1
        await on.until(lambda: on.bench.page.context.meter.context.memory > 0)
        assert "memory and note" in on.text()
        await on.press("ctrl+q")
    async with stage() as on:
        await on.press("f3", "f6")
        assert "Mara keeps the light." in on.text()
        await on.press("escape")
        assert on.bench.manuscript.note_depth == 1


async def test_the_editor_keys_of_the_bench_do_not_leak_from_the_notes(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("f6")
        await on.type("Mara")
        await on.press("escape")
        assert on.editor.text == OPENING


# -- several stories --


async def test_a_new_story_and_back_to_the_first(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("f7", "n")
        await on.type("North Pier")
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.editor.text == "")
        assert "North Pier" in on.text()
        await on.type("It rained.")
        await on.press("f7")
        await on.until(lambda: "Untitled" in on.text())
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
        assert "on the bench" in on.text()
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
        await on.until(lambda: "Low Tide is saved" in on.status)
        assert "Low Tide" in on.text().splitlines()[1]
        await on.press("ctrl+s")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and "Low Tide is saved" in on.status)
    assert story_file.load(bench_path()).title == "Low Tide"


# -- other programs --


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
        assert "~/quay" in on.status
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
        assert "should end in .txt, .md or .json" in on.text()
        await on.press("escape")


async def test_an_export_asks_before_it_writes_over_a_file(stage: Open, home: Path) -> None:
    """F2, in the interface."""
    (home / "chapter.txt").write_text("Mine.\n")
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+underscore")
        await answer(on, "~/chapter.txt")
        assert "already there" in on.text()
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
        assert "world info (1 entry)" in on.status
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
        assert "✗" in on.text()
        await on.press("escape")
        assert on.editor.text == OPENING


def editor_script(home: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = home / "an-editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", f"{program} --wait")
    monkeypatch.delenv("VISUAL", raising=False)


async def test_another_editor_changes_the_story_in_one_step(
    stage: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor_script(home, monkeypatch, 'printf "A new first line.\\n" > "$2.x"; cat "$2" >> "$2.x"; mv "$2.x" "$2"')
    lent: list[str] = []

    @contextmanager
    def suspend(*_: Any) -> Any:
        lent.append("the terminal")
        yield

    async with stage() as on:
        monkeypatch.setattr(type(on.app), "suspend", suspend)
        await on.begin()
        await on.press("f8")
        assert lent == ["the terminal"]
        assert on.editor.text == f"A new first line.\n{OPENING}"
        assert "Changes from" in on.status
        await on.press("ctrl+z")
        assert on.editor.text == OPENING


async def test_without_an_editor_there_is_a_sentence(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor")
    monkeypatch.delenv("VISUAL", raising=False)
    async with stage() as on:
        await on.begin()
        await on.press("f8")
        assert "no-such-editor was not found" in on.status


def test_an_editor_that_fails_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor_script(home, monkeypatch, 'echo gone > "$2"; exit 1')
    assert edited("as it was") == "as it was"


def test_an_editor_ends_the_last_line_and_the_story_does_not(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor_script(home, monkeypatch, 'echo >> "$2"')
    assert edited("in the middle of a") == "in the middle of a"


# -- being killed --


async def test_a_take_that_was_coming_when_all_was_killed_is_back(stage: Open) -> None:
    async with stage(delay=0.02) as on:
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
        assert "the unfinished take" in on.status
        assert on.bench.story.can_retry
        assert on.bench.story.spans[-1].by_model
        await on.until(lambda: not on.bench.writing)
        on.bench.page.touch()
        await on.until(lambda: not journal_of(bench_path()).exists())
    assert story_file.load(bench_path()).text.startswith(shown)


async def test_takes_side_by_side_that_were_coming_are_back(stage: Open) -> None:
    async with stage(delay=0.02) as on:
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
        assert "Unfinished takes" in on.status
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


def test_a_note_whose_template_has_no_place_for_it_is_not_lost(home: Path) -> None:
    """A KoboldAI save may have a template of its own; one without <|> gave the model the template and no note."""
    manuscript = Manuscript(bench_path())
    manuscript.story.note, manuscript.story.note_template = "It turns cold.", "[A note]"
    assert manuscript.asides["note"] == "It turns cold."
    manuscript.story.note_template = "[Mood: <|>]"
    assert manuscript.asides["note"] == "[Mood: It turns cold.]"
    manuscript.story.note = "  "
    assert manuscript.asides["note"] == ""
