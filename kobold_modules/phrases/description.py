"""A plain description of how somebody writes: what a person would put into a prompt, and what a phrase has to beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..evaluation.style.profile import profile_of
from ..evaluation.style.tokens import words


SHORT, LONG = 11.0, 19.0  # words per sentence on average, below and above which sentences are called so
LITTLE, MUCH = 0.1, 0.35  # share of speech
_FIRST = ("i", "me", "my", "we", "us", "our", "i'm", "i'd", "i'll", "i've")
_THIRD = ("he", "she", "him", "her", "his", "they", "them", "their")
_PAST = ("was", "were", "had", "did", "said", "went", "came")
_PRESENT = ("is", "are", "has", "does", "says", "goes", "comes")


def describe(texts: Sequence[str]) -> str:
    """Return one sentence on the style of ``texts``: person, tense, sentences and speech, where they are clear."""
    profile = profile_of(texts)
    counts = Counter(word for text in texts for word in words(text))
    parts = []
    first, third = (sum(counts[word] for word in some) for some in (_FIRST, _THIRD))
    if first + third > 0:
        parts.append(f"told in the {'first' if first > third else 'third'} person")
    past, present = (sum(counts[word] for word in some) for some in (_PAST, _PRESENT))
    if past != present:
        parts.append(f"in the {'past' if past > present else 'present'} tense")
    length = profile.words_per_sentence
    if length:
        sentences = "short" if length < SHORT else "long" if length > LONG else "medium-length"
        parts.append(f"in {sentences} sentences")
    share = profile.dialogue
    parts.append(
        "with hardly any dialogue" if share < LITTLE else "with much dialogue" if share > MUCH else "with some dialogue"
    )
    return f"A story, {', '.join(parts)}."
