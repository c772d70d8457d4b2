"""Questions in natural order, with the verb's plain form only where it is sure."""

from __future__ import annotations

import random

import pytest

from kobold_modules.self_study import LoreEntry
from kobold_modules.self_study.plan import world_of
from kobold_modules.self_study.templates import drafts_of
from tests.self_study.worlds import WORLD


def questions(text: str, group: str = "person") -> dict[str, str]:
    entry = LoreEntry("Tamsin Hale", (), text, (), group)
    drafts = drafts_of(entry, world_of([*WORLD, entry]), True, random.Random(0))
    return {draft.question: draft.answer for draft in drafts if draft.kind == "question"}


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("She has buried three husbands.", "How many husbands has Tamsin Hale buried?", "three"),
        ("She crossed the river in 412.", "In which year did Tamsin Hale cross the river?", "412"),
        ("She carried forty sacks to market.", "How many sacks did Tamsin Hale carry to market?", "forty"),
        ("She lived in Port Alder for a while.", "In which place did Tamsin Hale live for a while?", "Port Alder"),
        ("She now keeps nine geese.", "How many geese does Tamsin Hale now keep?", "nine"),
        ("She taught Joss Reed to row.", "Whom did Tamsin Hale teach to row?", "Joss Reed"),
        ("In 430 she burned the bridge.", "When was it that Tamsin Hale burned the bridge?", "In 430"),
        ("In 430 she burned the bridge.", "Who burned the bridge in 430?", "Tamsin Hale"),
    ],
)
def test_questions_as_a_person_asks_them(text: str, question: str, answer: str) -> None:
    found = questions(f"A woman of the marsh. {text}")

    assert found.get(question, list(found)) == answer


@pytest.mark.parametrize(
    "text", ["She hoped for nine days.", "She, it seems, left nine geese.", "Nine geese are hers."]
)
def test_where_the_verb_is_not_sure_nothing_is_asked_in_that_way(text: str) -> None:
    assert not any(question.startswith("How many") for question in questions(f"A woman of the marsh. {text}"))
