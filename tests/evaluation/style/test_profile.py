"""Profiles: sentence lengths, speech in every kind of quotation mark, punctuation, and a distance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.evaluation.style.profile import MARKS, dialogue_words, profile_of
from kobold_modules.evaluation.style.repetition import repetition


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ('"Come in," she said. "It is late."', 5),
        ("“Come in,” she said. “It is late.”", 5),
        ("‘Come in,’ she said. ‘It isn’t late.’", 5),
        ("'Come in,' she said. 'It isn't late.'", 5),
        ("«Entrez», dit-elle.", 1),
        ("„Herein“, sagte sie. „Es ist spät.“", 4),
        ("»Herein«, sagte sie. »Es ist spät.«", 4),
        ("« Entrez », dit-elle. « Il est tard. »", 4),
        ("— Entrez, dit elle.", 3),
        ("The dogs' bowls weren't full.", 0),
        ('it was late," she said.', 3),  # a page that begins inside speech
        ('"It was a long story,\n\n"and a sad one," she said.', 9),  # speech that goes on in the next paragraph
        ("「入る」と言った。", 2),
        ("No one spoke.", 0),
        ("", 0),
    ],
)
def test_speech(text: str, spoken: int) -> None:
    assert dialogue_words(text) == spoken


def test_a_profile_is_what_it_says() -> None:
    profile = profile_of(['He ran, and ran. "Stop!" cried Ada -- too late...', "One two three four five six."])

    assert profile.words_per_sentence == pytest.approx((4 + 5 + 6) / 3)
    assert profile.dialogue == pytest.approx(1 / 15)
    assert profile.marks[","] == pytest.approx(1000 / 15)
    assert profile.marks["—"] == profile.marks["…"] == profile.marks["!"] == pytest.approx(1000 / 15)
    assert profile.marks['"'] == pytest.approx(2000 / 15)
    assert sum(profile.sentence_lengths) == pytest.approx(1)


def test_the_same_marks_count_the_same_however_they_are_drawn() -> None:
    straight, curly = (
        profile_of(['"Go on," he said -- "it isn\'t far..."']),
        profile_of(["“Go on,” he said — “it isn’t far…”"]),
    )

    assert straight.marks == curly.marks
    assert straight.distance(curly) == 0


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_distance_is_a_distance(left: str, right: str) -> None:
    a, b = profile_of([left]), profile_of([right])

    assert a.distance(a) == 0
    assert a.distance(b) == pytest.approx(b.distance(a))
    assert 0 <= a.distance(b) <= 1


def test_nothing_has_a_profile_of_zeros() -> None:
    profile = profile_of([])

    assert profile.words_per_sentence == profile.dialogue == 0
    assert set(profile.marks) == set(MARKS)


def test_repetition() -> None:
    assert repetition(["one two three four five six seven"]) == 0
    assert repetition(["round and round it goes " * 40]) > 0.95
    assert repetition(["the same start of a take", "the same start of a take"]) == 0  # each text for itself
    assert repetition([]) == repetition(["", "two words"]) == 0
