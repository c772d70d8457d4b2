"""A plain description says what is plainly so."""

from __future__ import annotations

import pytest

from kobold_modules.phrases.description import describe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "I was late. I ran. We had no time.",
            "A story, told in the first person, in the past tense, in short sentences, with hardly any dialogue.",
        ),
        (
            '"Is he here?" she says. "He is," they say. "And she is not."',
            "A story, told in the third person, in the present tense, in short sentences, with much dialogue.",
        ),
        ("Rain. Fog.", "A story, in short sentences, with hardly any dialogue."),
        ("", "A story, with hardly any dialogue."),
    ],
)
def test_a_description(text: str, expected: str) -> None:
    assert describe([text]) == expected


def test_long_sentences_are_called_long() -> None:
    assert "in long sentences" in describe(["He went " + "and he went on " * 10 + "until night."])
