"""A gain in words: the same everywhere, never a negative "better", and nothing claimed that is not sure."""

from __future__ import annotations

from typing import Any

import pytest

from kobold_modules.evaluation.interval import Gain
from kobold_modules.evaluation.report import card_gain, gain_of, headline, long_gain, measured_gain, short_gain


@pytest.mark.parametrize(
    ("gain", "short", "long"),
    [
        (Gain(0.030, 0.021, 0.039, 40), "3.0 % better", "3.0 % better (2.1 to 3.9)"),
        (Gain(-0.004, -0.006, -0.002, 40), "0.4 % worse", "0.4 % worse (0.2 to 0.6)"),
        (Gain(0.004, -0.004, 0.012, 40), "no better", "no better (0.4 % worse to 1.2 % better)"),
        (Gain(-0.001, -0.004, 0.002, 40), "no better", "no better (0.4 % worse to 0.2 % better)"),
        (Gain(0.0005, 0.0001, 0.001, 40), "no better", "no better (0.0 to 0.1 % better)"),
        (Gain(-0.0005, -0.001, -0.0001, 40), "no better", "no better (0.1 % worse to 0.0 %)"),
        (Gain(0.03, None, None, 3), "unclear", "3.0 % better, but there is too little held-out text to tell"),
        (Gain(0.041), "4.1 % better", "4.1 % better"),  # a card of an older version
        (Gain(-0.001), "0.1 % worse", "0.1 % worse"),
        (Gain(-0.0002), "no better", "no better"),
    ],
)
def test_a_gain_in_words(gain: Gain, short: str, long: str) -> None:
    """F09: "-0.1 % better" is said nowhere."""
    assert short_gain(gain) == short
    assert long_gain(gain) == long


def test_a_card_keeps_the_interval() -> None:
    gain = Gain(0.03, 0.021, 0.039, 40)
    measured = measured_gain(gain) | {"held_out_stretches": 40}

    assert gain_of(measured) == gain
    assert gain_of(measured_gain(Gain(0.03, stretches=3)) | {"held_out_stretches": 3}) == Gain(0.03, stretches=3)


def test_an_old_card_is_still_shown() -> None:
    assert card_gain({"bits_per_byte_with": 2.214, "bits_per_byte_without": 2.309}) == "4.1 % better"
    assert card_gain({"gain": 0.02}) == "2.0 % better"
    assert card_gain({"bits_per_byte_with": "x"}) == ""
    assert gain_of({}) is None


def measured(gain: Gain, over_start: Gain | None = None, **more: Any) -> dict[str, Any]:
    start = {} if over_start is None else measured_gain(over_start, "gain_over_start")
    return measured_gain(gain) | start | {"held_out_stretches": 40, "learned": True} | more


CLEAR = Gain(0.03, 0.021, 0.039, 40)
NONE = Gain(0.0, -0.004, 0.004, 40)
WORSE = Gain(-0.02, -0.03, -0.01, 40)


def test_a_training_that_did_well() -> None:
    summary = headline(measured(CLEAR, CLEAR), {"steps": 100, "budget": 60.0})

    assert summary == ("Predicts held-out pages 3.0 % better (2.1 to 3.9).", "", True, "ready")


def test_nothing_learned_is_said_first_with_the_reason_and_what_to_do() -> None:
    """Three steps fitted into a minute, the best was the start: never simply "3.0 % better"."""
    summary = headline(measured(CLEAR, NONE, learned=False), {"steps": 3, "budget": 60.0, "seconds": 66.0})

    assert summary.text == (
        "Nothing was learned: only 3 steps fitted into 1 min. What is kept is the text it started from, which "
        "predicts held-out pages 3.0 % better (2.1 to 3.9) than no module."
    )
    assert "longer dial" in summary.advice
    assert (summary.good, summary.short) == (False, "nothing learned")
    assert card_gain(measured(CLEAR, NONE, learned=False)) == "not learned"


@pytest.mark.parametrize(
    ("training", "reason"),
    [
        ({"steps": 0, "budget": 60.0}, "no step fitted into 1 min"),
        ({"steps": 1, "budget": 180.0}, "only 1 step fitted into 3 min"),
        ({"steps": 2}, "only 2 steps were taken"),
        ({"steps": 3, "budget": 600.0, "stopped": True}, "it was stopped after 3 steps"),
        ({"steps": 400}, "no step improved on the text it started from"),
    ],
)
def test_why_nothing_was_learned(training: dict[str, Any], reason: str) -> None:
    summary = headline(measured(NONE, NONE, learned=False), training)

    assert summary.text.startswith(f"Nothing was learned: {reason}.")
    assert summary.advice


def test_better_than_nothing_but_not_than_the_words_it_started_from() -> None:
    summary = headline(measured(CLEAR, NONE), {"steps": 100, "budget": 60.0})

    assert "3.0 % better (2.1 to 3.9) than no module, but no better than the words it started from" in summary.text
    assert not summary.good
    assert summary.advice


def test_worse_is_worse() -> None:
    summary = headline(measured(WORSE, WORSE), {"steps": 100, "budget": 60.0})

    assert summary.text == "Predicts held-out pages 2.0 % worse (1.0 to 3.0)."
    assert not summary.good
    assert summary.advice


def test_too_little_held_out_text_claims_nothing() -> None:
    short = measured(Gain(0.03, stretches=3), Gain(0.03, stretches=3)) | {"held_out_stretches": 3}
    summary = headline(short, {"steps": 100, "budget": 60.0})

    assert "too little held-out text to tell" in summary.text
    assert not summary.good
    assert "more pages" in summary.advice


def test_a_module_of_another_program_gets_no_advice_on_a_training_nobody_knows() -> None:
    assert headline({}, {}).text == "Not measured yet on held-out pages."
    assert headline({"gain": -0.02}, {}) == ("Predicts held-out pages 2.0 % worse.", "", False, "2.0 % worse")


def test_of_a_world_that_was_studied_it_says_what_is_recalled() -> None:
    measured = {"gain": 0.4, "gain_low": 0.35, "gain_high": 0.45, "held_out_stretches": 24, "learned": True}
    measured |= {"gain_over_start": 0.2, "gain_over_start_low": 0.1, "gain_over_start_high": 0.3}
    measured |= {"recall_asked": 24, "recall_before": 6, "recall_after": 15}

    found = headline(measured, {"steps": 200})

    assert found.good
    assert found.text == (
        "Predicts the answers to questions it was not trained on 40.0 % better (35.0 to 45.0). "
        "It gets 15 of 24 of them right; without it 6 are."
    )
    assert card_gain(measured) == "15 of 24 right"


def test_likelier_answers_are_not_called_good_where_no_more_are_right() -> None:
    measured = {"gain": 0.4, "gain_low": 0.35, "gain_high": 0.45, "held_out_stretches": 24, "learned": True}
    measured |= {"gain_over_start": 0.2, "gain_over_start_low": 0.1, "gain_over_start_high": 0.3}
    measured |= {"recall_asked": 28, "recall_before": 12, "recall_after": 7}

    found = headline(measured, {"steps": 200})

    assert not found.good
    assert "It gets 7 of 28 of them right; without it 12 are." in found.text
    assert "keep the lorebook in use beside it" in found.advice
