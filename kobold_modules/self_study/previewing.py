"""What a world module would learn from some files, to be looked at before it is trained.

``python -m kobold_modules.self_study.previewing FILE...`` prints it as one JSON object. It is a process of its own, as
that of ``corpus.previewing``, and loads no model; the questions are those that are made by rule.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..corpus.lore_preview import LorePreview, PreviewedEntry, PreviewedQuestion
from ..errors import KoboldModulesError
from .example import Example, ExampleKind
from .lore import LoreEntry, read_lore
from .plan import template_examples
from .settings import StudySettings


MOST_ENTRIES = 400  # that are listed
MOST_ASKED_ABOUT = 24  # entries that example questions are taken from, from all over the lore
QUESTIONS = 8
LONGEST = 110  # characters of a question or an answer
_ASKED: tuple[ExampleKind, ...] = ("question", "relation")
_MARKS = (("Question:", "Answer:"), ("Q:", "A:"))


def preview(paths: Sequence[Path]) -> LorePreview:
    """Read ``paths`` as a world's training would. Never raises for a file that is no good: that is its ``problem``."""
    try:
        lore = read_lore(paths)
    except KoboldModulesError as error:
        return LorePreview(problem=error.message)
    listed = tuple(
        PreviewedEntry(entry.title, entry.keys, len(entry.view.split()), entry.view)
        for entry in lore.entries[:MOST_ENTRIES]
    )
    words = sum(len(entry.view.split()) for entry in lore.entries)
    return LorePreview(listed, len(lore.entries), words, lore.left_out, tuple(questions_about(lore.entries)))


def questions_about(entries: Sequence[LoreEntry]) -> list[PreviewedQuestion]:
    """Return at most :data:`QUESTIONS` questions about ``entries``, each about another one where there are so many."""
    step = max(1, len(entries) // MOST_ASKED_ABOUT)
    settings = StudySettings(coverage=6, kinds=_ASKED)
    found: list[PreviewedQuestion] = []
    later: list[PreviewedQuestion] = []
    asked_about: set[tuple[str, ...]] = set()
    for example in template_examples(entries[::step][:MOST_ASKED_ABOUT], settings):
        asked = _asked(example)
        if asked is None:
            continue
        (later if example.entries in asked_about else found).append(asked)
        asked_about.add(example.entries)
    return (found + later)[:QUESTIONS]


def _asked(example: Example) -> PreviewedQuestion | None:
    """Return ``example`` as a person reads it; None where it is long, or no question that stands by itself."""
    question, answer = example.prompt.strip(), example.answer.strip()
    for before, behind in _MARKS:
        if question.startswith(before):
            question = question.removeprefix(before).removesuffix(behind).strip()
    plain = question.endswith("?") and not question.startswith(("“", '"')) and "\n" not in question + answer
    if example.special or not plain or max(len(question), len(answer)) > LONGEST:
        return None
    return PreviewedQuestion(question, answer, ", ".join(example.entries))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="*", type=Path)
    sys.stdout.buffer.write(preview(parser.parse_args().paths).to_json())
