"""Drop capitals that were torn off their word: ``W e went down``, or ``W`` on a line and ``E went down`` below it.

A big first letter is a text box of its own in many a book file. It is put back only where the two make a word that the
text (or any English page) has, so "M smiled" and "A man" stay as they are.
"""

from __future__ import annotations

import re

from ..change import Change, Cleaned
from ..lines import Vocabulary


_TORN = re.compile(
    r"\n\n(?P<before> *[\"“”'‘’«]?)(?P<letter>[A-ZÀ-ÞΑ-ΩА-Я])(?P<gap> |"
    r"\n{1,2})(?P<rest>[^\W\d_]+(?:['’][^\W\d_]+)?)(?=[\s,;:.!?—-])"
)
_ALONE = frozenset("aiou")  # words of one letter ("O", "I", "A", and "u" in a chat)
_WORDS = """
    the we he she they it in on at when then there this that these those was were what who whom whose why
    where which while with without within once one only of off over out our for from if is into its i'm it's
    i'd i've i'll an and as all after again also although among any are around before behind below beside
    between beyond both but by could did do does during each early either even ever every everything first few
    good had half has have her here high his how however just last late later let like long look looking many
    may maybe more most mother father much must my near never next night no nobody none not nothing now often
    old other perhaps quite rain said see seven several should since six so some someone something soon still
    such sun ten than them three through thus to today together tomorrow too toward two under until up upon us
    very well west winter wind would yes yesterday yet you young your der die das es er sie wir ich ein eine
    als und il elle nous je le la les un une el los las no lo era
"""
_COMMON = frozenset(_WORDS.split())
_TELLING = 4  # letters of a word that is not among the commonest
_WHAT = "torn initials put back"
_WHY = "A large first letter was set apart from its word; the model would learn the gap."


def drop_caps(text: str) -> Cleaned:
    """Put torn initials back to their words."""
    padded = f"\n\n{text}"
    torn = {found.start(): found for found in _TORN.finditer(padded) if _may_belong(found)}
    if not torn:
        return text, Change(_WHAT, 0, _WHY)
    elsewhere = _TORN.sub("\n\n", padded)
    words = Vocabulary(elsewhere)
    count = 0

    def repair(found: re.Match[str]) -> str:
        nonlocal count
        letter, rest = found["letter"], found["rest"]
        if found.start() not in torn or not _belongs(letter, rest, found["gap"], words) or _is_name(letter, elsewhere):
            return found.group()
        count += 1
        return f"\n\n{found['before']}{letter}{rest.lower() if rest[0].isupper() else rest}"

    return _TORN.sub(repair, padded)[2:], Change(_WHAT, count, _WHY)


def _may_belong(found: re.Match[str]) -> bool:
    """Return False for what is certainly two words: "I was", "A man"."""
    letter, rest = found["letter"], found["rest"]
    if not (rest.islower() or rest.isupper() or (found["gap"] != " " and rest.istitle() and letter not in "IVX")):
        return False
    return letter.lower() not in _ALONE or (letter + rest).lower() in _COMMON


def _belongs(letter: str, rest: str, gap: str, words: Vocabulary) -> bool:
    """Return True if ``letter`` and ``rest`` are one word, torn; ``words`` are those of the text elsewhere."""
    whole, tail = (letter + rest).lower(), rest.lower()
    if whole not in _COMMON:
        return len(whole) >= _TELLING and whole in words.words and tail not in words.words and tail not in _COMMON
    is_word = tail in _ALONE if len(tail) == 1 else tail in _COMMON or tail in words.words
    # "A man", "K now saw": two words, unless the letter is none.
    return not is_word or letter.lower() not in _ALONE or (gap != " " and rest.isupper() and letter != "I")


def _is_name(letter: str, text: str) -> bool:
    """Return True if somebody is called by this letter ("said M."); A and I are words."""
    return letter.lower() not in _ALONE and re.search(rf"[a-z,;] {letter}[ ,.;!?']", text) is not None
