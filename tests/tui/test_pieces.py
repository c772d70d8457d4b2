"""Words, curves, meters and columns, without a terminal."""

from __future__ import annotations

import pytest

from kobold_modules.sampling.settings import PRESETS
from kobold_modules.soft_prompt.module import Card
from kobold_modules.tui.state import phrases
from kobold_modules.tui.widgets.library.module_list import Columns
from kobold_modules.tui.widgets.writing.meter import FREE, KEPT, TEXT, VIRTUAL, Context, cells
from kobold_modules.tui.widgets.writing.sampler_panel import preset_words
from kobold_modules.tui.writing.sampler_choice import Choice


def card(with_it: float, without: float) -> Card:
    return Card("noir", measured={"bits_per_byte_with": with_it, "bits_per_byte_without": without})


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (card(2.214, 2.309), "Predicts held-out pages 4.1 % better."),
        (card(2.4, 2.3), "Predicts held-out pages 4.3 % worse."),
        (card(2.3, 2.3), "Predicts held-out pages no better."),
        (Card("noir"), "Not measured yet on held-out pages."),
        (Card("noir", measured={"bits_per_byte_with": "x"}), "Not measured yet on held-out pages."),
    ],
)
def test_effect(of: Card, sentence: str) -> None:
    assert phrases.effect_sentence(of) == sentence


def test_words() -> None:
    assert phrases.counted(1, "module") == "1 module"
    assert phrases.counted(1204, "word") == "1,204 words"
    assert phrases.day("2026-11-20T14:03:00") == "20 November 2026"
    assert phrases.day("last spring") == "last spring"
    assert phrases.shortened("gothic house", 8) == "gothic…"
    assert phrases.ending("It was\n\na dark and stormy night", 12) == "… night"


def test_meter_cells_add_up_and_show_the_smallest_part() -> None:
    for width in (8, 30, 77):
        parts = dict(cells(Context(2048, 4, 900, 120), width))
        assert sum(parts.values()) == width
        assert parts[VIRTUAL] >= 1
        assert set(parts) == {VIRTUAL, TEXT, KEPT, FREE}


def test_meter_counts() -> None:
    context = Context(512, 32, 600, 120)
    assert (context.room, context.seen, context.lost, context.free) == (360, 360, 240, 0)
    assert cells(Context(), 10) == []


@pytest.mark.parametrize("width", range(30, 160, 7))
def test_columns_fit(width: int) -> None:
    columns = Columns.within(width)
    assert columns.name >= 4
    assert len(columns.header()) <= max(width, 34)


def test_choice_survives_nonsense() -> None:
    assert Choice.from_dict({"preset": 5, "seed": "x", "length": -5}) == Choice(length=1)
    assert Choice.from_dict({"preset": "no such"}).sampler == PRESETS["balanced"]
    assert Choice.from_dict(Choice("wild", 7, 50).to_dict()) == Choice("wild", 7, 50)
    assert Choice("wild", 7).sampler.seed == 7
    assert preset_words(PRESETS["deterministic"]) == "temperature 0, repetition 1.1"
