"""Questions made from lore by rule, for a world whose owner wrote none: one name or number is asked for.

They come from self-study's templates under a seed of their own, in the one frame that an evaluation uses, so that their
wordings are not those of the training; the wrong choices are names or numbers of the same world.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from ...self_study import LoreEntry, StudySettings, template_examples
from ...self_study.names import value_of
from .questions import Question


SEED = 9001  # training's seeds are small
LONGEST_ANSWER = 6  # words
COVERAGE = 6.0
_ASKED = re.compile(r"(?:Question|Q): (.+)\n(?:Answer|A):", re.DOTALL)


def made_questions(entries: Sequence[LoreEntry], most: int, seed: int = SEED) -> tuple[Question, ...]:
    """Return at most ``most`` questions with four choices, from all parts of the lore; fewer of little lore."""
    settings = StudySettings(coverage=COVERAGE, kinds=("question", "relation"), chat=False, seed=seed)
    asked: dict[str, tuple[str, str, str]] = {}
    for example in template_examples(entries, settings):
        found, answer = _ASKED.fullmatch(example.prompt), example.answer.strip()
        if found and len(answer.split()) <= LONGEST_ANSWER and "\n" not in answer:
            asked.setdefault(found[1], (example.entries[0], answer, example.view))
    chance = random.Random(seed)
    pool = {answer for _, answer, _ in asked.values()}
    questions = []
    for number, (question, (entry, answer, view)) in enumerate(asked.items()):
        wrong = [
            other
            for other in sorted(pool)
            if _like(other, answer) and other.casefold() not in view.casefold() and answer not in other
        ]
        if len(wrong) < 3:
            continue
        choices = chance.sample(wrong, 3)
        at = chance.randrange(4)
        choices.insert(at, answer)
        questions.append(Question(question, tuple(choices), at, entry, "made", f"made-{number + 1}"))
    if len(questions) <= most:
        return tuple(questions)
    return tuple(questions[number * len(questions) // most] for number in range(most))


def _like(one: str, other: str) -> bool:
    """Return whether two answers are of a kind: numbers, or words of about one length."""
    numbers = [value_of(text.split()[0]) is not None for text in (one, other)]
    return numbers[0] == numbers[1] and abs(len(one.split()) - len(other.split())) <= 2
