"""The lorebooks of a story: those that came in its file, and those that a person gave it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.errors import BadInput, BadText
from kobold_modules.lorebook import read
from kobold_modules.stories.file import describe_used, load, save
from kobold_modules.stories.lore import lorebooks, own_lorebook
from kobold_modules.stories.story import Story
from tests.lorebook import cards, examples


SAVES = {
    "lite": examples.LITE,
    "united": examples.UNITED,
    "scenario": examples.SCENARIO,
    "story": examples.NOVELAI_STORY,
}
SAVES["story"] = {
    **examples.NOVELAI_STORY,
    "content": {**examples.NOVELAI_STORY["content"], "story": {"fragments": [{"data": "It was dark."}]}},
}


def saved(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize("name", SAVES)
def test_the_world_info_of_a_save_goes_with_it_into_a_story_of_ours(name: str, tmp_path: Path) -> None:
    """Koboldcpp 1379: a story keeps its lorebook."""
    story = load(saved(tmp_path / "a.any", SAVES[name]))
    save(story, tmp_path / "ours.json")

    for one in (story, load(tmp_path / "ours.json")):
        book = own_lorebook(one)
        assert book is not None
        assert book.entries[0].text == cards.KEEPER
        assert "world info" in describe_used(one)


@pytest.mark.parametrize("path", ["ours.json", "a.lite.json"])
def test_lorebooks_given_to_a_story_are_saved_with_it(path: str, tmp_path: Path) -> None:
    book = saved(tmp_path / "skerry.json", cards.SILLYTAVERN)
    story = Story("Skerry", "It was dark.")
    assert not story.dirty

    story.lorebooks = (str(book),)
    assert story.dirty
    story.append_take(" Orla woke.", "none")
    save(story, tmp_path / path)
    again = load(tmp_path / path)

    assert again.lorebooks == (str(book),)
    books, problems = lorebooks(again)
    assert [entry.title for entry in books[0].entries] == ["Orla", "The light", "Rumour"]
    assert problems == []


def test_a_lorebook_that_is_gone_is_left_out_and_said() -> None:
    story = Story("Skerry", "It was dark.")
    story.lorebooks = ("/nowhere/skerry.json",)

    books, problems = lorebooks(story)

    assert books == []
    assert problems == ["A lorebook of this story is left out. There is no file /nowhere/skerry.json."]


def test_names_of_lorebooks_of_any_kind_are_no_error() -> None:
    assert Story.from_dict({"text": "x", "lorebooks": ["a", 5, None]}).lorebooks == ("a",)
    assert Story.from_dict({"text": "x", "lorebooks": "a"}).lorebooks == ()


def test_a_story_of_ours_is_a_lorebook_by_the_world_info_it_came_with(tmp_path: Path) -> None:
    save(load(saved(tmp_path / "a.any", examples.LITE)), tmp_path / "ours.json")
    save(Story("Skerry", "It was dark."), tmp_path / "plain.json")

    assert read(tmp_path / "ours.json").entries[0].text == cards.KEEPER
    with pytest.raises(BadInput, match="without world info"):
        read(tmp_path / "plain.json")


def test_a_lorebook_that_is_opened_as_a_story_says_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(BadText, match="is a lorebook, not a story") as raised:
        load(saved(tmp_path / "skerry.json", cards.SILLYTAVERN))
    assert "f6" in raised.value.hint
