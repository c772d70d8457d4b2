"""Splitting: the pages to train on, and the pages kept back to measure with.

What is kept back must be contiguous. Single lines or sentences drawn at random stand between their own neighbours in
the training text, share its names and half its phrases, and make any module look good. So each text of some length
gives one block of whole paragraphs, from 60 % of its way on: past the opening, before the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

from .document import Corpus, count_words


LEAST_WORDS = 150  # fewer say too little about a module
_LONG_ENOUGH = 1_000  # words of a text that can spare a block
_START = 0.6
_SENTENCE = re.compile(r"(?<=[.!?…\"])\s+")


@dataclass(frozen=True, slots=True)
class Split:
    """Pieces of text: paragraphs apart by blank lines, in the order of the corpus. No piece is in both."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]


def split(corpus: Corpus, share: float = 0.1) -> Split:
    """Set about ``share`` of the words aside, at least some 150, in contiguous blocks of paragraphs.

    Deterministic. Train and held-out paragraphs together are all paragraphs of the corpus. Texts under 1,000 words stay
    whole on the training side, unless there are no others. A text of fewer than four paragraphs is cut between
    sentences. ``share=0`` holds nothing out; a corpus too short to cut holds nothing out either.

    Raises:
        ValueError: if ``share`` is not in [0, 0.5].
    """
    if not 0 <= share <= 0.5:
        raise ValueError(f"share should be between 0 and 0.5, not {share}")
    texts = [document.text for document in corpus.documents]
    if not texts or not share:
        return Split(tuple(texts), ())
    long = [at for at, document in enumerate(corpus.documents) if document.words >= _LONG_ENOUGH]
    if not long:
        return _split_small(corpus, share)
    wanted = max(share * corpus.words, LEAST_WORDS)
    share_of_long = min(0.5, wanted / sum(corpus.documents[at].words for at in long))
    train: list[str] = []
    held_out: list[str] = []
    for at, text in enumerate(texts):
        parts = _cut(text, share_of_long) if at in long else (text, "", "")
        train += [part for part in (parts[0], parts[2]) if part]
        held_out += [parts[1]] if parts[1] else []
    return Split(tuple(train), tuple(held_out))


def _split_small(corpus: Corpus, share: float) -> Split:
    """Only short texts: whole ones from the end if there are many, else a block of the longest."""
    wanted = min(max(share * corpus.words, LEAST_WORDS), 0.4 * corpus.words)
    sizes = [document.words for document in corpus.documents]
    texts = [document.text for document in corpus.documents]
    if len(texts) >= 4 and max(sizes) <= wanted:
        kept = next(count for count in range(1, len(texts)) if sum(sizes[-count:]) >= wanted)
        return Split(tuple(texts[:-kept]), tuple(texts[-kept:]))
    longest = sizes.index(max(sizes))
    before, held, after = _cut(texts[longest], min(0.5, wanted / max(1, sizes[longest])))
    train = [*texts[:longest], before, after, *texts[longest + 1 :]]
    return Split(tuple(part for part in train if part), (held,) if held else ())


def _cut(text: str, share: float) -> tuple[str, str, str]:
    """Before, held out, after: cut at paragraphs, or at sentences where there are too few paragraphs."""
    pieces, between = text.split("\n\n"), "\n\n"
    if len(pieces) < 4:
        pieces, between = _SENTENCE.split(text), " "
    if len(pieces) < 2:
        return text, "", ""
    sizes = [max(1, count_words(piece)) for piece in pieces]
    ends = list(accumulate(sizes))
    length = ends[-1] * share
    from_word = min(_START * ends[-1], ends[-1] - length)
    start = min(range(1, len(pieces)), key=lambda at: abs(ends[at - 1] - from_word))
    stop = min(range(start + 1, len(pieces) + 1), key=lambda at: abs(ends[at - 1] - ends[start - 1] - length))
    return between.join(pieces[:start]), between.join(pieces[start:stop]), between.join(pieces[stop:])
