"""Searching, filtering and sorting the shelf, without a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kobold_modules.library.library import Entry, Notes
from kobold_modules.soft_prompt.module import Card
from kobold_modules.tui.state.shelf_view import BROKEN, Look, Shelf, letters


def entry(name: str, kind: str = "style", problem: str = "", notes: Notes | None = None, **card: Any) -> Entry:
    made = Card(name, kind, **card)  # type: ignore[arg-type]
    return Entry(name, name, Path(f"/{name}.zip"), made, problem=problem, notes=notes or Notes())


def better(percent: float) -> dict[str, Any]:
    return {"bits_per_byte_with": 2.0 - percent / 50, "bits_per_byte_without": 2.0}


SHELF = Shelf(
    [
        entry("gothic house", description="Houses that watch.", measured=better(4), created="2026-11-01", model="b"),
        entry("harbour town", "world", tags=("sea",), created="2026-11-03"),
        entry("noir rain", measured=better(6), created="2026-11-02", model="a"),
        entry("old sea tales", "imported", notes=Notes(("Dark Water",), True)),
        entry("torn page", "imported", problem="It is cut short."),
    ]
)


def found(look: Look, **fits: Any) -> list[str]:
    return [entry.name for section in SHELF.look(look, **fits) for entry in section.entries]


def test_sections_in_order_and_none_empty() -> None:
    sections = SHELF.look(Look())
    assert [section.title for section in sections] == ["Style", "World", "Imported", BROKEN]
    assert sections[0].heading == "Style · 2 modules"
    assert Shelf().look(Look()) == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("noir", ["noir rain"]),
        ("NRN", ["noir rain"]),
        ("watch", ["gothic house"]),
        ("sea", ["old sea tales", "harbour town"]),  # in the name before in a tag
        ("#sea", ["harbour town"]),
        ("#dark", ["old sea tales"]),
        ("*", ["old sea tales"]),
        ("house goth", ["gothic house"]),
        ("house rain", []),
        ("zzz", []),
    ],
)
def test_search(query: str, names: list[str]) -> None:
    assert found(Look(query)) == names


def test_the_best_match_comes_first() -> None:
    shelf = Shelf([entry("a winter rain"), entry("rainbow"), entry("drainpipe"), entry("r a i n")])
    (section,) = shelf.look(Look("rain"))
    assert [entry.name for entry in section.entries] == ["rainbow", "a winter rain", "drainpipe", "r a i n"]


def test_sorting() -> None:
    assert found(Look(sort="newest"))[:2] == ["noir rain", "gothic house"]
    assert found(Look(sort="effect"))[:2] == ["noir rain", "gothic house"]
    assert found(Look(sort="model"))[:2] == ["noir rain", "gothic house"]
    assert found(Look(sort="name"))[:2] == ["gothic house", "noir rain"]
    assert found(Look("o", sort="newest"))[0] == "harbour town"
    assert [Look(sort=sort).next_sort() for sort in ("name", "newest", "effect", "model")] == [
        "newest",
        "effect",
        "model",
        "name",
    ]


def test_starred_ones_lead_their_section() -> None:
    shelf = Shelf([entry("a"), entry("b", notes=Notes(favourite=True))])
    assert [one.name for one in shelf.look(Look())[0].entries] == ["b", "a"]


def test_only_what_fits() -> None:
    assert found(Look(fitting=True), fits=lambda one: one.name != "noir rain") == [
        "gothic house",
        "harbour town",
        "old sea tales",
    ]


def test_tags_with_their_counts() -> None:
    assert SHELF.tags() == {"Dark Water": 1, "sea": 1}


def test_letters_together_before_letters_apart() -> None:
    assert letters("rain", "train rain") == [1, 2, 3, 4]
    assert letters("nr", "noir rain") == [0, 3]
    assert letters("x", "noir") == []
    assert letters("a" * 50 + "b", "a" * 5000) == []


def test_what_is_shown_is_told_in_a_few_words() -> None:
    assert Look().summary(12, 12, 0) == "12 modules"
    assert Look("noir", "effect", True).summary(3, 12, 1) == "3 of 12 · only what fits · best first · 1 selected"
