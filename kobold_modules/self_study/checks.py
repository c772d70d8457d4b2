"""What a teacher wrote, held against the lore it had in view: what is made up or says nothing is dropped, by reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from .names import WITHOUT_CASE, invented, numbers_in, spans
from .sentences import split


INVENTED = "a name or number that is not in the lore"
OTHER_WORDS = "mostly words that are not in the lore"
SHORT = "too short"
LONG = "not finished"
REPEATS = "repeats itself"
REFUSES = "declines to answer"
ABOUT_TEXT = "talks about the text and not about the world"
UNBACKED = "not said together anywhere in the lore"
NO_NUMBER = "asked for a number and not answered with one"
NAMELESS = "a question that names nothing of the lore"
ECHO = "only the question again"
NO_QUESTION = "not a question"
NOTHING_SAID = "says nothing that the lore says"
TWICE = "asked before"

_YES_OR_NO = re.compile(r"(?:yes|no)\b", re.IGNORECASE)
_FEWEST_WORDS = 3  # of the lore in a question without a name: "Where do you stand?" asks about nothing
_HOW_MANY = re.compile(r"how (?:many|much|long|often|old|far)\b|(?:in )?(?:what|which) year\b", re.IGNORECASE)
_IN_ENTRY, _IN_SENTENCES = 0.8, 0.6  # shares of what a question and its answer say
MOST_OTHER_WORDS = 0.34  # of an answer's longer words
MOST_OTHER_WORDS_OF_PROSE = 0.6  # of a continuation's
LONGEST_QUESTION = 240  # characters
_STEM = 5  # letters by which words are compared: "drained" and "drains" are one
_REFUSAL = re.compile(
    r"\b(?:as an ai|language model|i(?:'m| am) sorry|i can(?:no|')t|i (?:do not|don't) (?:know|have)|i apologi[sz]e"
    r"|i am unable|not (?:mentioned|specified|stated|provided|given)|no information|unknown|unclear)\b",
    re.IGNORECASE,
)
_ABOUT_TEXT = re.compile(
    r"\b(?:according to|based on|in|from|of|by|this|the) (?:the |this |that |given |provided |above )*"
    r"(?:passage|text|context|excerpt|document|description|paragraph|prompt|question|author|lore entry"
    r"|given information|information (?:given|provided|above))\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_SAID_AGAIN = re.compile(r"(\b.{4,60}?)(?:[\s,.;]+\1){2,}", re.DOTALL)


def fault_of_question(question: str, view: str) -> str:
    """Return why ``question`` should not be asked, or nothing."""
    if not question.endswith(("?", "？", "؟")) or len(question) > LONGEST_QUESTION:
        return NO_QUESTION
    if len(question) < 8 and question.isascii():
        return SHORT
    if _says(_ABOUT_TEXT, question, view):
        return ABOUT_TEXT
    if invented(question, view):
        return INVENTED
    cased = not WITHOUT_CASE.search(question)
    if cased and not _names_in(question) and len(_stems(question) & _stems(view)) < _FEWEST_WORDS:
        return NAMELESS
    return REPEATS if repeats(question) else ""


def fault_of_answer(answer: str, question: str, views: Sequence[str]) -> str:
    """Return why ``answer`` should not be learned, or nothing.

    Args:
        views: the entries that were in front of the question, each by itself.
    """
    view = "".join(views)
    if not any(map(str.isalnum, answer)):
        return SHORT
    if answer.endswith((":", ",", ";")):
        return LONG
    if _says(_REFUSAL, answer, view):
        return REFUSES
    if _says(_ABOUT_TEXT, answer, view):
        return ABOUT_TEXT
    if fault := _fault_of_words(answer, f"{view}\n{question}", MOST_OTHER_WORDS):
        return fault
    if _HOW_MANY.match(question) and not any(True for _ in numbers_in(answer)):
        return NO_NUMBER
    told = _marks(answer) - _marks(question)
    if not told and not _YES_OR_NO.match(answer):
        return ECHO
    return "" if _backed(told | _names_in(question), views) else UNBACKED


def fault_of_prose(text: str, before: str, view: str) -> str:
    """Return why ``text``, which goes on from ``before``, should not be learned, or nothing.

    It must tell of the lore: a name, a number or some words of it that were not there before.
    """
    if len(text.split()) < 3 and len(text) < 8:
        return SHORT
    if _says(_ABOUT_TEXT, text, view) or _says(_REFUSAL, text, view):
        return ABOUT_TEXT
    if fault := _fault_of_words(text, f"{view}\n{before}", MOST_OTHER_WORDS_OF_PROSE):
        return fault
    said = {span.text.casefold() for span in spans(f"x {text}")}
    new_words = _stems(text) & _stems(view) - _stems(before)
    return "" if said - {span.text.casefold() for span in spans(f"x {before}")} or len(new_words) >= 2 else NOTHING_SAID


def _fault_of_words(text: str, known: str, most_other_words: float) -> str:
    """Return what is wrong with the words of ``text`` beside those that are ``known``, or nothing."""
    if repeats(text):
        return REPEATS
    if invented(text, known):
        return INVENTED
    return OTHER_WORDS if other_words(text, known) > most_other_words else ""


def repeats(text: str) -> bool:
    """Return whether ``text`` says the same stretch three times running, or half of its threes of words twice."""
    if _SAID_AGAIN.search(text[:1000]):
        return True
    words = text.casefold().split()
    threes = Counter(zip(words, words[1:], words[2:], strict=False))
    return len(words) >= 9 and sum(count for count in threes.values() if count > 1) > len(words) / 2


def other_words(text: str, lore: str) -> float:
    """Return the share of the longer words of ``text`` that do not stand in ``lore`` in any form."""
    words, known = _WORD.findall(text.casefold()), _stems(lore)
    return sum(word[:_STEM] not in known for word in words) / len(words) if words else 0.0


def _says(pattern: re.Pattern[str], text: str, view: str) -> bool:
    """Return whether ``text`` has ``pattern`` in words that the lore itself does not have."""
    found = pattern.search(text)
    return found is not None and found[0].casefold() not in view.casefold()


def _backed(said: set[str], views: Sequence[str]) -> bool:
    """Return whether most of ``said`` stands in one entry, and much of it in two sentences running of that entry."""
    for view in views:
        if len(said & _marks(view)) < _IN_ENTRY * len(said):
            continue
        title, *lines = view.strip().split("\n")
        sentences = [title, *split(" ".join(lines))]
        for first, second in zip(sentences, sentences[1:] or [""], strict=False):
            if len(said & _marks(f"{title} {first} {second}")) >= _IN_SENTENCES * len(said):
                return True
    return False


def _marks(text: str) -> set[str]:
    """Return what ``text`` is compared by: its longer words by their stems, and its numbers by their value."""
    return _stems(text) | {f"{value:g}" for value in numbers_in(text)}


def _names_in(text: str) -> set[str]:
    names = (span.text for span in spans(text))
    return {mark for name in names for mark in _marks(name)}


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(text.casefold())}
