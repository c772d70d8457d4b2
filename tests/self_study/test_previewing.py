"""Before a world is trained one sees what it would learn: entries, what is left out, and questions as they will be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kobold_modules.corpus.lore_preview import LorePreview
from kobold_modules.self_study.previewing import QUESTIONS, preview


ENTRIES = {
    "0": {
        "uid": 0,
        "comment": "Orla Venn",
        "key": ["Orla", "keeper"],
        "content": "Orla Venn keeps the light on Skerry Rock. She has one grey cat and 12 brass lamps.",
    },
    "1": {
        "uid": 1,
        "comment": "Skerry Rock",
        "key": ["Skerry"],
        "content": "Skerry Rock is an island of slate. Its tower was built by Tam Oslin in 1874.",
    },
    "2": {"uid": 2, "comment": "The Drowned Bell", "key": ["bell"], "content": "It rings at ebb.", "disable": True},
}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "skerry.json"
    path.write_text(json.dumps({"entries": ENTRIES}), encoding="utf-8")
    return path


def test_entries_keys_and_what_is_switched_off(book: Path) -> None:
    found = preview([book])
    assert [(entry.title, entry.keys) for entry in found.entries] == [
        ("Orla Venn", ("Orla", "keeper")),
        ("Skerry Rock", ("Skerry",)),
    ]
    assert (found.count, found.left_out, found.problem) == (2, ("The Drowned Bell",), "")
    assert found.words == sum(entry.words for entry in found.entries)


def test_questions_are_whole_and_answered_from_their_entry(book: Path) -> None:
    found = preview([book])
    assert 2 <= len(found.questions) <= QUESTIONS
    assert {asked.entry for asked in found.questions} == {"Orla Venn", "Skerry Rock"}
    for asked in found.questions:
        assert asked.question.endswith("?")
        assert asked.answer
        assert "Answer:" not in asked.question


def test_what_is_no_lore_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "off.json").write_text(json.dumps({"entries": {"2": ENTRIES["2"]}}), encoding="utf-8")
    assert "nothing to learn" in preview([tmp_path / "off.json"]).problem
    assert "no file" in preview([tmp_path / "nowhere.txt"]).problem


def test_the_process_prints_it_and_loads_no_model(book: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['x', sys.argv[1]];"
        "runpy.run_module('kobold_modules.self_study.previewing', run_name='__main__');"
        "assert not {'torch', 'llama_cpp', 'transformers'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(book)], capture_output=True, check=True)
    assert LorePreview.from_json(ran.stdout) == preview([book])
