"""What a text calls in stands between memory and story, within the room that there is."""

from __future__ import annotations

from dataclasses import replace

from kobold_modules.answers import LoreEntry
from kobold_modules.generation.lore import LoreSettings, record_of, sentences, with_lore
from kobold_modules.generation.prompt import build
from kobold_modules.generation.protocol import Request
from kobold_modules.lorebook import Entry, Lorebook
from kobold_modules.sampling.settings import Sampler


def letters(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def read(request: Request, free: int = 10_000) -> str:
    return "".join(map(chr, build(request, request.text, 10, free, letters).tokens))


KEEPER = Entry(title="Orla", keys=("Orla",), text="Orla keeps the light.", order=10)
LIGHT = Entry(title="The light", keys=("light",), text="It turns once in nine seconds.", order=5)
BOOK = Lorebook((KEEPER, LIGHT, Entry(title="Rumour", keys=("Orla",), text="A wreck.", enabled=False)))


def test_lore_stands_behind_the_memory_and_before_the_story() -> None:
    request = Request(text="Orla woke.\nShe rose.", memory="A sea tale.", note="[Dry.]", note_depth=1)

    request, found = with_lore(request, [BOOK], 10_000, letters)

    assert read(request) == (
        "A sea tale.\nIt turns once in nine seconds.\nOrla keeps the light.\nOrla woke.\n[Dry.]\nShe rose."
    )
    assert sentences(found, [BOOK]) == ["Lore: 2 of 2 entries are in, 53 tokens: The light, Orla."]
    assert record_of(found).entries[1] == LoreEntry("Orla", 22, "Orla")


def test_without_a_key_in_the_text_nothing_changes() -> None:
    request = Request(text="The sea was grey.")

    changed, found = with_lore(request, [BOOK], 10_000, letters)

    assert changed == request
    assert sentences(found, [BOOK]) == ["Lore: 0 of 2 entries are in, 0 tokens."]
    assert sentences(found, []) == []


def test_memory_note_and_lore_never_take_more_than_half() -> None:
    """Lore that has no room is left out; it is never the reason why nothing can be written."""
    request = Request(text="Orla woke.", memory="m" * 60, note="n" * 9)

    for budget in (None, 10_000):
        changed, found = with_lore(request, [BOOK], 200, letters, LoreSettings(budget=budget))
        assert [active.entry.title for active in found.active] == ["Orla"]
        assert "Orla keeps" in read(changed, 200)
        assert "--lore-budget" in sentences(found, [BOOK])[1]


def test_a_quarter_of_the_context_is_usual_and_a_book_may_ask_for_less() -> None:
    wide = Lorebook(tuple(Entry(keys=(f"k{n}",), text="x" * 99) for n in range(9)))
    text = " ".join(f"k{n}" for n in range(9))

    assert with_lore(Request(text=text), [wide], 2000, letters)[1].tokens == 500
    assert with_lore(Request(text=text), [replace(wide, token_budget=200)], 2000, letters)[1].tokens == 200
    asked = LoreSettings(budget=300)
    assert with_lore(Request(text=text), [replace(wide, token_budget=200)], 2000, letters, asked)[1].tokens == 300


def test_the_same_seed_brings_in_the_same() -> None:
    songs = Lorebook(tuple(Entry(keys=("song",), text=letter, group="songs") for letter in "abcdefgh"))

    def texts(seed: int) -> tuple[str, ...]:
        return with_lore(Request(text="a song", sampler=Sampler(seed=seed)), [songs], 1000, letters)[0].lore

    assert texts(3) == texts(3)
    assert len({texts(seed) for seed in range(30)}) > 2
