"""Which pages an evaluation reads: those the training kept back, where its sources are still the same, or new ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.corpus import read, split
from kobold_modules.drain import drain
from kobold_modules.errors import BadText
from kobold_modules.evaluation.control_texts import samples_folder
from kobold_modules.evaluation.pages import Pages, pages_of
from kobold_modules.soft_prompt.module import Card


NOIR = samples_folder() / "noir" / "the-long-drop.txt"


def card_of(*files: Path) -> Card:
    sources = ({"name": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()} for file in files)
    return Card("noir", sources=tuple(sources))


def pages(card: Card, texts: Sequence[str] = (), noted: Mapping[str, Any] | None = None) -> Pages:
    return drain(pages_of(card, texts, noted or {}))


def test_the_pages_that_the_training_kept_back_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "mine.txt"
    own.write_bytes(NOIR.read_bytes())
    expected = split(read([own]))

    for found in (pages(card_of(own), noted={"files": [str(own)]}), pages(card_of(own), [str(own)])):
        assert found.held_out == expected.held_out
        assert found.train == expected.train
    monkeypatch.chdir(tmp_path)  # by its name in the current folder
    assert pages(card_of(own)).held_out == expected.held_out
    assert pages(card_of(NOIR)).held_out == expected.held_out  # and among the samples


def test_a_source_that_has_changed_is_not_what_it_was_trained_on(tmp_path: Path) -> None:
    own = tmp_path / "mine.txt"
    own.write_bytes(NOIR.read_bytes())
    card = card_of(own)
    own.write_bytes(NOIR.read_bytes() + b"\n\nOne more page, written since.")

    with pytest.raises(BadText, match="not where they were") as caught:
        pages(card, noted={"files": [str(own)]})
    assert "--texts" in caught.value.hint


def test_new_pages_are_taken_whole_and_those_trained_on_are_left_out(tmp_path: Path) -> None:
    new, old, gone = tmp_path / "new.txt", tmp_path / "old.txt", tmp_path / "gone.txt"
    new.write_text("A page that nobody has seen before. " * 40)
    old.write_text("A page that the module was trained on. " * 40)
    gone.write_text("Another page, which is no longer at hand. " * 40)
    card = card_of(old, gone)
    gone.unlink()

    found = pages(card, [str(new), str(old)])
    assert len(found.held_out) == 1
    assert "nobody has seen" in found.held_out[0]
    assert found.train == ()
    assert found.notes == ("1 of these texts were trained on, and are left out.",)
    with pytest.raises(BadText, match="trained on these pages"):
        pages(card, [str(old)])


def test_a_card_of_a_stranger_leads_nowhere(tmp_path: Path) -> None:
    card = Card("x", sources=({"name": "../../etc/passwd", "sha256": "0" * 64}, {"name": "/etc/hosts", "sha256": "1"}))
    with pytest.raises(BadText):
        pages(card)
