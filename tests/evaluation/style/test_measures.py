"""What holds for every measure: a text is nearest to itself, nothing is out of bounds, and no text breaks it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.evaluation.style.delta import Delta
from kobold_modules.evaluation.style.grammar import Grammar
from kobold_modules.evaluation.style.measure import Measure
from kobold_modules.evaluation.style.ngrams import NGrams
from kobold_modules.evaluation.style.profile import Profile
from kobold_modules.evaluation.style.tokens import all_windows
from tests.evaluation.style.voices import FILES, split, voice


MAKERS: dict[str, Callable[..., Measure]] = {"delta": Delta, "ngrams": NGrams, "grammar": Grammar, "profile": Profile}
STRANGE = [
    "",
    " ",
    "Word",
    "...",
    "我喜欢读书。他不喜欢。",
    "Привет, мир. Как дела?",
    "\x00\u200b",
    "a" * 5000,
    "\n\n\n",
]


@pytest.fixture(scope="module")
def fitted() -> dict[str, Measure]:
    """Return every measure fitted to the noir voice beside the two others."""
    others = {name: all_windows([voice(name)]) for name in FILES if name != "noir"}
    author = all_windows(split("noir")[0])
    return {name: make(author, others) for name, make in MAKERS.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_a_text_is_nearest_to_itself(name: str, fitted: dict[str, Measure]) -> None:
    measure = fitted[name]
    own = measure.score(measure.features(all_windows(split("noir")[0])).sum(0))
    rest = [measure.score(measure.features(all_windows([voice(other)]), other).sum(0)) for other in ("gothic", "farce")]

    assert all(own < score if measure.nearer == "lower" else own > score for score in rest)
    if name in ("delta", "profile"):
        assert own == pytest.approx(0, abs=1e-9)
    if name == "ngrams":
        assert own == pytest.approx(1)


@pytest.mark.parametrize("name", ["delta", "ngrams", "grammar"])
def test_pages_that_were_kept_back_are_nearer_than_other_voices(name: str, fitted: dict[str, Measure]) -> None:
    measure = fitted[name]
    own = measure.score(measure.features(all_windows(split("noir")[1])).sum(0))
    rest = [measure.score(measure.features(all_windows([voice(other)]), other).sum(0)) for other in ("gothic", "farce")]

    assert all(own < score if measure.nearer == "lower" else own > score for score in rest)


@pytest.mark.parametrize("name", MAKERS)
def test_windows_add_up_to_their_text(name: str, fitted: dict[str, Measure]) -> None:
    measure = fitted[name]
    found = all_windows(split("noir")[1])
    counted = measure.features(found)

    assert counted.shape[0] == len(found)
    assert measure.score(counted).shape == (len(found),)
    assert measure.score(np.stack([counted, counted])).shape == (2, len(found))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("number", range(len(STRANGE)))
def test_strange_texts_are_measured(name: str, number: int, fitted: dict[str, Measure]) -> None:
    """Texts that are empty, one word, in another script or no text at all."""
    score = fitted[name].score(fitted[name].features([STRANGE[number]]))

    assert score.shape == (1,)
    assert not np.isinf(score).any()


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("number", range(len(STRANGE)))
def test_measures_are_fitted_to_strange_texts(name: str, number: int) -> None:
    choices: tuple[dict[str, list[str]], ...] = ({}, {"other": [STRANGE[number]]}, {"other": []})
    for others in choices:
        measure = MAKERS[name]([STRANGE[number]], others)
        assert not np.isinf(measure.score(measure.features(["A page of text.", ""]))).any()


@given(st.text(max_size=300))
def test_bounds(fitted: dict[str, Measure], text: str) -> None:
    for name, (low, high) in {"delta": (0, 2), "ngrams": (-1, 1), "profile": (0, 1)}.items():
        score = float(fitted[name].score(fitted[name].features([text]))[0])
        assert np.isnan(score) or low - 1e-9 <= score <= high + 1e-9


def test_names_are_not_style() -> None:
    """A hero's name stands in the next chapter, too."""
    train = all_windows(split("noir")[0])
    others = {name: all_windows([voice(name)]) for name in FILES if name != "noir"}
    measure = NGrams(train, others)
    sentence = "She saw that {} had gone, and that {} would not be back. "

    a, b = (measure.features([sentence.format(*names)]) for names in (("Tomas", "Ilse"), ("Bartholomew", "Xanthippe")))

    assert np.array_equal(a, b)
