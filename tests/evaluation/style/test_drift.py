"""Drift: a voice that leaves the author along a text is seen, one that holds is not."""

from __future__ import annotations

import pytest

from kobold_modules.evaluation.style.drift import drift
from kobold_modules.evaluation.style.grammar import Grammar
from kobold_modules.evaluation.style.tokens import all_windows
from tests.evaluation.style.voices import split, voice


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    """Return the grammar of the noir voice beside the gothic one."""
    return Grammar(all_windows(split("noir")[0]), {"gothic": all_windows([voice("gothic")])})


def test_a_text_that_turns_into_another_voice_drifts_away(grammar: Grammar) -> None:
    noir, gothic = all_windows(split("noir")[1]), all_windows([voice("gothic")])
    texts = ["\n\n".join([*noir[k : k + 3], *gothic[k : k + 3]]) for k in range(0, 6, 3)]

    found = drift(grammar, texts)

    assert found.measure == "grammar"
    assert found.away
    assert found.high is not None
    assert found.high < 0
    assert min(found.windows[:3]) > max(found.windows[3:])


def test_a_text_that_holds_its_voice_does_not(grammar: Grammar) -> None:
    found = drift(grammar, split("noir")[1])

    assert not found.away
    assert found.low is not None
    assert found.high is not None
    assert found.slope is not None
    assert found.low <= found.slope <= found.high


def test_short_texts_have_no_slope(grammar: Grammar) -> None:
    found = drift(grammar, ["One short text.", "Another."])

    assert len(found.windows) == 1
    assert found.slope is None
    assert drift(grammar, []).windows == drift(grammar, ["", " "]).windows == ()


def test_it_is_the_same_every_time(grammar: Grammar) -> None:
    texts = split("noir")[1]

    assert drift(grammar, texts, seed=1) == drift(grammar, texts, seed=1)
