"""Splitting: the pages to train on, and the pages kept back to measure with.

What is kept back must be contiguous. Single lines or sentences drawn at random stand between their own neighbours in
the training text, share its names and half its phrases, and make any module look good. So each text of some length
gives one block of whole paragraphs, from 60 % of its way on: past the opening, before the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from .document import Corpus
from .repeats import leave_out, paragraph_spans
from .words import count_words


LEAST_WORDS = 150  # fewer say too little about a module
MOST_WORDS = 50_000  # more measure no better, and cost an hour to measure
_LONG_ENOUGH = 1_000  # words of a text that can spare a block
_START = 0.6
_SENTENCE = re.compile(r"(?<=[.!?…\"])\s+")


@dataclass(frozen=True, slots=True)
class Split:
    """Pieces of text: paragraphs apart by blank lines, in the order of the corpus. No page is in both.

    Attributes:
        repeated, of: how many of the held-out paragraphs stood a second time.
        kept: whether those were left in, because nearly all of the text repeats itself.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    repeated: int = 0
    of: int = 0
    kept: bool = False

    def describe(self) -> list[str]:
        """Describe the split for a person; nothing where no page stands twice."""
        if not self.repeated:
            return []
        stood = f"{self.repeated:,} of {self.of:,} held-out paragraphs also stood elsewhere in these texts"
        if self.kept:
            return [f"{stood}: they repeat themselves so much that how well a module predicts them says little."]
        return [f"{stood}; those pages were left out of training."]


def split(corpus: Corpus, share: float = 0.1) -> Split:
    """Set about ``share`` of the words aside, at least some 150 and at most 50,000, in contiguous blocks of paragraphs.

    Deterministic. Train and held-out paragraphs together are all paragraphs of the corpus, but for those that stand in
    what is held out a second time (:mod:`.repeats`); :meth:`Split.describe` names them. Texts under 1,000 words
    stay whole on the training side, unless there are no others. A text of fewer than four paragraphs is cut between
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
        return _apart(*_split_small(corpus, share))
    wanted = min(max(share * corpus.words, LEAST_WORDS), MOST_WORDS)
    share_of_long = min(0.5, wanted / sum(corpus.documents[at].words for at in long))
    train: list[str] = []
    held_out: list[str] = []
    for at, text in enumerate(texts):
        parts = _cut(text, share_of_long) if at in long else (text, "", "")
        train += [part for part in (parts[0], parts[2]) if part]
        held_out += [parts[1]] if parts[1] else []
    return _apart(train, held_out)


def _apart(train: Sequence[str], held_out: Sequence[str]) -> Split:
    """Make a split that has no page on both sides."""
    found = leave_out(train, held_out)
    return Split(found.train, found.held_out, found.repeated, found.of, found.kept)


def _split_small(corpus: Corpus, share: float) -> tuple[Sequence[str], Sequence[str]]:
    """Split short texts: whole ones from the end if there are many, else a block of the longest."""
    wanted = min(max(share * corpus.words, LEAST_WORDS), 0.4 * corpus.words)
    sizes = [document.words for document in corpus.documents]
    texts = [document.text for document in corpus.documents]
    if len(texts) >= 4 and max(sizes) <= wanted:
        kept = next(count for count in range(1, len(texts)) if sum(sizes[-count:]) >= wanted)
        return texts[:-kept], texts[-kept:]
    longest = sizes.index(max(sizes))
    before, held, after = _cut(texts[longest], min(0.5, wanted / max(1, sizes[longest])))
    train = [*texts[:longest], before, after, *texts[longest + 1 :]]
    return [part for part in train if part], [held] if held else []


def _cut(text: str, share: float) -> tuple[str, str, str]:
    """Return before, held out, after: cut at paragraphs, or at sentences where there are too few paragraphs."""
    spans = list(paragraph_spans(text))
    if len(spans) < 4:
        spans = _sentence_spans(text)
    if len(spans) < 2:
        return text, "", ""
    sizes = [max(1, count_words(text[start:end])) for start, end in spans]
    ends = list(accumulate(sizes))
    length = ends[-1] * share
    from_word = min(_START * ends[-1], ends[-1] - length)
    first = min(range(1, len(spans)), key=lambda at: abs(ends[at - 1] - from_word))
    last = min(range(first + 1, len(spans) + 1), key=lambda at: abs(ends[at - 1] - ends[first - 1] - length))
    begin, end = spans[first][0], spans[last - 1][1]
    return text[: spans[first - 1][1]], text[begin:end], text[spans[last][0] :] if last < len(spans) else ""


def _sentence_spans(text: str) -> list[tuple[int, int]]:
    cuts = [(found.start(), found.end()) for found in _SENTENCE.finditer(text)]
    return list(zip([0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)], strict=True))
