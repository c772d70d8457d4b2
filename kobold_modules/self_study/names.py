"""Names and numbers in a text: what must not be made up, and what is worth asking about.

A name is a word that begins with a capital where its sentence does not, or that stands so elsewhere in the lore. A
number is written in digits or, in English, in words; ``12`` and ``twelve`` are the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


def _words(text: str) -> list[str]:
    return text.split()


_UNITS = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
_LARGE = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "dozen": 12}
ORDINALS = _words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
NUMBER_WORDS: dict[str, int] = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: 20 + 10 * value for value, word in enumerate(_TENS)},
    **{
        f"{ten}-{unit}": 20 + 10 * tens + units
        for tens, ten in enumerate(_TENS)
        for units, unit in enumerate(_UNITS[1:10], 1)
    },
    **_LARGE,
    **{word: value for value, word in enumerate(ORDINALS, 1)},
}
_NOT_COUNTED = frozenset({"one", "first", "second", "zero"})  # "one of them", "at first", "in a second"
_SMALL = "of|the|de|du|di|da|della|von|van|der|den|la|le|el|al|bin|ibn|and the"
_CAPITAL = r"[^\W\d_a-zà-öø-ÿ][\w’']*(?:-[\w’']+)*"
_NAME = re.compile(rf"(?<![\w’'-]){_CAPITAL}(?:\s+(?:(?:{_SMALL})\s+){{0,2}}{_CAPITAL})*")
_DIGITS = re.compile(r"(?<![\w])\d[\d,.]*\d(?:st|nd|rd|th|s)?|(?<![\w])\d(?:st|nd|rd|th|s)?(?!\w)")
_WORD = re.compile(r"[^\W_]+(?:[-’'][^\W_]+)*")
_ANY_NUMBER = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_WRITTEN = re.compile(rf"(?<![\w-])(?:{_ANY_NUMBER})(?: (?:and )?(?:{_ANY_NUMBER}))*(?![\w-])")  # nine hundred and two
_POSSESSIVE = re.compile(r"[’'](?:s|S)?$")
_OPENS = re.compile(r"(?:^|[.!?…:;]|\n|[\"“”«(])[\s\"“”«»'‘’(*_-]*$")
WITHOUT_CASE = re.compile(r"[\u0590-\u1fff\u2e80-\ud7ff]")
# Words that open sentences and lines, and are nobody's name. Days and months count as names.
_ORDINARY = frozenset(
    _words(
        "a about according after again all also although an and any are as at because before being besides "
        "between both but by called can could despite did do does during each either even every few finally "
        "for from had has have he hence her here hers herself him himself his how however i if in indeed "
        "instead into is it its itself just later like many maybe me meanwhile most mr mrs ms much my neither "
        "never nevertheless next no nobody none nor not nothing now of often on once one only or other our "
        "over perhaps please question answer q rather she should since so some somebody sometimes soon still "
        "such than that the their them then there therefore these they this those though thus to together too "
        "under until up very was we well were what when where whether which while who whom whose why will "
        "with within without would yes yet you your us"
    )
)


class Span(NamedTuple):
    """A stretch of a text: ``text`` from character ``begin`` to before ``end``; what it is."""

    begin: int
    end: int
    text: str
    number: bool


def spans(text: str, known: frozenset[str] = frozenset()) -> list[Span]:
    """Return the names and numbers in ``text``, from left to right, none inside another.

    Args:
        known: words, in small letters, that are names wherever they stand. Others count where no sentence begins.
    """
    found = [Span(at.start(), at.end(), at[0].rstrip(".,"), True) for at in _DIGITS.finditer(text)]
    for at in _WRITTEN.finditer(text):
        if at[0] not in _NOT_COUNTED:
            found.append(Span(at.start(), at.end(), at[0], True))
    for at in () if text.isupper() else _NAME.finditer(text):  # capitals throughout tell no names
        name, begin = at[0], at.start()
        if _opens_sentence(text, begin):
            name, begin = _without_opening(name, begin, known)
        name = _POSSESSIVE.sub("", name)
        if len(name) > 1 and name.lower() not in _ORDINARY:
            found.append(Span(begin, begin + len(name), name, False))
    taken, kept = 0, []
    for span in sorted(found, key=lambda span: (span.begin, -span.end)):
        if span.begin >= taken:
            kept.append(span)
            taken = span.end
    return kept


def known_names(texts: Iterable[str]) -> frozenset[str]:
    """Return the words, in small letters, that stand with a capital inside a sentence of ``texts``."""
    found: set[str] = set()
    for text in texts:
        for at in _NAME.finditer(text):
            if not _opens_sentence(text, at.start()):
                found.update(_bare(word) for word in at[0].split())
            else:
                found.update(_bare(word) for word in at[0].split()[1:])
    return frozenset(found - _ORDINARY)


def invented(answer: str, lore: str) -> list[str]:
    """Return the names and numbers of ``answer`` that do not stand in ``lore``, in their order.

    Every word of a name must be there, in whatever case; so must every number, in digits or words.
    """
    words = {_bare(at[0]) for at in _WORD.finditer(lore)}
    parts = {part for word in words for part in word.split("-")}
    numbers = set(numbers_in(lore))
    missing: list[str] = []
    for at in _WORD.finditer(answer):
        word, value = at[0], value_of(at[0])
        if value is not None:
            if value not in numbers and word.lower() not in _NOT_COUNTED:
                missing.append(word)
        elif word[0].isupper() and not WITHOUT_CASE.match(word):
            bare = _bare(word)
            if bare in words or bare in _ORDINARY or all(part in parts for part in bare.split("-")):
                continue
            if bare.split("'")[0] in _ORDINARY:  # I'm, It's
                continue
            missing.append(word)
    return missing


def numbers_in(text: str) -> Iterable[float]:
    """Yield the values of the numbers in ``text``, in digits and words; some of them in more than one reading."""
    for at in _WORD.finditer(text):
        if (value := value_of(at[0])) is not None:
            yield value
    for at in _WRITTEN.finditer(text.lower()):
        yield _written_value(at[0])
    for at in re.finditer(r"\d[\d,.]*\d", text):  # 1,306 is 1306, and 3.5 holds a 3 and a 5, too
        yield from (float(joined) for joined in [at[0].replace(",", "").replace(".", "")] if joined.isdecimal())


def value_of(word: str) -> float | None:
    """Return the number that ``word`` writes, if it is one."""
    lower = word.lower()
    if " " in lower:
        return _written_value(lower)
    if (value := NUMBER_WORDS.get(lower)) is not None:
        return float(value)
    digits = re.sub(r"(?:st|nd|rd|th|s|[’']s)$", "", lower)
    return float(digits) if digits.isdecimal() and len(digits) < 16 else None


def _written_value(words: str) -> float:
    """Return the number that several number words write: ``nine hundred and two`` is 902."""
    value = 0
    for word in words.split():
        part = NUMBER_WORDS.get(word, 0)
        value = max(1, value) * part if word in _LARGE else value + part
    return float(value)


def _bare(word: str) -> str:
    return _POSSESSIVE.sub("", word.lower()).replace("’", "'")


def _opens_sentence(text: str, at: int) -> bool:
    return bool(_OPENS.search(text[max(0, at - 12) : at])) or at == 0


def _without_opening(name: str, begin: int, known: frozenset[str]) -> tuple[str, int]:
    """Leave out the first word of a name that opens a sentence, unless it is a name elsewhere, too."""
    first = name.split()[0]
    if _bare(first) in known:
        return name, begin
    rest = name[len(first) :].lstrip()
    while rest and not rest[0].isupper():  # the small words behind it
        rest = rest.split(None, 1)[1] if " " in rest else ""
    return rest, begin + len(name) - len(rest)
