"""Entries that name each other are read together, as many as fit."""

from __future__ import annotations

from kobold_modules.self_study import LoreEntry
from kobold_modules.self_study.groups import groups_of, links_between
from tests.self_study.worlds import COUNCIL, JOSS, MIRREN, PORT, WORLD


def test_names_keys_and_relations_link_entries_both_ways() -> None:
    links = links_between(WORLD)

    assert links[0] == {1, 2, 3}  # Mirren: her son, her employers, and the town she lost two fingers in
    assert all(0 in links[other] for other in links[0])
    assert 3 not in links[2]


def test_a_group_holds_what_is_linked_and_fits() -> None:
    sizes = {MIRREN: 40, JOSS: 30, COUNCIL: 20, PORT: 20}

    groups = groups_of(WORLD, 75, lambda entry: sizes[entry])

    assert groups[0][0] is MIRREN
    assert all(sum(sizes[entry] for entry in group) <= 75 for group in groups)
    assert sorted(entry.title for group in groups for entry in group) == sorted(entry.title for entry in WORLD)
    assert len(groups[0]) == 2


def test_an_entry_that_does_not_fit_is_alone_and_strangers_are_apart() -> None:
    long = LoreEntry("The Long One", (), "x" * 500)
    other = LoreEntry("Elsewhere", (), "Quiet.")

    assert groups_of([long, other], 100, lambda entry: len(entry.text)) == [(long,), (other,)]


def test_entries_of_one_folder_are_read_together_though_they_do_not_name_each_other() -> None:
    north = [LoreEntry(f"Hill {number}", (), "Bare.", (), "the north") for number in "AB"]
    south = [LoreEntry(f"Marsh {number}", (), "Wet.", (), "the south") for number in "AB"]

    groups = groups_of([north[0], south[0], north[1], south[1]], 100, lambda entry: 10)

    assert groups == [tuple(north), tuple(south)]


def test_ten_thousand_entries_are_grouped() -> None:
    entries = [LoreEntry(f"Place number {number}", (), f"Near Place number {number + 1}.") for number in range(10_000)]

    groups = groups_of(entries, 100, lambda entry: 20)

    assert sum(map(len, groups)) == 10_000
    assert max(map(len, groups)) == 5
