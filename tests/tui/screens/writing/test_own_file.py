"""A file that somebody else writes, too: no version is written over."""

from __future__ import annotations

import os
from pathlib import Path

from kobold_modules import paths
from kobold_modules.stories import file as story_file
from kobold_modules.stories.autosave import journal_of
from kobold_modules.stories.story import Story
from kobold_modules.tui.writing.manuscript import Manuscript, bench_path
from tests.tui.conftest import OPENING, Open


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
        await on.says("changed by another program")
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
