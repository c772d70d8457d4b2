"""Advice: sentences from numbers, and silence where all is well."""

from __future__ import annotations

import pytest

from kobold_modules.evaluation.advice import advice, has_number, headline, still_falling
from kobold_modules.evidence import Answered, Estimate, Neutral, Recital
from kobold_modules.soft_prompt.module import Card
from tests.evaluation import made_up
from tests.evaluation.made_up import BAD, GOOD, NONE


CARD = Card("noir", training={"words": 50_000}, curve=((0, 4.0), (10, 3.5), (20, 3.3), (30, 3.299), (40, 3.2985)))
QUIET = Recital(0.0, 4, "", False, "It does not recite its training text.")


def said(card: Card = CARD, **parts: object) -> str:
    return "\n".join(advice(made_up.evaluated(**parts), card))


def test_a_good_module_needs_no_advice() -> None:
    told = said(
        style=made_up.style(), recital=QUIET, co_load=made_up.co_load(0.95), repetition=0.01, repetition_without=0.01
    )
    assert told == ""


def test_little_text_and_no_voice_asks_for_more_text() -> None:
    few = Card("noir", training={"words": 2500})
    assert "2,500 words; more text of this voice" in said(few, style=made_up.style(gain=NONE, specific=NONE))
    assert "more text" not in said(style=made_up.style(gain=NONE, specific=NONE))


def test_a_module_that_helps_everybody_has_no_voice_of_its_own() -> None:
    assert "helps other authors about as much" in said(style=made_up.style(others=GOOD, specific=NONE))


def test_own_words_that_do_better_are_named() -> None:
    assert "own words in the context do better" in said(style=made_up.style(own=BAD))


def test_a_loss_that_was_still_falling() -> None:
    assert still_falling(Card("a", curve=((0, 4.0), (1, 3.5), (2, 3.3), (3, 3.1), (4, 2.9))))
    assert not still_falling(CARD)
    assert not still_falling(Card("a", curve=((0, 4.0), (1, 3.0), (2, 3.1), (3, 3.2), (4, 3.3))))
    assert not still_falling(Card("a"))
    assert "still falling" in said(Card("a", curve=((0, 4.0), (1, 3.5), (2, 3.3), (3, 3.1), (4, 2.9))))


def test_numbers_belong_into_the_lorebook() -> None:
    answers = tuple(Answered("When was it?", "Never", number, False) for number in ("163", "forty", "In 88"))
    answers += (Answered("Who?", "Orrub", "Orrub", True),)
    assert "0 of 3 questions for a number or a date" in said(world=made_up.world(answers))
    right = tuple(Answered("When?", one.true, one.true, True) for one in answers)
    assert "numbers and dates" not in said(world=made_up.world(right))


@pytest.mark.parametrize(
    ("text", "holds"), [("In 163", True), ("Forty barrels", True), ("A goose", False), ("", False)]
)
def test_numbers_in_digits_or_words(text: str, holds: bool) -> None:
    assert has_number(text) is holds


def test_a_world_that_is_not_remembered() -> None:
    assert "closes 30 % of the way" in said(world=made_up.world(gap=0.3))
    assert "does not help to recall" in said(world=made_up.world(gap=-2.0))
    assert "of the way" not in said(world=made_up.world(gap=0.8))


def test_two_that_fight_are_named_with_the_order_that_hurts() -> None:
    told = said(co_load=made_up.co_load(0.5))
    assert "It fights with sea: before it it keeps 50 %" in told
    assert "stack-safe (the default)" in told
    safe = Card("noir", training={"stack_safe": True})
    assert "more stack-safe rows" in said(safe, co_load=made_up.co_load(0.5))


def test_words_that_only_stand_in_are_no_modules_to_fight_with() -> None:
    told = said(co_load=made_up.co_load(0.5, stand_ins=True))
    assert "fights" not in told
    assert "Beside words of other voices it keeps as little as 50 %" in told


def test_a_module_that_recites_must_be_looked_at_first() -> None:
    recital = Recital(0.3, 40, "it was", True, "It recites its training text.")
    assert said(recital=recital, style=made_up.style(own=BAD)).startswith("It recites its training text. Do not share")


def test_harm_and_repetition() -> None:
    assert "2.0 % harder" in said(neutral=Neutral(1.5, 1.53, Estimate(0.02, 0.01, 0.03), 900))
    assert "harder" not in said(neutral=Neutral(1.5, 1.53, Estimate(0.02, -0.01, 0.05), 900))
    assert "repeats itself" in said(repetition=0.2, repetition_without=0.02)


def test_headlines() -> None:
    assert headline(made_up.evaluated(style=made_up.style())) == (
        "Predicts its author's held-out pages 4.0 % better (3.0 to 5.0), other authors' no better (-0.4 to 0.6 %): "
        "that is 4.0 % of its author's own."
    )
    assert "nothing of it is clearly its author's own" in headline(
        made_up.evaluated(style=made_up.style(specific=NONE))
    )
    assert headline(made_up.evaluated(world=made_up.world())) == (
        "Chooses the right answer to 50 % of 96 questions with the lore out of view "
        "(25 % without it, 80 % with the entry in the context)."
    )
