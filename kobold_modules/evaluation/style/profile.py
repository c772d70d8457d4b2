"""What a page looks like: how long its sentences are, how much of it is speech, and how it is punctuated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import regex

from .measure import Floats, relative
from .tokens import WORD, sentences


EDGES = (1, 3, 5, 8, 11, 15, 20, 26, 34, 45, 60)  # words: where the classes of sentence length begin
MARKS = (",", ";", ":", ".", "!", "?", "—", "…", "(", "'", '"')
_SAME = str.maketrans("–“”„«»「」『』‘’，、；：。।！？؟،؛", "—" + 9 * '"' + "''" + ",,;:..!??,;")
_DASHES = regex.compile(r"(?<=\s)-{1,2}(?=\s)|-{2,}")
_DOTS = regex.compile(r"\.{3,}|\. \. \.")
_APOSTROPHE = regex.compile(r"(?<=\w)'(?=\w)")
_PARAGRAPH = regex.compile(r"\n[^\S\n]*\n\s*")
_OPENING = r"(?:(?<=^|[\s(\[—–-])[\"'](?=[^\s])|[“‘„‚«「『])"
_CLOSING = r"(?:(?<=[^\s(\[])\"(?=$|[^\w])|(?<=[,.!?…—–-])'(?=$|[^\w])|[”»」』]|(?<=[,.!?…—–-])’(?!\w))"
_QUOTE = regex.compile(rf"(?P<open>{_OPENING})|(?P<close>{_CLOSING})")
_CLOSERS = {
    '"': '"”',
    "“": '”"',
    "‘": "’'",
    "'": "'’",
    "„": "“”",
    "‚": "‘’",
    "«": "»",
    "»": "«",
    "「": "」",
    "『": "』",
}
_BEFORE_WORD = regex.compile(r"\w")
_DASH_SPEECH = regex.compile(r"^\s*[—–―]\s*\w")


@dataclass(frozen=True, slots=True)
class StyleProfile:
    """What a page looks like.

    Attributes:
        words_per_sentence: mean.
        sentence_lengths: share of sentences of each class of :data:`EDGES`.
        dialogue: share of the words that stand in quotation marks, or behind a dash that opens a paragraph.
        marks: of each of :data:`MARKS` per 1,000 words.
    """

    words_per_sentence: float
    sentence_lengths: tuple[float, ...]
    dialogue: float
    marks: dict[str, float]

    def distance(self, other: StyleProfile) -> float:
        """Return how unlike two profiles are: 0 is the same, 1 nothing in common; the same both ways."""
        mine, theirs = (
            np.array([*it.sentence_lengths, it.dialogue, *(it.marks[mark] for mark in MARKS)]) for it in (self, other)
        )
        return float(_distance(mine, theirs))


def profile_of(texts: Sequence[str]) -> StyleProfile:
    """Return the profile of ``texts`` together; zeros where there is not a word."""
    counted = profile_counts(texts).sum(0)
    shape = _shape(counted)
    lengths = len(EDGES)
    total = max(1.0, float(counted[:lengths].sum()))
    return StyleProfile(
        words_per_sentence=float(counted[lengths + 1]) / total,
        sentence_lengths=tuple(map(float, shape[:lengths])),
        dialogue=float(shape[lengths]),
        marks={mark: float(rate) for mark, rate in zip(MARKS, shape[lengths + 1 :], strict=True)},
    )


def profile_counts(texts: Sequence[str]) -> Floats:
    """Return sentences of each class of length, words of speech, words, and marks: ``[texts, features]``."""
    counted = np.zeros((len(texts), len(EDGES) + 2 + len(MARKS)))
    for row, text in enumerate(texts):
        lengths = [len(WORD.findall(sentence)) for sentence in sentences(text)]
        lengths = [length for length in lengths if length]
        classes = np.searchsorted(EDGES, lengths, side="right") - 1
        counted[row, : len(EDGES)] = np.bincount(classes, minlength=len(EDGES)) if lengths else 0
        counted[row, len(EDGES)] = dialogue_words(text)
        counted[row, len(EDGES) + 1] = sum(lengths)
        counted[row, len(EDGES) + 2 :] = _marks(text)
    return counted


def dialogue_words(text: str) -> int:
    """Return how many words of ``text`` are speech.

    A paragraph that closes a quotation before it opens one began inside of it, and one that never closes its last
    quotation is speech to its end: speech may go on over paragraphs, and a page may begin anywhere.
    """
    return sum(_speech(paragraph) for paragraph in _PARAGRAPH.split(text))


def _speech(paragraph: str) -> int:
    if _DASH_SPEECH.match(paragraph):
        return len(WORD.findall(paragraph))
    spoken, start, opener, first = 0, None, "", True
    for quote in _QUOTE.finditer(paragraph):
        if start is not None:  # what does not close the speech is a quotation inside it
            if quote[0] in _CLOSERS[opener] and (quote["close"] or opener in "„‚»"):
                spoken += len(WORD.findall(paragraph[start : quote.start()]))
                start = None
        elif quote["open"] or (quote[0] == "»" and _BEFORE_WORD.match(paragraph, quote.end())):
            start, opener = quote.end(), quote[0]
        elif first:
            spoken += len(WORD.findall(paragraph[: quote.start()]))
        first = False
    return spoken + (len(WORD.findall(paragraph[start:])) if start is not None else 0)


def _marks(text: str) -> list[int]:
    plain = _DOTS.sub("…", _DASHES.sub("—", text.translate(_SAME)))
    plain = _APOSTROPHE.sub("", plain)
    return [plain.count(mark) for mark in MARKS]


def _shape(counted: Floats) -> Floats:
    """Return shares of sentence lengths, share of speech and marks per 1,000 words from counts ``[..., features]``."""
    lengths = counted[..., : len(EDGES)]
    total_words = counted[..., len(EDGES) + 1]
    return np.concatenate(
        [
            relative(lengths, lengths.sum(-1)),
            relative(counted[..., len(EDGES), None], total_words),
            1000 * relative(counted[..., len(EDGES) + 2 :], total_words),
        ],
        axis=-1,
    )


def _distance(mine: Floats, theirs: Floats) -> Floats:
    """Return the mean of three distances from 0 to 1 between shapes ``[..., features]``.

    Sentence lengths: sqrt of the Jensen-Shannon divergence in bits. Speech: difference of shares. Marks: Bray-Curtis,
    sum |a - b| / sum (a + b).
    """
    lengths = len(EDGES)
    p, q = mine[..., :lengths], theirs[..., :lengths]
    middle = (p + q) / 2
    divergence = (_divergence(p, middle) + _divergence(q, middle)) / 2
    speech = np.abs(mine[..., lengths] - theirs[..., lengths])
    a, b = mine[..., lengths + 1 :], theirs[..., lengths + 1 :]
    marks = np.abs(a - b).sum(-1) / np.maximum((a + b).sum(-1), 1e-12)
    result: Floats = (np.sqrt(np.clip(divergence, 0, 1)) + speech + marks) / 3
    return result


def _divergence(p: Floats, q: Floats) -> Floats:
    """Return KL(p || q) in bits, 0 log 0 = 0."""
    ratio = np.divide(p, q, out=np.ones_like(p * q), where=(p > 0) & (q > 0))
    result: Floats = (p * np.log2(ratio)).sum(-1)
    return result


class Profile:
    """How unlike a text's profile is to the author's: 0 is the same."""

    name = "profile"
    label = "sentences, speech and punctuation"
    unit = "distance of profiles"
    nearer: Literal["lower", "higher"] = "lower"

    def __init__(self, author: Sequence[str], others: Mapping[str, Sequence[str]]) -> None:
        """Fit to windows of the author; others do not matter."""
        self._author = _shape(profile_counts(author).sum(0))

    def features(self, windows: Sequence[str], author: str | None = None) -> Floats:
        """Return :func:`profile_counts`."""
        return profile_counts(windows)

    def score(self, counted: Floats) -> Floats:
        """Return the distance to the author's profile."""
        return np.where(counted[..., len(EDGES) + 1] > 0, _distance(_shape(counted), self._author), np.nan)
