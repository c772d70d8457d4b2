"""T45: a saved story or a chat in a training: its text, whose lines it is, and what was left out."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kobold_modules.corpus import Corpus, read
from kobold_modules.corpus.readers import Source, recognise
from kobold_modules.errors import BadText
from kobold_modules.stories import file as story_file
from kobold_modules.stories.story import Story
from tests.corpus.readers.books import zipped
from tests.saves.msgpackr_bytes import document


FERRY = "The ferry did not run on Sundays, and nobody in the harbour could say since when."
LAMP = "Mara lit the lamp all the same, because a lamp that is lit is an invitation."
NIGHT = "By nine there was frost on the rope, and the water had stopped moving."


def chat(*messages: tuple[str, str], **header: Any) -> bytes:
    """Return a chat as SillyTavern saves it, with Tom at the keyboard."""
    values: list[Any] = [{"user_name": "Tom", "character_name": "Mara", "chat_metadata": {}, **header}]
    values += [{"name": name, "is_user": name == "Tom", "is_system": False, "mes": mes} for name, mes in messages]
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def lite(**members: Any) -> dict[str, Any]:
    return {"gamestarted": True, "prompt": FERRY, "actions": [f"\n{LAMP}", f"\n{NIGHT}"], "memory": "Cold.", **members}


def ours() -> dict[str, Any]:
    story = Story("Pier", f"{FERRY}\n", note="Dry.")
    story.append_take(f"{LAMP}\n", "noir")
    story.edit(story.text + NIGHT)
    return story.to_dict(1000)


FILES: dict[str, bytes] = {
    "ours": json.dumps(ours()).encode(),
    "KoboldAI Lite": json.dumps(lite()).encode(),
    "KoboldAI Lite in UTF-16": json.dumps(lite()).encode("utf-16"),
    "kaistory": zipped({"story.json": json.dumps(lite())}),
    "United": json.dumps(
        lite(
            actions={"actions": {"0": {"Selected Text": f"\n{LAMP}"}, "1": {"Selected Text": f"\n{NIGHT}"}}},
            file_version=2,
        )
    ).encode(),
    "NovelAI scenario": json.dumps({"scenarioVersion": 3, "prompt": f"{FERRY}\n{LAMP}\n{NIGHT}"}).encode(),
    "NovelAI story": json.dumps(
        {
            "storyContainerVersion": 1,
            "content": {"document": base64.b64encode(document([FERRY, LAMP, NIGHT])).decode()},
        }
    ).encode(),
    "NovelAI story of its first editor": json.dumps(
        {
            "storyContainerVersion": 1,
            "content": {
                "story": {
                    "fragments": [
                        {"data": FERRY, "origin": "prompt"},
                        {"data": f"\n{LAMP}\n{NIGHT}", "origin": "ai"},
                    ]
                }
            },
        }
    ).encode(),
    "SillyTavern": chat(("Mara", FERRY), ("Tom", LAMP), ("Mara", NIGHT)),
    "a chat in one document": json.dumps(
        {"messages": [{"role": "user", "content": FERRY}, {"role": "assistant", "content": f"{LAMP}\n\n{NIGHT}"}]}
    ).encode(),
}


def opened(tmp_path: Path, data: bytes, *, speakers: Sequence[str] = ()) -> Corpus:
    """Read ``data`` from a file whose name says nothing."""
    path = tmp_path / "novel.txt"
    path.write_bytes(data)
    return read([path], speakers=speakers)


@pytest.mark.parametrize("name", FILES)
def test_its_text_is_read_by_content_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    corpus = opened(tmp_path, FILES[name])
    assert corpus.text.split() == f"{FERRY} {LAMP} {NIGHT}".split()
    assert corpus.reports[0].encoding in ("saved story", "chat")


def test_a_long_save_has_a_paragraph_for_each_line(tmp_path: Path) -> None:
    story = [f"{FERRY} {number} times it was asked. {LAMP}" if number % 3 else FERRY for number in range(40)]
    corpus = opened(tmp_path, json.dumps(lite(prompt=story[0], actions=["\n" + line for line in story[1:]])).encode())
    assert corpus.text.split("\n\n") == story


def test_what_is_no_story_is_counted(tmp_path: Path) -> None:
    corpus = opened(tmp_path, json.dumps(lite(worldinfo=[{"key": "Tom", "content": "A ferryman."}])).encode())
    assert "Left out: memory (1 word), world info (2 words)." in corpus.describe()[1]


def test_the_report_says_how_many_words_the_model_wrote(tmp_path: Path) -> None:
    assert "You wrote 30 words and the model wrote 16 words of it." in opened(tmp_path, FILES["ours"]).describe()[1]


def test_a_story_on_disk_gives_what_it_shows(tmp_path: Path) -> None:
    path = tmp_path / "pier.json"
    story_file.save(Story.from_dict(ours()), path)
    assert read([path]).text.split() == f"{FERRY} {LAMP} {NIGHT}".split()


def test_one_hand_of_a_story_by_choice(tmp_path: Path) -> None:
    mine = opened(tmp_path, FILES["ours"], speakers=["you"])
    assert LAMP not in mine.text
    assert mine.text.split() == f"{FERRY} {NIGHT}".split()
    assert opened(tmp_path, FILES["ours"], speakers=["model"]).text == LAMP


def test_a_save_that_does_not_say_who_wrote_it_is_taken_whole_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "chat.jsonl").write_bytes(FILES["SillyTavern"])
    (tmp_path / "save.json").write_bytes(FILES["NovelAI scenario"])
    corpus = read([tmp_path], speakers=["you"])
    assert "This save does not say who wrote what, so all of its story was taken." in corpus.reports[1].warnings[0]


def test_headings_of_a_story_are_chapters(tmp_path: Path) -> None:
    text = f"# One\n\n{FERRY}\n\n* * *\n\n{LAMP}\n\n# Two\n\n{NIGHT}"
    corpus = opened(tmp_path, json.dumps({"kobold_modules_story": 1, "text": text}).encode())
    assert corpus.text == f"{FERRY}\n\n* * *\n\n{LAMP}\n\n* * *\n\n{NIGHT}"
    assert (corpus.reports[0].chapters, corpus.reports[0].scene_breaks) == (2, 1)


def test_one_speaker_of_a_chat_by_choice(tmp_path: Path) -> None:
    data = FILES["SillyTavern"]
    assert opened(tmp_path, data, speakers=["mara"]).text == f"{FERRY}\n\n{NIGHT}"
    assert opened(tmp_path, data, speakers=["you"]).text == LAMP
    assert opened(tmp_path, data, speakers=["Tom", "Mara"]).text == opened(tmp_path, data).text
    said = opened(tmp_path, data, speakers=["Mara"]).describe()[1]
    assert "Written by Mara (30 words), Tom (16 words). Left out: lines of other speakers (16 words)." in said


def test_a_speaker_who_is_not_there_is_one_sentence_with_those_who_are(tmp_path: Path) -> None:
    with pytest.raises(BadText, match="has no lines by Ilse") as found:
        opened(tmp_path, FILES["SillyTavern"], speakers=["Ilse"])
    assert found.value.hint == "Its speakers, with their words: Mara (30), Tom (16)."


@pytest.mark.parametrize("data", [FERRY.encode(), FILES["KoboldAI Lite"], FILES["ours"]], ids=["text", "Lite", "ours"])
def test_a_speaker_in_what_is_no_chat_is_one_sentence(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadText, match="Nothing here is a chat with lines by Ilse"):
        opened(tmp_path, data, speakers=["Ilse"])


def test_a_novel_beside_a_chat_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LAMP)
    (tmp_path / "b.jsonl").write_bytes(chat(("Mara", FERRY), ("Tom", "Yes.")))
    assert read([tmp_path], speakers=["Mara"]).text == f"{LAMP}\n\n* * *\n\n{FERRY}"


def test_signs_of_markdown_in_messages_are_no_words(tmp_path: Path) -> None:
    corpus = opened(tmp_path, chat(("Mara", f"> {FERRY}\n## Later\n{LAMP}\n---\n**{NIGHT}**")))
    assert corpus.text == f"{FERRY}\n\n* * *\n\n{LAMP}\n\n* * *\n\n{NIGHT}"


def test_conversations_of_one_file_are_parted(tmp_path: Path) -> None:
    talk = [{"messages": [{"role": "user", "content": said}]} for said in (FERRY, LAMP)]
    assert opened(tmp_path, json.dumps(talk).encode()).text == f"{FERRY}\n\n* * *\n\n{LAMP}"
    lines = "\n".join(map(json.dumps, talk)).encode()
    assert opened(tmp_path, lines).text == f"{FERRY}\n\n* * *\n\n{LAMP}"


def test_a_save_without_a_story_is_the_lorebook_in_it(tmp_path: Path) -> None:
    world = [{"key": "Tom", "content": "Tom is the ferryman of the harbour."}]
    corpus = opened(tmp_path, json.dumps(lite(prompt="", actions=[], worldinfo=world)).encode())
    assert corpus.reports[0].encoding == "lorebook"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (FILES["KoboldAI Lite"][:150], r"data \(JSON\) that is cut short"),
        (b'{"text": "a"}\n{"text": "b"}\n', r"data \(JSON lines\)"),
        (json.dumps({"actions": [{"text": "a"}], "prompt": "b"}).encode(), "its actions are no list of texts"),
        (zipped({"story.json": "[]"}), "no story of KoboldAI"),
        (b'{"storyContainerVersion": 1, "content": {"document": "AAAA"}}', "NovelAI"),
    ],
    ids=["cut short", "lines of other data", "actions", "zip", "document"],
)
def test_what_cannot_be_read_is_one_sentence(data: bytes, what: str, tmp_path: Path) -> None:
    with pytest.raises(BadText, match=what):
        opened(tmp_path, data)


def test_halves_of_characters_are_no_reason_to_fail(tmp_path: Path) -> None:
    corpus = opened(tmp_path, chat(("Ma\x1bra", f"{FERRY} \ud83d"), ("Tom", LAMP)))
    assert FERRY in corpus.text
    assert "\x1b" not in " ".join(corpus.describe())


def try_to_read(data: bytes) -> None:
    """Read ``data`` as whatever it looks like; an error of ours is as good as a text."""
    for speakers in ((), ("you",)):
        with suppress(BadText):
            source = Source("save", data, None, speakers)
            reader = recognise(source)
            if reader is not None:
                reader.read(source).prose().encode()


LOOK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
odd: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=3)
    | st.builds(lambda: [[1], "a"])
    | st.builds(list)
    | st.builds(dict)
)


@pytest.mark.parametrize("name", FILES)
@LOOK
@given(data=st.data())
def test_a_file_cut_short_or_altered_is_a_text_or_a_sentence(name: str, data: st.DataObject) -> None:
    altered = bytearray(FILES[name])
    for place in data.draw(st.lists(st.integers(0, len(altered) - 1), max_size=3)):
        altered[place] = data.draw(st.integers(0, 255))
    try_to_read(bytes(altered[: data.draw(st.integers(0, len(altered)))]))


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("kaistory", "KoboldAI Lite in UTF-16")])
@LOOK
@given(data=st.data())
def test_values_of_odd_types_are_a_text_or_a_sentence(name: str, data: st.DataObject) -> None:
    values = [json.loads(line) for line in FILES[name].splitlines()]
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = data.draw(st.sampled_from(values))
        while isinstance(place, dict | list) and place:
            key = data.draw(st.sampled_from([*place] if isinstance(place, dict) else [*range(len(place))]))
            if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
                place[key] = data.draw(odd)
                break
            place = place[key]
    try_to_read("\n".join(map(json.dumps, values)).encode())
