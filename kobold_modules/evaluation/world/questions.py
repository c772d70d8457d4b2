"""Questions on a world with four answers each, of which one is true: values, and the reader of a file of them.

::

    [
        {
            "id": "orrub-1",
            "entry": "orrub",
            "question": "What did Orrub receive for winning his bet?",
            "choices": ["A boat", "A goose", "A mule", "A cheese"],
            "answer": 1,
            "kind": "person",
            "accept": ["goose"],
        }
    ]

``entry`` is the title, a key or the id of the lore entry that answers it. ``accept`` lists words of which one must
stand in an answer that the model writes itself, where the true choice is only one of several ways to say it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...byte_size import byte_size
from ...errors import BadInput
from ...lorebook import Lorebook
from ...lorebook.content import prose
from ...lorebook.values import decoded
from ...plain_text import one_line


MOST_BYTES = 8 << 20
MOST_QUESTIONS = 5_000
MOST_CHOICES = 10
LONGEST = 400  # characters of a question; of a choice half as many
MOST_ACCEPTED = 24

_WORD = re.compile(r"[^\W_]+(?:[-’'][^\W_]+)*")
_SMALL = frozenset(
    (
        *("a", "an", "the", "of", "in", "on", "at", "to", "by", "with", "and", "or", "for", "from"),
        *("his", "her", "its", "their", "it", "they", "is", "was", "are", "as"),
    )
)
_HINT = 'A question looks like this: {"question": ..., "choices": ["one", "two"], "answer": 0, "entry": "its title"}.'


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        choices: at least two; ``answer`` is the number of the true one, from 0.
        entry: title, key or id of the lore entry that answers it; may be empty.
        accept: phrases; a written answer that has all words of one of them is right.
    """

    question: str
    choices: tuple[str, ...]
    answer: int
    entry: str = ""
    kind: str = ""
    id: str = ""
    accept: tuple[str, ...] = ()

    @property
    def true(self) -> str:
        """The true answer."""
        return self.choices[self.answer]

    def is_right(self, written: str) -> bool:
        """Return whether ``written`` has the key words of the true answer, in whatever order."""
        words = set(_words(written))
        accepted = self.accept or (self.true,)
        return any(keys <= words for phrase in accepted if (keys := key_words(phrase)))


def key_words(text: str) -> set[str]:
    """Return the words of ``text`` that say something; all of them where none does."""
    words = set(_words(text))
    return words - _SMALL or words


def _words(text: str) -> list[str]:
    return [word.replace("’", "'") for word in _WORD.findall(text.casefold())]


def read_questions(path: Path) -> tuple[Question, ...]:
    """Read a file of questions.

    Raises:
        BadInput: it is unreadable or too large, is no JSON, or a question in it makes no sense.
    """
    try:
        if not path.is_file():
            raise BadInput(f"{path} is no ordinary file." if path.exists() else f"There is no file {path}.")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise BadInput(f"{path.name} is larger than any file of questions ({byte_size(size)}).")
        data = json.loads(decoded(path.read_bytes()))
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadInput(f"{path.name} is no JSON, or cut short{where}.", _HINT) from error
    found = data.get("questions") if isinstance(data, Mapping) else data
    if not isinstance(found, list) or not found:
        raise BadInput(f"{path.name} holds no list of questions.", _HINT)
    if len(found) > MOST_QUESTIONS:
        raise BadInput(f"{path.name} holds {len(found):,} questions; {MOST_QUESTIONS:,} are the most.")
    return tuple(_question(item, number, path.name) for number, item in enumerate(found, 1))


def _question(item: Any, number: int, name: str) -> Question:
    def wrong(what: str) -> BadInput:
        return BadInput(f"Question {number} in {name} {what}.", _HINT)

    if not isinstance(item, Mapping):
        raise wrong("is no object")
    question = _line(item.get("question"), LONGEST)
    if not question:
        raise wrong("asks nothing")
    choices = item.get("choices")
    if not isinstance(choices, list) or not 2 <= len(choices) <= MOST_CHOICES:
        raise wrong(f"needs 2 to {MOST_CHOICES} choices")
    texts = tuple(_line(choice, LONGEST // 2) for choice in choices)
    if not all(texts) or len({text.casefold() for text in texts}) < len(texts):
        raise wrong("has a choice that is empty or stands twice")
    answer = item.get("answer")
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(texts):
        raise wrong(f"has an answer that is none of its choices (0 to {len(texts) - 1})")
    accept = item.get("accept")
    given = accept[:MOST_ACCEPTED] if isinstance(accept, list) else []
    return Question(
        question=question,
        choices=texts,
        answer=answer,
        entry=_line(item.get("entry"), 200),
        kind=_line(item.get("kind"), 40),
        id=_line(item.get("id"), 80),
        accept=tuple(phrase for each in given if (phrase := _line(each, 80))),
    )


def _line(value: Any, longest: int) -> str:
    return one_line(value, longest).strip() if isinstance(value, str) else ""


def views(questions: Sequence[Question], book: Lorebook) -> dict[str, str]:
    """Return for each question's ``entry`` the text of that entry in ``book``, its title first; those that it has."""
    by_name: dict[str, str] = {}
    for entry in book.enabled:
        text = prose(entry, book.character)
        view = f"{entry.title.strip()}: {text}" if entry.title.strip() else text
        for name in (str(entry.rest.get("id", "")), str(entry.rest.get("uid", "")), entry.title, *entry.keys):
            if name.strip():
                by_name.setdefault(name.strip().casefold(), view)
    wanted = {question.entry for question in questions if question.entry}
    return {name: by_name[name.casefold()] for name in wanted if name.casefold() in by_name}
