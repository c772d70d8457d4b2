"""The table of cases: which entries a story calls in, as SillyTavern's documentation has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kobold_modules.lorebook import Entry, Lorebook
from kobold_modules.lorebook.activation import Activation, Scan, activate


def tokens(text: str) -> int:
    """Count a token a word, and one for the end of the line."""
    return len(text.split()) + 1


def entry(name: str, *keys: str, text: str = "", **more: Any) -> Entry:
    return Entry(title=name, keys=keys or (name,), text=text or f"{name} is known.", **more)


def look(story: str, *entries: Entry, scan: Scan | None = None, **book: Any) -> Activation:
    return activate([Lorebook(entries, **book)], story, tokens, scan)


def names(found: Activation) -> list[str]:
    return [active.entry.title for active in found.active]


FAR = "Orla slept.\n" + "The sea was grey.\n" * 30
KEEPER = entry("keeper", "Orla")
NOT: dict[str, Any] = {"secondary_keys": ("fog", "night")}
COW = entry("Bessie", text="Bessie is a cow and is friends with Rufus.")
DOG = entry("Rufus", text="Rufus is a dog.")
CHAIN = (entry("a", text="then b"), entry("b", text="then c"), entry("c", text="the end"))

TABLE: dict[str, tuple[str, tuple[Entry, ...], Scan, list[str]]] = {
    "a key in the story": ("Orla woke.", (KEEPER,), Scan(), ["keeper"]),
    "no key in the story": ("The sea was grey.", (KEEPER,), Scan(), []),
    "an empty story": ("", (KEEPER, entry("sky", always=True)), Scan(), ["sky"]),
    "always": ("The sea.", (entry("sky", always=True),), Scan(), ["sky"]),
    "always but off": ("The sea.", (entry("sky", always=True, enabled=False),), Scan(), []),
    "off": ("Orla woke.", (replace(KEEPER, enabled=False),), Scan(), []),
    "without keys": ("Orla woke.", (Entry(title="x", text="y"),), Scan(), []),
    "without text": ("Orla woke.", (entry("keeper", "Orla", text=" "),), Scan(), []),
    "a second key": ("the keeper woke", (entry("keeper", "Orla", "keeper"),), Scan(), ["keeper"]),
    "a pattern": ("the lamps", (entry("light", r"/l(amp|ight)s?/"),), Scan(), ["light"]),
    # The four logics of secondary keys, each with none, one and both of them in the story.
    "and any, none": ("Orla woke.", (entry("keeper", "Orla", logic="and any", **NOT),), Scan(), []),
    "and any, one": ("Orla, in fog.", (entry("keeper", "Orla", logic="and any", **NOT),), Scan(), ["keeper"]),
    "and any, both": ("Orla, fog, night.", (entry("keeper", "Orla", logic="and any", **NOT),), Scan(), ["keeper"]),
    "and all, none": ("Orla woke.", (entry("keeper", "Orla", logic="and all", **NOT),), Scan(), []),
    "and all, one": ("Orla, in fog.", (entry("keeper", "Orla", logic="and all", **NOT),), Scan(), []),
    "and all, both": ("Orla, fog, night.", (entry("keeper", "Orla", logic="and all", **NOT),), Scan(), ["keeper"]),
    "not any, none": ("Orla woke.", (entry("keeper", "Orla", logic="not any", **NOT),), Scan(), ["keeper"]),
    "not any, one": ("Orla, in fog.", (entry("keeper", "Orla", logic="not any", **NOT),), Scan(), []),
    "not any, both": ("Orla, fog, night.", (entry("keeper", "Orla", logic="not any", **NOT),), Scan(), []),
    "not all, none": ("Orla woke.", (entry("keeper", "Orla", logic="not all", **NOT),), Scan(), ["keeper"]),
    "not all, one": ("Orla, in fog.", (entry("keeper", "Orla", logic="not all", **NOT),), Scan(), ["keeper"]),
    "not all, both": ("Orla, fog, night.", (entry("keeper", "Orla", logic="not all", **NOT),), Scan(), []),
    "not any without the first key": ("calm", (entry("keeper", "Orla", logic="not any", **NOT),), Scan(), []),
    "secondary keys that are not asked for": (
        "Orla woke.",
        (entry("keeper", "Orla", selective=False, **NOT),),
        Scan(),
        ["keeper"],
    ),
    "a secondary pattern": (
        "Orla, 9 o'clock",
        (entry("keeper", "Orla", secondary_keys=(r"/\d/",)),),
        Scan(),
        ["keeper"],
    ),
    "keys that keep it out": ("Orla by day", (entry("keeper", "Orla", exclude_keys=("day",)),), Scan(), []),
    # Scan depth, in paragraphs.
    "too far back": (FAR, (KEEPER,), Scan(), []),
    "deep enough": (FAR, (KEEPER,), Scan(depth=31), ["keeper"]),
    "one paragraph too few": (FAR, (KEEPER,), Scan(depth=30), []),
    "an entry's own depth": (FAR, (replace(KEEPER, scan_depth=31),), Scan(depth=1), ["keeper"]),
    "an entry's own depth is small": ("Orla.\nThe sea.", (replace(KEEPER, scan_depth=1),), Scan(), []),
    "empty lines are no paragraphs": ("Orla.\n\n\n\nThe sea.", (replace(KEEPER, scan_depth=2),), Scan(), ["keeper"]),
    "no depth": ("Orla woke.", (KEEPER,), Scan(depth=0), []),
    "characters, as NovelAI counts": ("Orla " + "x" * 50, (replace(KEEPER, search_range=40),), Scan(), []),
    "enough characters": ("Orla " + "x" * 50, (replace(KEEPER, search_range=60),), Scan(), ["keeper"]),
    # Recursion.
    "an entry calls another": ("Bessie lowed.", (COW, DOG), Scan(), ["Bessie", "Rufus"]),
    "no recursion": ("Bessie lowed.", (COW, DOG), Scan(recursive=False), ["Bessie"]),
    "no further recursion": ("Bessie lowed.", (replace(COW, prevent_recursion=True), DOG), Scan(), ["Bessie"]),
    "not by recursion": ("Bessie lowed.", (COW, replace(DOG, exclude_recursion=True)), Scan(), ["Bessie"]),
    "not by recursion, but by the story": ("Rufus ran.", (replace(DOG, exclude_recursion=True),), Scan(), ["Rufus"]),
    "a chain": ("a", CHAIN, Scan(), ["a", "b", "c"]),
    "a chain of one pass": ("a", CHAIN, Scan(passes=1), ["a"]),
    "a chain of two passes": ("a", CHAIN, Scan(passes=2), ["a", "b"]),
    "only by recursion": ("Rufus ran.", (replace(DOG, delay_recursion=1),), Scan(), []),
    "only by recursion, and is": ("Bessie lowed.", (COW, replace(DOG, delay_recursion=1)), Scan(), ["Bessie", "Rufus"]),
    "levels of delay": (
        "a",
        (entry("a", text="then b"), entry("b", delay_recursion=2, text="then c"), entry("c", delay_recursion=1)),
        Scan(),
        ["a", "b", "c"],
    ),
    "round and round": ("a", (entry("a", text="b"), entry("b", text="a")), Scan(), ["a", "b"]),
    "an always entry calls others": ("", (entry("sky", always=True, text="Rufus"), DOG), Scan(), ["sky", "Rufus"]),
    # Chance.
    "never": ("Orla woke.", (replace(KEEPER, probability=0),), Scan(), []),
    "never, though always": ("", (entry("sky", always=True, probability=0),), Scan(), []),
    # Decorators of version 3 cards.
    "a decorator: always": ("", (entry("sky", "x", text="@@activate\nThe sky is grey."),), Scan(), ["sky"]),
    "a decorator: never": ("sky", (entry("sky", text="@@dont_activate\nGrey."),), Scan(), []),
    "a decorator: depth": ("Orla.\nThe sea.", (entry("keeper", "Orla", text="@@scan_depth 1\nx"),), Scan(), []),
    "a decorator: keys": ("Finn", (entry("keeper", "Orla", text="@@additional_keys Finn, F.\nx"),), Scan(), ["keeper"]),
    "a decorator: keep out": ("Orla by day", (entry("keeper", "Orla", text="@@exclude_keys day\nx"),), Scan(), []),
}


@pytest.mark.parametrize("case", TABLE)
def test_a_story_calls_in(case: str) -> None:
    story, entries, scan, expected = TABLE[case]

    assert names(look(story, *entries, scan=scan)) == expected


def test_a_higher_order_stands_nearer_to_the_end() -> None:
    found = look("a b c", entry("b", order=200), entry("a", order=5), entry("c", order=100))

    assert names(found) == ["a", "c", "b"]


def test_what_stands_at_a_depth_is_nearest_to_the_story() -> None:
    found = look("a b c", entry("a", position=4, order=1), entry("b", position=1, order=2), entry("c", order=900))

    assert names(found) == ["c", "b", "a"]


def test_the_budget_goes_to_always_then_by_order_and_ends_with_the_first_that_does_not_fit() -> None:
    entries = (
        entry("low", order=1),
        entry("high", order=900),
        entry("wide", order=500, text="many words " * 10),
        entry("sky", always=True, order=0),
    )

    found = look("low high wide", *entries, scan=Scan(budget=12))

    assert names(found) == ["sky", "high"]
    assert found.tokens == 8
    assert [one.title for one in found.crowded_out] == ["wide", "low"]


def test_what_the_story_calls_comes_before_what_entries_call() -> None:
    """An entry of a high order that is called by another entry does not take the place of one the story names."""
    found = look(
        "a low",
        entry("a", text="then rich", order=10),
        entry("low", order=1),
        entry("rich", order=900),
        scan=Scan(budget=8),
    )

    assert names(found) == ["low", "a"]


def test_a_spent_budget_ends_recursion() -> None:
    found = look("a", entry("a", text="b " * 20), entry("b"), scan=Scan(budget=10))

    assert names(found) == []
    assert [one.title for one in found.crowded_out] == ["a"]


def test_an_entry_may_stand_outside_the_budget() -> None:
    found = look(
        "a b c", entry("a", order=3), entry("b", order=2), entry("c", order=1, ignore_budget=True), scan=Scan(budget=5)
    )

    assert names(found) == ["c", "a"]


def test_of_a_group_one_comes_and_the_same_one_for_the_same_seed() -> None:
    songs = [entry(name, "song", group="songs") for name in "abcdef"]

    winners = [names(look("a song", *songs, scan=Scan(seed=seed))) for seed in range(40)]

    assert all(len(winner) == 1 for winner in winners)
    assert len({winner[0] for winner in winners}) > 3
    assert winners[:10] == [names(look("a song", *songs, scan=Scan(seed=seed))) for seed in range(10)]


def test_a_weight_of_nothing_never_wins_its_group() -> None:
    light, heavy = entry("light", "song", group="songs", group_weight=0), entry("heavy", "song", group="songs")

    assert {names(look("song", light, heavy, scan=Scan(seed=seed)))[0] for seed in range(20)} == {"heavy"}


def test_order_chooses_in_a_group_where_it_is_asked_to() -> None:
    first = [entry(name, "song", group="songs", group_first=True, order=order) for name, order in (("a", 1), ("b", 9))]

    found = [look("song", entry("c", "song", group="songs", order=99), *first, scan=Scan(seed=s)) for s in range(9)]

    assert {names(one)[0] for one in found} == {"b"}


def test_the_most_keys_win_a_group_that_counts_them() -> None:
    """The example of the documentation: a song about ghosts is the ghosts' song."""
    cat = entry("cat", "song", "sing", "Black Cat", group="songs", group_scoring=True)
    ghosts = entry("ghosts", "song", "sing", "Ghosts", group="songs", group_scoring=True)

    about = {names(look("sing me a song about Ghosts", cat, ghosts, scan=Scan(seed=s)))[0] for s in range(20)}
    any_song = {names(look("sing me a song", cat, ghosts, scan=Scan(seed=s)))[0] for s in range(20)}

    assert about == {"ghosts"}
    assert any_song == {"cat", "ghosts"}


