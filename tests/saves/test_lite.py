"""KoboldAI Lite's stories: read as they are, written so that Lite reads them, and nothing in them lost."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadText
from kobold_modules.saves.lite import LiteStory, is_lite, parse, prose, read, with_text, write


words = st.text(alphabet="ab \n.é🙂[<|>p", max_size=10)
PICTURE = "[<|p|12|p|>]"


def story(**members: Any) -> dict[str, Any]:
    """Return a story as Lite saves it."""
    return {
        "gamestarted": True,
        "prompt": "The lift stopped.",
        "memory": "Nora is a detective.",
        "authorsnote": "Noir.",
        "anotetemplate": "[Author's note: <|>]",
        "actions": [" Nobody spoke.", " Then the light went."],
        "actions_metadata": {
            "0": {"Selected Text": " Nobody spoke.", "Alternative Text": [{"Text": " It rained."}]},
            "1": {"Selected Text": " Then the light went.", "Alternative Text": []},
        },
        "worldinfo": [{"key": "Nora", "content": "A detective."}],
        "wifolders_d": {},
        "wifolders_l": [],
        "anotestr": 320,
        "extrastopseq": "",
        "savedsettings": {"temperature": 0.7, "opmode": 1},
        **members,
    }


def test_a_story_is_read() -> None:
    lite = read(story(), "s.json")

    assert lite.text == "The lift stopped. Nobody spoke. Then the light went."
    assert (lite.memory, lite.note) == ("Nora is a detective.", "Noir.")


def test_written_again_it_is_the_same() -> None:
    assert write(read(story(newer={"unknown": [1]}), "s.json")) == story(newer={"unknown": [1]})


def test_a_continuation_is_a_piece_of_its_own_and_the_rest_stays() -> None:
    lite = read(story(), "s.json")
    data = write(with_text(lite, lite.text + " She sighed. She left.", [len(lite.text) + 12]))

    assert data["actions"] == [*story()["actions"], " She sighed.", " She left."]
    assert data["actions_metadata"]["0"] == story()["actions_metadata"]["0"]
    assert data["actions_metadata"]["3"] == {"Selected Text": " She left.", "Alternative Text": []}
    untouched = set(data) - {"actions", "actions_metadata"}
    assert {key: data[key] for key in untouched} == {key: story()[key] for key in untouched}


def test_an_edit_in_the_middle_changes_the_pieces_it_touches_only() -> None:
    lite = read(story(), "s.json")
    data = write(with_text(lite, lite.text.replace("Nobody", "No one")))

    assert data["prompt"] == "The lift stopped."
    assert data["actions"] == [" No one spoke.", " Then the light went."]


def test_pictures_are_no_prose_and_stay() -> None:
    lite = read(story(actions=[PICTURE, " Nobody" + PICTURE + " spoke."]), "s.json")
    assert lite.text == "The lift stopped. Nobody spoke."

    data = write(with_text(lite, "The lift stopped. No one spoke. Rain."))
    assert data["actions"][0] == PICTURE
    assert "".join(data["actions"]).count(PICTURE) == 2


@pytest.mark.parametrize(
    "tag", ["[<|p|12|p|>]", "[<|d|data:image/png;base64,AA==|d|>]", "[<|h|a41f|h|>]", "[<|au|9|au|>]"]
)
def test_any_picture_or_sound_is_no_prose_and_stays(tag: str) -> None:
    """S01: the tags of today's Lite, and of tomorrow's."""
    lite = read(story(prompt=f"Look: {tag} there.", completed_imgs_meta={"a41f": {"prompt": "a pier"}}), "s.json")

    assert lite.text.startswith("Look:  there. Nobody")
    grown = write(with_text(lite, lite.text + " She left."))
    assert grown["prompt"] == f"Look: {tag} there."
    assert grown["completed_imgs_meta"] == {"a41f": {"prompt": "a pier"}}
    assert tag in "".join(with_text(lite, "Anew.").pieces)
    assert prose("[<|p|12|d|>] [<|>] [a|b]") == "[<|p|12|d|>] [<|>] [a|b]"


def test_null_is_an_empty_piece() -> None:
    """S08: a prompt or an action that is null is opened, as Lite opens it."""
    lite = read(story(prompt=None, actions=[" One.", None, " Two."]), "s.json")
    assert lite.text == " One. Two."
    assert write(lite)["actions"] == [" One.", "", " Two."]


def test_a_story_of_united_is_read_and_written_in_lites_shape() -> None:
    actions = {"action_count": 1, "actions": {"1": {"Selected Text": " b"}, "0": {"Selected Text": " a"}, "x": 3}}
    united = {"file_version": 2, "prompt": "One", "actions": actions, "authornote": "Noir.", "memory": "m"}
    lite = read(united, "s.json")

    assert (lite.text, lite.note, lite.memory) == ("One a b", "Noir.", "m")
    assert write(lite)["actions"] == [" a", " b"]
    assert "file_version" not in write(lite)


@given(st.lists(words, max_size=6), words, words)
def test_any_story_comes_back(pieces: list[str], memory: str, note: str) -> None:
    lite = LiteStory(tuple(pieces), memory, note)
    again = read(json.loads(json.dumps(write(lite))), "s.json")

    assert again.text == lite.text
    assert (again.memory, again.note) == (memory, note)


@given(st.lists(words, max_size=6), st.text(alphabet="ab \n.", max_size=20), st.lists(st.integers(0, 20), max_size=4))
def test_any_text_can_take_a_storys_place(pieces: list[str], text: str, cuts: list[int]) -> None:
    changed = with_text(LiteStory(tuple(pieces)), text, cuts)

    assert changed.text == text


@pytest.mark.parametrize(
    "members",
    [{"actions": "text"}, {"actions": [1]}, {"actions": None}, {"prompt": 3}, {"actions": {"actions": []}}],
)
def test_a_broken_story_is_one_sentence(members: dict[str, Any]) -> None:
    with pytest.raises(BadText, match=r"^s\.json "):
        read(story(**members), "s.json")


@given(st.dictionaries(st.sampled_from([*story(), "file_version"]), st.none() | st.integers() | st.lists(st.text())))
def test_members_of_any_kind_are_read_or_refused(members: dict[str, Any]) -> None:
    with suppress(BadText):
        json.dumps(write(read(story(**members), "s.json")))


@pytest.mark.parametrize("data", [b"{", b"{" * 100_000, b'{"a":' * 100_000, b"\xff{}"])
def test_malformed_json_is_one_sentence(data: bytes) -> None:
    with pytest.raises(BadText, match="malformed"):
        parse(data, "s.json")


def test_what_a_lite_story_looks_like() -> None:
    assert is_lite(story())
    assert not is_lite({"text": "ours"})
    assert not is_lite([])
