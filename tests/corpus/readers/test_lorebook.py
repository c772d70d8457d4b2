"""A lorebook in a training: its entries that are switched on are the text, the others are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kobold_modules.corpus import read
from kobold_modules.errors import BadText
from tests.lorebook import cards, examples


PURE = [
    name
    for name in examples.FILES
    if name not in ("Markdown", "NovelAI scenario", "NovelAI story", "kaistory") and "KoboldAI" not in name
]


@pytest.mark.parametrize("name", PURE)
def test_what_is_switched_on_is_trained_and_what_is_off_is_told(name: str, tmp_path: Path) -> None:
    path = tmp_path / "skerry.any"
    path.write_bytes(examples.FILES[name])

    corpus = read([path])

    assert cards.KEEPER in corpus.text
    assert cards.LIGHT in corpus.text
    assert cards.RUMOUR not in corpus.text
    assert corpus.reports[0].encoding == "lorebook"
    if cards.RUMOUR.encode() in examples.FILES[name]:
        assert corpus.reports[0].left_out[0].words == 13
        assert "Switched off in the lorebook, so not trained: " in corpus.reports[0].warnings[0]


def test_an_entry_that_never_says_of_whom_has_its_title_in_front(tmp_path: Path) -> None:
    entries = [
        {"title": "Orla", "keys": ["keeper"], "content": "Sleeps by day."},
        {"title": "The light", "keys": ["lamp"], "content": "The lamp burns oil."},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"entries": entries}))

    assert read([tmp_path / "a.json"]).text == "Orla: Sleeps by day.\n\n* * *\n\nThe lamp burns oil."


def test_every_word_of_our_own_sample_world_is_there() -> None:
    path = Path(__file__).parents[3] / "sample_texts" / "world" / "lorebook.json"
    said = [entry["content"] for entry in json.loads(path.read_text())["entries"]]

    text = read([path]).text

    assert [content for content in said if content not in text] == []


def test_a_folder_is_searched_for_them_and_other_json_is_no_prose(tmp_path: Path) -> None:
    (tmp_path / "skerry.json").write_bytes(examples.FILES["SillyTavern"])
    (tmp_path / "settings.json").write_text('{"font": "Courier", "size": 12}')

    corpus = read([tmp_path])

    assert [document.name for document in corpus.documents] == ["skerry.json"]
    assert "looks like data (JSON)" in " ".join(corpus.describe())
    with pytest.raises(BadText, match=r"looks like data \(JSON\)"):
        read([tmp_path / "settings.json"])


def test_prose_that_begins_with_a_bracket_is_prose(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("[Enter Orla, with a lamp.] She keeps the light and sleeps by day.\n")

    assert "sleeps by day" in read([tmp_path / "a.txt"]).text


def test_a_card_without_a_lorebook_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(examples.png(examples.text_chunk(b"chara", {"spec": "chara_card_v2", "data": {}})))

    with pytest.raises(BadText, match="without a lorebook"):
        read([tmp_path / "a.png"])


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (1, "world.json holds nothing to learn: its one entry is switched off."),
        (2, "world.json holds nothing to learn: all of its 2 entries are switched off."),
        (0, "world.json holds nothing to learn: it has no entries."),
    ],
)
def test_a_lorebook_with_nothing_on_says_so(entries: int, said: str, tmp_path: Path) -> None:
    """Not that cleaning left nothing of it: a writer would look for the fault in the text."""
    one = {"key": ["Mara"], "comment": "Mara", "content": "Mara keeps the lighthouse at Orr.", "disable": True}
    file = tmp_path / "world.json"
    file.write_text(json.dumps({"entries": {str(at): {"uid": at, **one} for at in range(entries)}}))
    with pytest.raises(BadText) as raised:
        read([file])
    assert raised.value.message == said
    assert raised.value.hint
