"""Several stories in one folder."""

from __future__ import annotations

import os
from pathlib import Path

from kobold_modules.stories.autosave import Autosave
from kobold_modules.stories.file import load, save
from kobold_modules.stories.shelf import free_path, remove, stories
from kobold_modules.stories.story import Story


def test_a_folder_that_is_not_there_has_no_stories() -> None:
    assert stories() == []


def test_stories_are_listed_the_latest_first_and_broken_ones_too() -> None:
    for number, title in enumerate(("Rain", "Snow")):
        path = free_path(title)
        save(Story(title, "One two three."), path)
        os.utime(path, (number, number))
    broken = path.parent / "broken.json"
    broken.write_text("{")
    (path.parent / "picture.png").write_bytes(b"")
    os.utime(broken, (9, 9))
    Autosave(path).begin(load(path))

    found = stories()
    assert [(shelved.title, shelved.words) for shelved in found] == [("broken", 0), ("Snow", 3), ("Rain", 3)]
    assert "broken.json" in found[0].problem
    assert [shelved.unfinished for shelved in found] == [False, True, False]


def test_a_new_story_takes_a_name_that_is_free_and_that_every_system_takes(tmp_path: Path) -> None:
    assert free_path("The Rain: a story/novel?", tmp_path).name == "the-rain-a-story-novel.json"
    assert free_path("…", tmp_path).name == "story.json"
    assert free_path("CON", tmp_path).name == "con-story.json"
    assert free_path("../../etc", tmp_path).parent == tmp_path
    assert len(free_path("x" * 500, tmp_path).name) < 80
    save(Story("Rain", ""), free_path("Rain", tmp_path))
    assert free_path("Rain", tmp_path).name == "rain-2.json"


def test_a_removed_story_is_in_the_trash_with_its_unfinished_take(tmp_path: Path) -> None:
    save(Story("Rain", "It rained."), tmp_path / "rain.json")
    autosave = Autosave(tmp_path / "rain.json")
    autosave.begin(load(tmp_path / "rain.json"))
    autosave.feed(" Again.")
    del autosave

    gone = remove(tmp_path / "rain.json")
    assert stories(tmp_path) == []
    assert load(gone).text == "It rained. Again."
