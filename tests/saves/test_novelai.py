"""S06: a NovelAI story or scenario is read: its text, its memory and note; what has no like here is named."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kobold_modules.errors import BadText
from kobold_modules.saves.novelai import is_novelai, read
from tests.saves.msgpackr_bytes import document


CONTEXT = [{"text": "Nora keeps the light."}, {"text": "[ Style: dry ]"}]


def story(**content: Any) -> dict[str, Any]:
    return {
        "storyContainerVersion": 1,
        "metadata": {"title": "North Pier", "storyMetadataVersion": 1},
        "content": {"storyContentVersion": 6, "context": CONTEXT, "lorebook": {"entries": [{"text": "x"}]}, **content},
    }


def test_a_scenario() -> None:
    found = read(
        {"scenarioVersion": 3, "title": "Pier", "prompt": "The tide turned.", "context": CONTEXT}, "p.scenario"
    )
    assert (found.title, found.text) == ("Pier", "The tide turned.")
    assert (found.memory, found.note) == ("Nora keeps the light.", "[ Style: dry ]")
    assert found.unused == ()


def test_a_story_of_the_first_editor() -> None:
    fragments = [{"data": "The tide", "origin": "prompt"}, {"data": " turned.", "origin": "ai"}]
    found = read(story(story={"fragments": fragments}), "p.story")
    assert (found.title, found.text) == ("North Pier", "The tide turned.")
    assert found.unused == ()
    assert found.lorebook == {"entries": [{"text": "x"}]}


def test_a_story_of_the_second_editor() -> None:
    paragraphs = ["The tide turned.", "", "Zoë – 雨 🙂 – left."]
    found = read(story(document=base64.b64encode(document(paragraphs)).decode()), "p.story")
    assert found.text == "\n".join(paragraphs)
    assert found.memory == "Nora keeps the light."


@pytest.mark.parametrize(
    "content",
    [
        {"document": "not base64!"},
        {"document": base64.b64encode(b"\xc1").decode()},
        {"document": base64.b64encode(b"\x80").decode()},
        {},
        {"story": {"fragments": 5}},
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_a_way(content: dict[str, Any]) -> None:
    with pytest.raises(BadText, match="NovelAI") as raised:
        read(story(**content), "p.story")
    assert "export the story as text" in raised.value.hint


def test_what_it_looks_like() -> None:
    assert is_novelai(story())
    assert is_novelai({"scenarioVersion": 0})
    assert not is_novelai({"prompt": "", "actions": []})
    assert not is_novelai([])
