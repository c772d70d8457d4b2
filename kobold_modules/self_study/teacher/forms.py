"""What a teacher is given to write from. Forms only: a topic that is not in view would make it guess.

A chat model is told what to do in its own form of a conversation. A base model goes on with a page that begins so.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...generation.chat_template import ChatTemplate
from ..example import ExampleKind


QUESTIONS = 6  # of one call
# What is asked for, and how such a question begins where a model only goes on with a text.
QUESTION_FORMS = (
    ("Ask who did something, or what somebody is.", "Who"),
    ("Ask where things are and where they happened.", "Where"),
    ("Ask when, how long and how many.", "When"),
    ("Ask why and how things came about.", "Why"),
    ("Ask about names and exact words.", "What is the name of"),
    ("Ask how {title} and others belong together.", "How"),
    ("Ask what something is, does or means.", "What"),
    ("Ask in other words than the ones above.", "Which"),
)
PROSE_FORMS: tuple[tuple[ExampleKind, str], ...] = (
    ("continuation", "Everybody knew that {name}"),
    ("dialogue", "“Tell me about {name},” said the traveller.\n\n“{name}"),
    ("summary", "In short, {name}"),
    ("continuation", "When strangers asked about {name}, they were told that"),
    ("dialogue", "“And {name}?” she asked.\n\n“{name}"),
    ("continuation", "{name}"),
    ("continuation", "It was because of {name} that"),
    ("summary", "What one should know of {name}:"),
)
PROSE_WITHOUT_WORDS: tuple[tuple[ExampleKind, str], ...] = (("continuation", "{name}"), ("summary", "{name}:"))


@dataclass(frozen=True, slots=True)
class Asking:
    """A text to be gone on with: ``view`` in front of ``prompt``; ``begun`` is the answer's beginning, if any.

    Attributes:
        special: whether control tokens in them are read as such.
    """

    view: str
    prompt: str
    begun: str = ""
    special: bool = False


def asking_for_questions(view: str, title: str, number: int, english: bool, template: ChatTemplate | None) -> Asking:
    """Return what makes the teacher write questions about ``title`` (empty: all it sees), of the ``number``-th form."""
    told_of = title or "what is told above"
    form, begins = QUESTION_FORMS[number % len(QUESTION_FORMS)]
    if template is not None:
        language = "" if english else " Write in the language of the text above."
        told = (
            f"Write {QUESTIONS} short questions about {told_of}. {form.replace('{title}', told_of)} "
            f"Write one question on each line, and nothing else.{language}"
        )
        try:
            before, prompt = template.question(told, view)
            return Asking(before, prompt, special=True)
        except ValueError:
            pass
    begun = f"1. {begins}" if english else "1."
    heading = f"{QUESTIONS} questions about {told_of}, each with a short answer above:\n\n"
    if not english:
        heading = f"{title}?\n\n" if title else ""
    return Asking(view, heading, begun)


def prose_form(number: int, english: bool) -> tuple[ExampleKind, str]:
    """Return the ``number``-th form of prose: its kind and how it begins."""
    forms = PROSE_FORMS if english else PROSE_WITHOUT_WORDS
    return forms[number % len(forms)]