def test_an_entry_in_two_groups_keeps_the_others_of_both_out() -> None:
    both = entry("both", "song", group="songs, sea", group_first=True, order=9)

    found = look("song", both, entry("a", "song", group="songs"), entry("b", "song", group="sea"))

    assert names(found) == ["both"]


def test_a_group_that_has_one_already_lets_no_other_in() -> None:
    first = entry("a", group="songs", text="then b")

    assert names(look("a", first, entry("b", group="songs"))) == ["a"]


def test_chance_is_about_as_often_as_it_says() -> None:
    half = replace(KEEPER, probability=50)

    came = sum(bool(look("Orla", half, scan=Scan(seed=seed)).active) for seed in range(200))

    assert 60 < came < 140


def test_a_book_asks_for_its_depth_and_its_recursion_and_a_person_for_others() -> None:
    two = "Orla.\nThe sea."

    assert names(look(two, KEEPER, scan_depth=1)) == []
    assert names(look(two, KEEPER, scan_depth=1, scan=Scan(depth=2))) == ["keeper"]
    assert names(look("Bessie", COW, DOG, recursive=False)) == ["Bessie"]
    assert names(look("Bessie", COW, DOG, recursive=False, scan=Scan(recursive=True))) == ["Bessie", "Rufus"]


def test_switches_for_keys_hold_where_entries_have_none() -> None:
    assert names(look("orla", KEEPER, scan=Scan(case_sensitive=True))) == []
    assert names(look("Orlando", KEEPER, scan=Scan(whole_words=False))) == ["keeper"]


def test_two_books_are_one_by_order() -> None:
    first, second = Lorebook((entry("a", order=9),)), Lorebook((entry("b", order=1), entry("c", order=20)))

    assert names(activate([first, second], "a b c", tokens)) == ["b", "a", "c"]


def test_what_is_in_says_what_it_costs_and_what_called_it() -> None:
    found = look(
        "the keeper woke",
        entry(
            "Orla",
            "Orla",
            "the keeper",
            text="@@depth 3\n{{char}} sleeps. ",
        ),
        character="Orla",
    )

    (active,) = found.active
    assert (active.text, active.tokens, active.because) == ("Orla sleeps.\n", 3, "the keeper")
    assert found.texts == ("Orla sleeps.\n",)


def test_after_twenty_patterns_that_never_end_no_more_are_tried() -> None:
    evil = [entry(f"e{number}", rf"/(a+)+{number}$/") for number in range(300)]

    found = look("a" * 3000 + "!", *evil, KEEPER)

    assert found.active == ()
    assert len(found.slow) == 20
