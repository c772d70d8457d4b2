"""Texts into sentences, and whether they are English."""

from __future__ import annotations

import pytest

from kobold_modules.self_study.sentences import is_english, split
from tests.self_study.worlds import GERMAN, MIRREN


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One came. Two went!", ["One came.", "Two went!"]),
        ("Dr. Reed met J. Alder. He left.", ["Dr. Reed met J. Alder.", "He left."]),
        ("“Stop!” she said. He did.", ["“Stop!” she said.", "He did."]),
        ("雨が降った。川が上がった。", ["雨が降った。", "川が上がった。"]),
        ("Age: 23\n- Tall\n- Grey", ["Age: 23", "- Tall", "- Grey"]),
        ("no end", ["no end"]),
        ("", []),
    ],
    ids=["plain", "abbreviations", "speech", "Japanese", "list", "no end", "empty"],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_languages() -> None:
    assert is_english(MIRREN.text) is True
    assert is_english(GERMAN.text) is False
    assert is_english("雨が降った。") is False
    assert is_english("Dead.") is None
