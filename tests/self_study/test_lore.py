"""Lore of every kind becomes entries that a teacher can read at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kobold_modules.errors import BadInput
from kobold_modules.self_study import Relation, read_lore
from kobold_modules.self_study.lore import LONGEST_PASSAGE, of_text


SAMPLE = Path(__file__).resolve().parents[2] / "sample_texts" / "world" / "lorebook.json"


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_our_sample_has_its_entries_with_relations_by_title() -> None:
    lore = read_lore([SAMPLE])

    assert len(lore.entries) == 55
    hollub = lore.entries[0]
    assert hollub.title == "Hollub of the Three-Nail Door"
    assert hollub.keys == ("Hollub",)  # the title is not said twice
    assert hollub.group == "person"
    assert Relation("father of", "Dessa of the Three-Nail Door") in hollub.relations


def test_entries_that_are_switched_off_are_left_out_and_named(tmp_path: Path) -> None:
    book = {
        "entries": {
            "0": {"uid": 0, "comment": "Mirren", "key": ["Mirren"], "content": "She keeps the toll.", "disable": False},
            "1": {"uid": 1, "comment": "Old gate", "key": ["gate"], "content": "It fell.", "disable": True},
        }
    }

    lore = read_lore([write(tmp_path, "book.json", book)])

    assert [entry.title for entry in lore.entries] == ["Mirren"]
    assert lore.left_out == ("Old gate",)


def test_a_bible_in_markdown_has_an_entry_a_heading(tmp_path: Path) -> None:
    lore = read_lore([write(tmp_path, "bible.md", "# Mirren\nShe keeps the toll.\n\n# Joss\nHe cannot swim.\n")])

    assert [(entry.title, entry.about) for entry in lore.entries] == [("Mirren", True), ("Joss", True)]


@pytest.mark.parametrize(
    "paragraphs",
    [
        ("MIRREN. She keeps the toll.", "PORT ALDER. A town of brick.", "THE SWANS. They bite."),
        ("Mirren: She keeps the toll.", "Port Alder: A town of brick.", "The Swans: They bite."),
        ("**Mirren** – She keeps the toll.", "**Port Alder** – A town of brick.", "**The Swans** – They bite."),
    ],
    ids=["capitals", "colons", "dashes"],
)
def test_a_gazetteer_has_an_entry_a_paragraph(paragraphs: tuple[str, ...]) -> None:
    lore = of_text("\n\n".join(paragraphs), "gazetteer")

    assert [entry.title for entry in lore.entries] == ["Mirren", "Port Alder", "The Swans"]
    assert lore.entries[0].text == "She keeps the toll."


def test_plain_lore_is_read_in_passages_that_are_not_about_their_title(tmp_path: Path) -> None:
    text = "\n\n".join(
        f"On day {number} the river rose and the millers met again in the cellar." for number in range(90)
    )

    lore = read_lore([write(tmp_path, "chronicle.txt", text)])

    assert len(lore.entries) > 1
    assert not any(entry.about for entry in lore.entries)
    assert all(len(entry.text.encode()) <= LONGEST_PASSAGE for entry in lore.entries)
    assert " ".join(" ".join(entry.text for entry in lore.entries).split()) == " ".join(text.split())


def test_an_entry_of_100_kilobytes_is_divided_without_losing_a_letter(tmp_path: Path) -> None:
    text = "x" * 50_000 + " " + "Mirren counted. " * 3_000
    book = {"entries": [{"title": "Mirren", "keys": ["Mirren"], "content": text}]}

    lore = read_lore([write(tmp_path, "book.json", book)])

    assert all(len(entry.text.encode()) <= LONGEST_PASSAGE for entry in lore.entries)
    assert "".join("".join(entry.text.split()) for entry in lore.entries) == "".join(text.split())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.json", ""),
        ("none.json", {"entries": []}),
        ("off.json", {"entries": {"0": {"uid": 0, "key": ["a"], "content": "b", "disable": True}}}),
        ("blank.json", {"entries": [{"title": "Mirren", "keys": [], "content": "   "}]}),
        ("broken.json", '{"entries": ['),
        ("space.txt", "  \n\n "),
    ],
    ids=["empty", "no entries", "all off", "blank", "cut short", "space"],
)
def test_a_file_without_lore_is_one_sentence(tmp_path: Path, name: str, content: object) -> None:
    with pytest.raises(BadInput) as caught:
        read_lore([write(tmp_path, name, content)])

    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message


def test_a_folder_of_notes_is_a_world_with_its_folders_for_areas(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    write(tmp_path / "people", "Mirren.md", "She keeps the toll in [[Port Alder|the port]], and counts to eight.")
    write(tmp_path / "people", "Joss.md", "# Joss Reed\nHe cannot swim, as [[Mirren]] knows.")
    write(tmp_path, "book.json", {"entries": [{"title": "Port Alder", "keys": [], "content": "A town of brick."}]})
    write(tmp_path, "stray.json", "{")

    lore = read_lore([tmp_path])

    assert {(entry.title, entry.group, entry.about) for entry in lore.entries} == {
        ("Mirren", "people", True),
        ("Joss Reed", "people", True),
        ("Port Alder", "", True),
    }
    assert not any("[[" in entry.text for entry in lore.entries)
    assert "knows" in next(entry.text for entry in lore.entries if entry.title == "Joss Reed")


def test_tags_are_no_part_of_what_an_entry_says(tmp_path: Path) -> None:
    book = {
        "entries": [
            {"title": "Mirren", "keys": [], "content": "<b>She</b> keeps<br/>the <i class='x'>toll</i>, 2 < 3."}
        ]
    }

    assert read_lore([write(tmp_path, "book.json", book)]).entries[0].text == "She keeps\nthe toll, 2 < 3."


def test_control_characters_of_strangers_do_not_get_in(tmp_path: Path) -> None:
    book = {
        "entries": [{"title": "Mir\x1b[31mren\x07", "keys": ["\x00a"], "content": "She\x1b[2J keeps\x00 the toll."}]
    }

    entry = read_lore([write(tmp_path, "book.json", book)]).entries[0]

    assert entry.view.replace("\n", "").isprintable()
