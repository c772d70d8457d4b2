"""Written back as SillyTavern's JSON, a lorebook differs by what was changed and by nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.lorebook import Entry, read
from kobold_modules.lorebook.activation import activate
from kobold_modules.lorebook.reading import read_bytes
from kobold_modules.lorebook.write import to_json, write
from tests.lorebook import cards, examples


def silly(**changed: Any) -> dict[str, Any]:
    return {**cards.SILLYTAVERN, **changed}


LAYOUTS: dict[str, dict[str, Any]] = {
    "SillyTavern's": {"indent": 4, "ensure_ascii": False},
    "two spaces": {"indent": 2, "ensure_ascii": False},
    "one line": {"separators": (",", ":"), "ensure_ascii": False},
    "Python's": {},
    "tabs": {"indent": "\t"},
}


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_book_of_sillytavern_comes_back_as_it_was_to_the_byte(layout: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / "skerry.json"
    data = silly(entries={**cards.SILLYTAVERN["entries"], "9": cards.st_entry(9, key=["Zoë"], content="雨 🙂")})
    path.write_bytes((json.dumps(data, **LAYOUTS[layout]) + end).encode())

    write(read(path), tmp_path / "out.json")

    assert (tmp_path / "out.json").read_bytes() == path.read_bytes()


def test_a_book_that_was_changed_keeps_its_layout(tmp_path: Path) -> None:
    path = tmp_path / "skerry.json"
    path.write_text(json.dumps(cards.SILLYTAVERN, indent=2) + "\n")
    book = read(path)

    write(replace(book, entries=(replace(book.entries[0], text="New."), *book.entries[1:])), path)

    old, new = (json.dumps(cards.SILLYTAVERN, indent=2) + "\n").splitlines(), path.read_text().splitlines()
    assert [line for line in new if line not in old] == ['      "content": "New.",']
    assert len(old) == len(new)


ODD: dict[str, Any] = {
    "numbers as text": {
        "0": {"uid": "0", "key": "Orla, the keeper", "content": "x", "order": "100", "probability": "90"}
    },
    "missing members": {"0": {"key": ["a"]}, "1": {"content": "y", "uid": 1}},
    "no object among them": {"0": {"key": ["a"], "content": "x"}, "1": None, "x": "?"},
    "half a character": {"0": {"key": ["a\ud800"], "content": "\udc00", "comment": None}},
    "a true level": {"0": {"key": ["a"], "content": "x", "delayUntilRecursion": True, "useProbability": False}},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_members_that_were_not_changed_stay_as_they_were(name: str) -> None:
    data = {"entries": ODD[name], "name": 5}

    assert to_json(read_bytes(examples.as_json(data), "x.json")) == json.loads(examples.as_json(data))


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": ({"text": "New."}, {"content": "New."}),
    "title": ({"title": "Orla Finn"}, {"comment": "Orla Finn"}),
    "keys": ({"keys": ("Orla", "Finn")}, {"key": ["Orla", "Finn"]}),
    "off": ({"enabled": False}, {"disable": True}),
    "always": ({"always": True}, {"constant": True}),
    "order": ({"order": 5}, {"order": 5}),
    "logic": ({"secondary_keys": ("fog",), "logic": "and all"}, {"keysecondary": ["fog"], "selectiveLogic": 3}),
    "chance": ({"probability": 12.5}, {"probability": 12.5}),
    "depth": ({"scan_depth": 3}, {"scanDepth": 3}),
    "case": ({"case_sensitive": True}, {"caseSensitive": True}),
    "recursion": ({"prevent_recursion": True}, {"preventRecursion": True}),
    "a level": ({"delay_recursion": 1}, {"delayUntilRecursion": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_only_what_was_changed_is_changed(name: str) -> None:
    changed, members = CHANGES[name]
    book = read_bytes(examples.FILES["SillyTavern"], "x.json")
    first, *others = book.entries

    data = to_json(replace(book, entries=(replace(first, **changed), *others)))

    expected = {**cards.SILLYTAVERN["entries"], "0": {**cards.SILLYTAVERN["entries"]["0"], **members}}
    assert data == silly(entries=expected)


def test_a_book_of_chub_keeps_its_members_and_tells_what_was_changed() -> None:
    book = read_bytes(examples.FILES["Chub"], "x.json")
    assert to_json(book) == cards.CHUB

    off = to_json(replace(book, entries=tuple(replace(entry, enabled=False) for entry in book.entries)))

    assert off["entries"]["1"] == {**cards.CHUB["entries"]["1"], "disable": True}
    assert not read_bytes(examples.as_json(off), "x.json").enabled


def test_an_entry_taken_out_is_gone_and_a_new_one_gets_a_number_of_its_own() -> None:
    book = read_bytes(examples.FILES["SillyTavern"], "x.json")

    data = to_json(replace(book, entries=(*book.entries[1:], Entry(title="Fog", keys=("fog",), text="Thick."))))

    assert list(data["entries"]) == ["3", "7", "8"]
    assert data["entries"]["8"]["uid"] == 8
    assert data["entries"]["8"]["content"] == "Thick."


@pytest.mark.parametrize("name", [name for name in examples.FILES if name not in ("SillyTavern", "Chub")])
def test_a_book_of_another_program_says_the_same_as_one_of_sillytavern(name: str) -> None:
    book = read_bytes(examples.FILES[name], "x.any")

    again = read_bytes(examples.as_json(to_json(book)), "x.json")

    assert again.format == "SillyTavern world info"
    for before, after in zip(book.entries, again.entries, strict=True):
        same = replace(before, rest={}, search_range=None, joined=False, selective=after.selective, exclude_keys=())
        if before.exclude_keys:
            same = replace(same, secondary_keys=before.exclude_keys, logic="not any")
        assert replace(after, rest={}) == same
    assert (again.scan_depth, again.token_budget, again.recursive) == (
        book.scan_depth,
        book.token_budget,
        book.recursive,
    )


def test_what_has_no_like_in_sillytavern_is_kept_beside_it() -> None:
    novelai = to_json(read_bytes(examples.FILES["NovelAI 6"], "x.lorebook"))
    card = to_json(read_bytes(examples.FILES["card V2 PNG"], "x.png"))

    assert novelai["entries"]["0"]["extensions"]["NovelAI lorebook"]["loreBiasGroups"] == []
    assert novelai["extensions"]["NovelAI lorebook"]["categories"][0]["name"] == "People"
    assert card["originalData"] == cards.BOOK
    assert card["entries"]["0"]["extensions"] == cards.BOOK["entries"][0]["extensions"]


def test_a_bare_pattern_of_a_card_gets_the_slashes_that_sillytavern_knows_it_by() -> None:
    entries = [{"keys": ["wre(ck|ak)", "a/b"], "content": "x", "use_regex": True, "insertion_order": 1}]

    data = to_json(read_bytes(examples.as_json({"spec": "lorebook_v3", "data": {"entries": entries}}), "x.json"))

    assert data["entries"]["0"]["key"] == ["/wre(ck|ak)/i", r"/a\/b/i"]


def test_a_key_of_novelai_that_asks_for_both_sides_asks_for_both_in_sillytavern() -> None:
    data = {"lorebookVersion": 5, "entries": [{"text": "x", "keys": ["Orla & the lamp"], "enabled": True}]}
    again = read_bytes(examples.as_json(to_json(read_bytes(examples.as_json(data), "x.lorebook"))), "x.json")

    def called(story: str) -> bool:
        return bool(activate([again], story, len).active)

    assert called("The lamp\nthat Orla lit.")
    assert not called("Orla slept.")
