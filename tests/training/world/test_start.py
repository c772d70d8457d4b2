"""Where a world module starts: names, and the words that are hardest to guess."""

from __future__ import annotations

import dataclasses

import pytest

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.self_study.lore import LoreEntry
from kobold_modules.training.world.start import telegram
from tests.tiny import tiny


LORE = (
    LoreEntry("Anne Holt", (), "The ferrywoman of the Marrow, whose left hand is wooden and painted green."),
    LoreEntry("The Marrow", (), "A brown river that freezes from below, so that nobody swims in it but the mayor."),
    LoreEntry("Tolling", (), "A village of potters, who burn peat in their kilns and throw apples at a bell."),
)


@pytest.fixture(scope="module")
def loss() -> PromptLoss:
    """Return a model whose tokens are characters that can be read back."""
    frozen = tiny(vocab_size=128)
    readable: TorchModel = dataclasses.replace(
        frozen, encode=lambda text: [ord(c) % 128 for c in text], piece=lambda token: bytes([token])
    )
    return PromptLoss(readable)


def said(loss: PromptLoss, tokens: int, title: str = "Basin") -> str:
    rows = telegram(loss, LORE, title, tokens)
    assert rows.shape == (tokens, loss.frozen.table.shape[1])
    same = (rows[:, None] == loss.frozen.table[None]).all(-1)
    assert bool(same.any(-1).all()), "a row is no row of the embedding table"
    return "".join(chr(i) for i in same.int().argmax(-1).tolist())


def test_it_begins_with_the_modules_own_title(loss: PromptLoss) -> None:
    assert said(loss, 80).startswith("Basin\n")


def test_every_entry_gives_its_name_and_some_words_but_none_of_grammar(loss: PromptLoss) -> None:
    lines = said(loss, 110).strip("\n").split("\n")[1:]

    assert [line[: len(name)] for line, name in zip(lines, ("Anne Holt", "Marrow", "Tolling"), strict=False)] == [
        "Anne Holt",
        "Marrow",
        "Tolling",
    ]
    words = " ".join(
        line.removeprefix(name) for line, name in zip(lines, ("Anne Holt", "Marrow", "Tolling"), strict=False)
    )
    assert words.strip()
    assert not {"the", "of", "whose", "so", "that", "who"} & set(words.casefold().split())
    told = " ".join(entry.text for entry in LORE)
    assert all(word.strip(".,") in told for word in words.split())


def test_what_stands_there_is_the_hardest_to_guess(loss: PromptLoss) -> None:
    few, more = said(loss, 70), said(loss, 120)

    # with more room words are added; those that stood there before stay
    assert set(few.split()) <= set(more.split())
    assert len(more.split()) > len(few.split())


def test_lore_with_room_to_spare_stands_there_whole(loss: PromptLoss) -> None:
    text = said(loss, 500)

    assert "whose left hand is wooden and painted green." in text
    assert text.count("freezes from below") == 2  # and again from the beginning


def test_a_long_title_gives_the_name_that_a_story_uses(loss: PromptLoss) -> None:
    entry = LoreEntry(
        "Hollub of the Nine Doors", ("Hollub", "the smith", "Holl"), "A smith who lost two fingers to a swan."
    )

    rows = telegram(loss, (entry, *LORE), "B", 120)

    same = (rows[:, None] == loss.frozen.table[None]).all(-1).int().argmax(-1)
    said = "".join(chr(i) for i in same.tolist())
    assert "\nHollub " in said
    assert "Doors" not in said


def test_rows_too_few_for_the_names_have_some_of_every_part(loss: PromptLoss) -> None:
    assert len(said(loss, 9)) == 9
