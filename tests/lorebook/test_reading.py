"""Every program's lorebook is told by what is in it, and says the same thing."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from kobold_modules.errors import BadInput
from kobold_modules.lorebook import Entry, Lorebook, read
from kobold_modules.lorebook.reading import is_lorebook, read_bytes
from tests.lorebook import cards, examples


WITH_A_SWITCH = [name for name in examples.FILES if "KoboldAI Lite" in name or name.split()[0] in {
    "SillyTavern", "Chub", "card", "lone", "bare", "charx", "NovelAI", "Agnai"
}]  # fmt: skip
ALWAYS_IN = [*WITH_A_SWITCH[:-1], "KoboldAI Client", "KoboldAI United", "KoboldAI United alone", "kaistory", "RisuAI"]


def book(name: str) -> Lorebook:
    return read_bytes(examples.FILES[name], "skerry.any")


@pytest.mark.parametrize("name", examples.FILES)
def test_the_keeper_is_in_every_format_with_her_keys_and_her_text(name: str) -> None:
    keeper = book(name).entries[0]

    assert keeper.keys == ("Orla", "the keeper")
    assert keeper.text == cards.KEEPER
    assert keeper.name == "Orla"
    assert keeper.enabled
    assert not keeper.always


@pytest.mark.parametrize("name", examples.FILES)
def test_the_light_is_read_with_its_text_and_name(name: str) -> None:
    light = book(name).entries[1]

    assert light.text.startswith(cards.LIGHT)
    assert light.name in ("The light", "light")


@pytest.mark.parametrize("name", WITH_A_SWITCH)
def test_what_is_switched_off_is_told_and_not_used(name: str) -> None:
    found = book(name)

    assert [entry.text for entry in found.disabled] == [cards.RUMOUR]
    assert cards.RUMOUR not in [entry.text for entry in found.enabled]


@pytest.mark.parametrize("name", ALWAYS_IN)
def test_what_is_always_in_needs_no_key(name: str) -> None:
    assert book(name).entries[1].always


def test_an_entry_of_novelai_is_off_with_its_category() -> None:
    rumour = book("NovelAI 6").entries[2]

    assert rumour.rest["enabled"] is True
    assert not rumour.enabled


def test_sillytaverns_fields_are_all_told() -> None:
    data = cards.st_entry(
        4,
        key=["/wre(ck|ak)/i", "Skerry"],
        keysecondary=["night", "fog"],
        comment="Wreck",
        content="It lies under the point.",
        selectiveLogic=2,
        order=7,
        position=4,
        preventRecursion=True,
        excludeRecursion=True,
        delayUntilRecursion=2,
        probability=40,
        group="places, sea",
        groupOverride=True,
        groupWeight=30,
        useGroupScoring=True,
        scanDepth=6,
        caseSensitive=True,
        matchWholeWords=False,
        ignoreBudget=True,
    )

    entry = read_bytes(examples.as_json({"entries": {"4": data}}), "x.json").entries[0]

    assert entry == Entry(
        title="Wreck",
        keys=("/wre(ck|ak)/i", "Skerry"),
        text="It lies under the point.",
        secondary_keys=("night", "fog"),
        logic="not any",
        group="places, sea",
        group_weight=30,
        group_first=True,
        group_scoring=True,
        order=7,
        position=4,
        probability=40,
        scan_depth=6,
        case_sensitive=True,
        whole_words=False,
        exclude_recursion=True,
        prevent_recursion=True,
        delay_recursion=2,
        ignore_budget=True,
    )
    assert entry.rest["aFieldOfNextYear"] == {"deep": [1, 2.5, None]}
    assert entry.groups == ("places", "sea")


def test_a_cards_book_says_how_it_wants_to_be_looked_through() -> None:
    found = book("card V2 PNG")

    assert (found.character, found.name) == ("Orla", "Skerry Point")
    assert (found.scan_depth, found.token_budget, found.recursive) == (4, 300, True)
    assert found.entries[0].position == 1
    assert found.entries[0].probability == 90
    assert found.entries[0].whole_words is True
    assert found.rest["extensions"] == {"chub": {"full_path": "nobody/skerry"}}


def test_the_card_of_version_3_counts_where_both_stand_in_a_picture() -> None:
    assert "use_regex" in book("card V3 PNG").entries[0].rest


def test_lites_anti_keys_keep_an_entry_out() -> None:
    assert book("KoboldAI Lite").entries[0].exclude_keys == ("daylight",)
    assert book("KoboldAI Lite").entries[0].probability == 90


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_file_of_an_old_editor_is_read_in_its_encoding(encoding: str) -> None:
    data = json.dumps({"entries": [{"title": "Zoë", "keys": ["Zoë"], "content": "Zoë’s light."}]}, ensure_ascii=False)

    assert read_bytes(data.encode(encoding), "x.json").entries[0].text == "Zoë’s light."
    assert read_bytes("# Zoë\n\nZoë’s light.\n".encode(encoding), "x.md").entries[0].keys == ("Zoë",)


def test_a_mistake_in_a_file_is_told_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"malformed or cut short \(line 3\)"):
        read_bytes(b'{"entries": {\n"0": {"key": ["a"], "content": "x"},\n}}', "x.json")


def test_entries_by_number_with_a_cards_members_are_read_too() -> None:
    data = {"entries": {"0": {"keys": ["Orla"], "content": "She sleeps.", "enabled": False}}}

    (entry,) = read_bytes(examples.as_json(data), "x.json").entries

    assert (entry.keys, entry.text, entry.enabled) == (("Orla",), "She sleeps.", False)


def test_a_comma_in_a_pattern_divides_nothing() -> None:
    entries = [{"keys": r"Orla, /keeps?,? the (light|lamp)/i , /a\/b, c/, x", "value": "y"}]

    keys = read_bytes(examples.as_json(entries), "x.json").entries[0].keys

    assert keys == ("Orla", "/keeps?,? the (light|lamp)/i", r"/a\/b, c/", "x")


def test_headings_of_markdown_are_entries_and_their_shelves_are_not() -> None:
    found = book("Markdown")

    assert [entry.title for entry in found.entries] == ["Orla", "The light"]
    assert found.entries[1].keys == ("The light",)
    assert "# no heading" in read_bytes(b"# A\n\n```\n# no heading\n```\n", "a.md").entries[0].text


def test_text_above_the_first_heading_is_not_lost() -> None:
    found = read_bytes(b"All of this is by the sea.\n\n## Orla\n\nShe keeps the light.\n", "skerry.md")

    assert [(entry.title, entry.text) for entry in found.entries] == [
        ("skerry", "All of this is by the sea."),
        ("Orla", "She keeps the light."),
    ]


def test_our_own_sample_world_is_one() -> None:
    found = read(Path(__file__).parents[2] / "sample_texts" / "world" / "lorebook.json")

    assert (found.name, len(found.entries)) == ("The Ommul", 55)
    assert found.entries[0].keys == ("Hollub of the Three-Nail Door", "Hollub")
    assert found.entries[0].rest["relations"]


REFUSED = {
    "empty": (b" \n", "is empty"),
    "other JSON": (b'{"a": 1}', "no lorebook that is known here"),
    "half of one": (examples.FILES["SillyTavern"][:200], "malformed or cut short"),
    "too deep": (b'{"entries": ' + b"[" * 500 + b"]" * 500 + b"}", "nested more than"),
    "a card without one": (
        examples.as_json({"spec": "chara_card_v2", "data": {"name": "Orla"}}),
        "character card of Orla without a lorebook",
    ),
    "a first card": (
        examples.as_json({"name": "Orla", "description": "", "first_mes": ""}),
        "character card of Orla without a lorebook",
    ),
    "a picture": (examples.png(), "picture without a character card"),
    "a picture of another kind": (b"\xff\xd8\xff\xe0 JFIF", "is a picture"),
    "a zip": (examples.zipped({"a.txt": b"x"}), "zip without a lorebook"),
    "a module": (examples.zipped({"tensor.npy": b"x", "meta.json": b"{}"}), "is a module"),
    "only RisuAI's part": (
        examples.zipped({"card.json": examples.as_json({"spec": "chara_card_v3", "data": {}}), "module.risum": b"o"}),
        "only RisuAI reads",
    ),
    "a save without world info": (
        examples.as_json({"gamestarted": True, "actions": [], "worldinfo": []}),
        "without world info",
    ),
    "a scenario without one": (examples.as_json({"scenarioVersion": 3, "prompt": ""}), "without a lorebook"),
    "prose": (b"It was dark at Skerry Point.", "holds no entries"),
    "bytes": (b"\x00\x01\x02", "no lorebook that is known here"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_lorebook_is_refused_in_one_sentence(name: str) -> None:
    data, sentence = REFUSED[name]

    with pytest.raises(BadInput, match=sentence) as raised:
        read_bytes(data, "skerry.any")

    assert raised.value.exit_code == 3
    assert "\n" not in raised.value.message


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no file"):
        read(tmp_path / "nothing.json")
    with pytest.raises(BadInput, match="is a folder"):
        read(tmp_path)


def test_a_text_that_unpacks_to_more_than_any_card_is_refused() -> None:
    bomb = examples.chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"A" * (64 << 20), 9))

    with pytest.raises(BadInput, match="larger than any card"):
        read_bytes(examples.png(bomb), "bomb.png")


def test_more_entries_than_any_book_has_are_refused() -> None:
    entries = [{"title": "x", "keys": ["x"], "content": "y"}] * 20_001

    with pytest.raises(BadInput, match="20,001 entries"):
        read_bytes(examples.as_json({"entries": entries}), "many.json")


@pytest.mark.parametrize("name", examples.FILES)
def test_a_lorebook_is_known_as_one_unless_it_may_be_a_story(name: str) -> None:
    assert is_lorebook(examples.FILES[name]) is (name != "Markdown")


def test_half_a_character_in_a_text_of_a_stranger_does_no_harm() -> None:
    data = json.dumps({"entries": [{"title": "\ud800x", "keys": ["\udfff"], "content": "a\ud800"}]}).encode()

    entry = read_bytes(data, "x.json").entries[0]

    assert (entry.title + entry.text).encode()


def test_a_card_with_two_thousand_pictures_is_read() -> None:
    pictures = {f"assets/{number}.webp": b"x" for number in range(2000)}
    data = examples.zipped({"card.json": examples.as_json(cards.CARD_V3), **pictures})

    assert read_bytes(data, "x.charx").entries[0].text == cards.KEEPER
