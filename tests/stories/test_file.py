"""Stories on disk, in every format: what was written is read, what was there stays, and nothing is half a file."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.errors import BadText, BadUsage
from kobold_modules.saves.lite import write as lite_dict
from kobold_modules.stories.file import (
    MOST_BYTES,
    backup_of,
    describe_unused,
    describe_used,
    export_lite,
    format_of,
    load,
    save,
    settings_of,
)
from kobold_modules.stories.story import Span, Story


LITE: dict[str, Any] = {
    "gamestarted": True,
    "prompt": "The lift stopped.",
    "memory": "Nora is a detective.",
    "authorsnote": "Noir.",
    "anotetemplate": "<|>",
    "actions": [" Nobody spoke."],
    "actions_metadata": {"0": {"Selected Text": " Nobody spoke.", "Alternative Text": ["x"]}},
    "worldinfo": [{"key": "Nora"}],
    "wifolders_d": {},
    "wifolders_l": [],
    "savedsettings": {"temperature": 0.7},
    "from the future": {"a": [None, 1.5]},
}


def written() -> Story:
    story = Story("Rain", "It rained.", memory="Nora.", note="Sad.")
    story.append_take(" She left.", "noir ×0.5", 7)
    story.edit(story.text.replace("left", "stayed"))
    story.append_take(" He slept.", "no module", 8)
    return story


def state(story: Story) -> tuple[object, ...]:
    return story.title, story.text, story.spans, story.takes, story.memory, story.note


def test_our_file_holds_everything(tmp_path: Path) -> None:
    story = written()
    save(story, tmp_path / "rain.json")
    again = load(tmp_path / "rain.json")

    assert state(again) == state(story)
    assert not again.dirty
    assert not story.dirty
    for _ in range(3):
        assert again.undo()
    assert again.text == "It rained."
    assert [again.redo(), again.redo(), again.redo(), again.redo()] == [True, True, True, False]
    assert state(again) == state(story)


def test_members_of_other_programs_stay(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"kobold_modules_story": 1, "text": "It rained.", "bench": {"stack": []}}))
    story = load(path)
    story.append_take(" Again.", "a", 1)
    save(story, path)

    assert json.loads(path.read_text())["bench"] == {"stack": []}


def test_half_a_letter_is_saved_too(tmp_path: Path) -> None:
    save(Story("", "a\ud83d"), tmp_path / "s.json")
    assert load(tmp_path / "s.json").text == "a\ud83d"


def test_a_lite_story_is_continued_in_its_own_shape(tmp_path: Path) -> None:
    path = tmp_path / "lite.json"
    path.write_text(json.dumps(LITE))
    story = load(path)
    assert (story.text, story.memory, story.note_text) == ("The lift stopped. Nobody spoke.", LITE["memory"], "Noir.")

    story.append_take(" Rain.", "noir", 3)
    save(story, path)

    data = json.loads(path.read_text())
    assert data["actions"] == [" Nobody spoke.", " Rain."]
    assert {key: data[key] for key in LITE if "actions" not in key} == {
        key: LITE[key] for key in LITE if "actions" not in key
    }
    assert data["actions_metadata"]["0"] == LITE["actions_metadata"]["0"]
    again = load(path)
    assert again.spans == (Span(31), Span(6, True, "noir", 3))
    assert again.can_retry
    assert again.undo()
    assert again.text == "The lift stopped. Nobody spoke."


def test_hands_are_forgotten_where_lite_has_changed_the_text(tmp_path: Path) -> None:
    path = tmp_path / "lite.json"
    path.write_text(json.dumps(LITE))
    story = load(path)
    story.append_take(" Rain.", "noir", 3)
    save(story, path)
    data = json.loads(path.read_text())
    data["actions"].append(" Finished in Lite.")
    path.write_text(json.dumps(data))

    again = load(path)
    assert again.text.endswith(" Rain. Finished in Lite.")
    assert [span.by_model for span in again.spans] == [False]


def test_memory_and_note_go_back_into_lite(tmp_path: Path) -> None:
    path = tmp_path / "lite.json"
    path.write_text(json.dumps(LITE))
    story = load(path)
    story.memory, story.note = "Nora is a cat.", "Funny."
    save(story, path)

    data = json.loads(path.read_text())
    assert (data["memory"], data["authorsnote"], data["anotetemplate"]) == ("Nora is a cat.", "Funny.", "<|>")


def test_a_story_of_ours_becomes_lites(tmp_path: Path) -> None:
    export_lite(written(), tmp_path / "lite.json")

    data = json.loads((tmp_path / "lite.json").read_text())
    assert data["prompt"] + "".join(data["actions"]) == written().text
    assert data["actions"][-1] == " He slept."
    assert data["memory"] == "Nora."
    assert format_of(tmp_path / "lite.json") == "lite"
    assert state(load(tmp_path / "lite.json")) == state(written())


def test_a_story_read_from_lite_and_kept_as_ours_goes_back_whole(tmp_path: Path) -> None:
    (tmp_path / "lite.json").write_text(json.dumps(LITE))
    save(load(tmp_path / "lite.json"), tmp_path / "ours.json")
    export_lite(load(tmp_path / "ours.json"), tmp_path / "again.json")

    assert format_of(tmp_path / "ours.json") == "ours"
    assert json.loads((tmp_path / "again.json").read_text()) == LITE


pieces = st.lists(st.text(alphabet="ab .\n🙂", min_size=1, max_size=8), max_size=5)


@given(
    pieces, st.text(alphabet="ab .", max_size=8), st.dictionaries(st.sampled_from(["x", "worldinfo"]), st.integers())
)
def test_any_lite_story_grows_and_keeps_the_rest(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str], take: str, others: dict[str, int]
) -> None:
    path = tmp_path_factory.mktemp("lite") / "s.json"
    path.write_text(json.dumps({"gamestarted": True, "prompt": "It", "actions": actions, **others}))
    story = load(path)
    story.append_take(take, "a", 1)
    save(story, path)

    data = json.loads(path.read_text())
    assert data["prompt"] + "".join(data["actions"]) == "It" + "".join(actions) + take
    assert data["actions"][: len(actions)] == actions
    assert all(data[key] == value for key, value in others.items())
    assert state(load(path))[1:4] == state(story)[1:4]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"It rained.\n", b"It rained. Again.\n"),
        (b"It rained.", b"It rained. Again."),
        (b"It rained.\n\n", b"It rained.\n\n Again.\n"),
        (b"One.\r\nTwo.\r\n", b"One.\r\nTwo. Again.\r\n"),
        (b"\xef\xbb\xbfIt rained.\n", b"\xef\xbb\xbfIt rained. Again.\n"),
        ("Café.\n".encode("cp1252"), "Café. Again.\n".encode()),
        (b"", b" Again.\n"),
    ],
)
@pytest.mark.parametrize("name", ["s.txt", "s.md", "s"])
def test_plain_text_is_continued_as_it_is(tmp_path: Path, name: str, before: bytes, after: bytes) -> None:
    if name == "s" and not before:
        pytest.skip("an empty file says nothing of its format")
    (tmp_path / name).write_bytes(before)
    story = load(tmp_path / name)
    story.append_take(" Again.", "a", 1)
    save(story, tmp_path / name)

    assert (tmp_path / name).read_bytes() == after


def test_a_text_that_begins_with_a_brace_is_text(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("{a note}\n")
    assert load(tmp_path / "s.txt").text == "{a note}"


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"[]", b"{}", b'{"text": 5}', b"\xff\xfe", b"[" * 9999, b'{"a":' * 99999, b"\0" * 9]
)
def test_a_file_that_is_no_story_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.json").write_bytes(content)
    with pytest.raises(BadText, match=r"s\.json"):
        load(tmp_path / "s.json")


def test_no_file_a_folder_and_a_pipe_are_one_sentence_each(tmp_path: Path) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
    for name in ("missing.json", "pipe", "."):
        with pytest.raises(BadText):
            load(tmp_path / name)
    with pytest.raises(BadText):
        load(tmp_path / "a\0b")


def test_a_file_larger_than_any_story_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(BadText, match="larger than any story"):
        load(tmp_path / "huge.json")


def test_what_is_no_story_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"broken')
    with pytest.raises(BadText):
        save(written(), tmp_path / "s.json")
    assert (tmp_path / "s.json").read_text() == '{"broken'


def test_the_file_as_it_was_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_text("It rained.\n")
    for take in (" One.", " Two."):
        story = load(path)
        story.append_take(take, "a", 1)
        save(story, path, backup=True)

    assert path.read_text() == "It rained. One. Two.\n"
    assert backup_of(path).read_text() == "It rained.\n"


@pytest.mark.skipif(os.name == "nt", reason="rights are POSIX's")
def test_a_private_file_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    save(written(), path)
    path.chmod(0o600)
    story = load(path)
    story.append_take("!", "a", 1)
    save(story, path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((BadUsage, BadText)):
        save(written(), tmp_path / "file" / "s.json")


def test_lites_empty_story_is_lites() -> None:
    from kobold_modules.saves.lite import LiteStory

    assert lite_dict(LiteStory())["actions"] == []


# -- stories of other programs --


def kaistory(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_json", ".json"), content)
    return path


UNITED = {"file_version": 2, "prompt": "The lift stopped.", "actions": {"actions": {"0": {"Selected Text": " Dark."}}}}


def test_a_kaistory_is_read_and_goes_on_elsewhere(tmp_path: Path) -> None:
    """S05: a zip with a story.json in it."""
    zipped = kaistory(tmp_path / "a.kaistory", other_json=b"{}", story_json=json.dumps(UNITED).encode())
    before, story = zipped.read_bytes(), load(zipped)
    assert story.text == "The lift stopped. Dark."

    with pytest.raises(BadUsage, match="not written"):
        save(story, zipped)
    assert zipped.read_bytes() == before
    save(story, tmp_path / "a.lite.json")
    assert load(tmp_path / "a.lite.json").text == story.text


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "holds no story"),
        ({"story_json": b"{"}, "malformed"),
        ({"story_json": b"{}"}, "no story of KoboldAI"),
        ({"tensor.npy": b"x", "meta_json": b"{}"}, "a module, not a story"),
    ],
)
def test_a_zip_that_is_no_story_is_one_sentence(tmp_path: Path, members: dict[str, bytes], said: str) -> None:
    path = kaistory(tmp_path / "a.kaistory", **(members or {"notes.txt": b"x"}))
    with pytest.raises(BadText, match=said):
        load(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(BadText, match=r"a\.kaistory"):
        load(path)


def test_a_kaistory_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    path = kaistory(tmp_path / "a.kaistory", story_json=b" " * (MOST_BYTES + 1))
    with pytest.raises(BadText, match="claims"):
        load(path)


def test_a_story_of_novelai_is_read_and_goes_on_elsewhere(tmp_path: Path) -> None:
    """S06."""
    path = tmp_path / "pier.scenario"
    path.write_text(
        json.dumps({"scenarioVersion": 3, "title": "Pier", "prompt": "The tide turned.", "settings": {"a": 1}})
    )
    story = load(path)
    assert (story.title, story.text) == ("Pier", "The tide turned.")
    assert describe_unused(story) == "Not used here, and kept in its file: NovelAI's own settings."
    with pytest.raises(BadUsage, match="not written"):
        save(story, path)
    save(story, tmp_path / "pier.txt")
    assert (tmp_path / "pier.txt").read_text() == "The tide turned.\n"


def test_what_is_used_of_a_save_and_what_is_not_is_said(tmp_path: Path) -> None:
    """S09: also after it has become a story of ours."""
    path = tmp_path / "s.json"
    path.write_text(json.dumps(LITE | {"extrastopseq": "THE END", "tokenbans": "a||$||b"}))
    save(load(path), tmp_path / "ours.json", backup=False)
    for story in (load(path), load(tmp_path / "ours.json")):
        assert settings_of(story).stop == ("THE END",)
        assert describe_used(story) == "Used from this save: 1 stop string, 2 banned phrases and world info (1 entry)."
        assert describe_unused(story).endswith("sampler settings.")
    assert describe_unused(written()) == describe_used(written()) == ""
