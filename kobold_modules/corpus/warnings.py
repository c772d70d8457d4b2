"""Warnings: what a writer should know of their texts before an hour of training.

None of them stops anything. Each is one sentence that says what was seen and what it may do to the module.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from .cleaning.change import Change
from .document import Document
from .words import count_words


LITTLE = 2_000
_DOMINATES = 0.6
_OVERUSED = 0.01
_JUDGED = 1_000_000  # characters of a text in which names are counted
_MUCH = 0.1  # of a text; who loses more should hear of it
_LEAST_LETTERS = 0.8  # of the visible characters; novels have 0.93 to 0.97
_SAMPLE = 200_000
_PAGE, _SHORTEST_PAGE, _MOST_PAGES = 2_000, 400, 400  # characters, characters, pages
_CHARACTERS_A_TOKEN = 2.6  # fewer, and it is no prose; novels have 4 to 5
_LEAST_SHARE = 0.03  # of a text's tokens
# A word of one case, perhaps with a capital first; a digit; a sign.
_PIECE = re.compile(r"[^\W\d_A-Z]{1,}|[A-Z]+(?![^\W\d_A-Z])|[A-Z][^\W\d_A-Z]*|\d|[^\w\s]|_")
_WORD = re.compile(r"(?<![\w'’])[^\W\d_]{3,}(?!\w)")
_NO_NAMES = frozenset(
    [
        "Mrs",
        "Miss",
        "Mister",
        "Sir",
        "Lady",
        "Lord",
        "Madam",
        "Madame",
        "Doctor",
        "Captain",
        "Father",
        "Mother",
        "God",
        "English",
        "French",
        "Herr",
        "Frau",
        "Fräulein",
        "Monsieur",
        "Mademoiselle",
        "Señor",
        "Señora",
        "Signor",
        "Signora",
    ]
)


def cleaning_warnings(changes: Sequence[Change], left: int) -> tuple[str, ...]:
    """Return what cleaning itself has to say, and which rule took more than a tenth of a text away.

    ``left`` is how many characters are left.
    """
    said = [change.warning for change in changes if change.warning]
    whole = left + sum(change.removed for change in changes)
    for change in changes:
        if change.removed > _MUCH * whole:
            keep = f"; --keep {change.rule} leaves it in" if change.rule else ""
            said.append(
                f"{change.what[:1].upper()}{change.what[1:]}: that was {change.removed / whole:.0%} of this file. Look "
                f"whether any of it was yours{keep}."
            )
    return tuple(said)


def file_warnings(text: str) -> tuple[str, ...]:
    """Return warnings about one cleaned text: that it is no prose, or that some of its pages are none."""
    seen = Counter(text[:_SAMPLE])
    visible = sum(count for character, count in seen.items() if not character.isspace())
    letters = sum(count for character, count in seen.items() if unicodedata.category(character)[0] in "LM")
    if visible >= 50 and letters < _LEAST_LETTERS * visible:
        share = round(100 - 100 * letters / visible)
        return (f"{share} % of it are digits and symbols: this may be a table, code or a log rather than prose.",)
    return costly_pages(text)


def costly_pages(text: str) -> tuple[str, ...]:
    """Return a sentence where pages cost far more tokens than prose does: codes, tables, pasted files."""
    starts = range(0, len(text), _PAGE)
    looked_at = starts[:: max(1, len(starts) // _MOST_PAGES)]
    costs = {at: estimated_tokens(text[at : at + _PAGE]) for at in looked_at}
    costly = [at for at in looked_at if costs[at] * _CHARACTERS_A_TOKEN > len(text[at : at + _PAGE]) > _SHORTEST_PAGE]
    if not costly:
        return ()
    share = sum(costs[at] for at in costly) / max(1, sum(costs.values()))
    if share < _LEAST_SHARE:
        return ()
    begins = " ".join(text[costly[0] : costly[0] + _PAGE].split())[:30]
    advice = "take them out, or the module learns them."
    return (f'About {share:.0%} of its tokens are no prose but codes, tables or data, as near "{begins}": {advice}',)


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text is: a word is one for every seven letters, anything else one a sign."""
    pieces = _PIECE.findall(text)
    return sum(1 + (len(piece) - 1) // 7 for piece in pieces)


def corpus_warnings(documents: Sequence[Document]) -> tuple[str, ...]:
    """Return warnings about the texts taken together."""
    words = sum(document.words for document in documents)
    warnings = []
    if words < LITTLE:
        warnings.append(
            f"{words:,} words are little: a voice starts to show from about {LITTLE:,}, and 10,000 and more are better."
        )
    largest = max(documents, key=lambda document: document.words, default=None)
    if largest and len(documents) >= 3 and largest.words > _DOMINATES * words:
        share = round(100 * largest.words / words)
        warnings.append(f"{largest.name} makes up {share} % of all words, so the module will mostly sound like it.")
    warnings += [
        f'The name "{name}" is {share:.1%} of all words; a module trained for style may write it into every scene.'
        for name, share in overused_names(documents)
    ]
    return tuple(warnings)


def overused_names(documents: Sequence[Document]) -> list[tuple[str, float]]:
    """Return capitalised words that are more than one word in a hundred and hardly ever stand in lower case.

    Large texts are judged by their first part.
    """
    texts = [document.text[:_JUDGED] for document in documents]
    words = sum(map(count_words, texts))
    if words < 500:
        return []
    capitals: Counter[str] = Counter()
    for text in texts:
        capitals.update(word for word in _WORD.findall(text) if word.istitle())
    often = [(name, count) for name, count in capitals.most_common(20) if count > _OVERUSED * words]
    return [
        (name, count / words)
        for name, count in often
        if name not in _NO_NAMES and sum(len(re.findall(rf"\b{name.lower()}\b", text)) for text in texts) < 0.1 * count
    ][:5]
