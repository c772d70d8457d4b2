"""Pages that stand twice: a novel and its chapters, two exports of one chapter.

They are found by what they say, not by file: a paragraph is known by its letters and digits alone, so that quotation
marks, dashes, case and spacing make no difference. :func:`once` leaves each page in one text of a corpus;
:func:`leave_out` takes out of the text to train on whatever comes close to what is held out to measure with, also where
a word was changed or paragraphs were broken in other places. Both read every word a fixed number of times.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .cleaning.lines import BREAK
from .document import Document
from .words import count_words


LETTERS = 32  # of a paragraph that says something of its own; "Yes," he said, stands in every book
SHINGLE = 5  # words that are compared at once (Broder 1997: resemblance and containment of documents)
WORDS, DIFFERENT = 8, 6  # fewer make no sentence that can be distinguished from another
STRIDE = 3  # every so many words of the text to train on begin a shingle that is looked up
SHARE = 0.5  # of a paragraph's shingles: above it, it is the same paragraph
BROKEN = 400  # characters of a paragraph that may hold others
FEW = 3  # paragraphs that may stand in two texts without being pages: a motto, a refrain
PARAGRAPH = "\n\n"
_NO_LETTER = re.compile(r"[\W_]+")
_SIGN = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"  # Chinese and Japanese: a sign each
_WORD = re.compile(rf"[{_SIGN}]|[^\W{_SIGN}]+")
_SENTENCE = re.compile(r"(?<=[.!?…\"])\s+")


@dataclass(frozen=True, slots=True)
class Repeated:
    """What was found twice in one document: ``paragraphs`` of ``of``, which also stand in ``others``."""

    paragraphs: int
    of: int
    others: tuple[str, ...]

    def sentence(self, used: bool) -> str:
        """Return a sentence about it; ``used`` says whether anything of the document is left."""
        where = self.others[0] + (f" and {len(self.others) - 1} more" if len(self.others) > 1 else "")
        if not used:
            return f"Not used: its pages also stand in {where}."
        return f"{self.paragraphs:,} of {self.of:,} paragraphs also stand in {where}; they are counted once."


def once(documents: Sequence[Document]) -> tuple[list[Document | None], list[Repeated | None]]:
    """Return each document without the pages that a longer or earlier one has too; None if nothing is left.

    Repetition within one document is left alone: that is a refrain, or the writer's business.
    """
    if len(documents) < 2:
        return list(documents), [None] * len(documents)
    seen: dict[int, int] = {}
    kept: list[Document | None] = list(documents)
    found: list[Repeated | None] = [None] * len(documents)
    for at in sorted(range(len(documents)), key=lambda at: -documents[at].words):
        paragraphs = documents[at].text.split(PARAGRAPH)
        keys = [_key(paragraph) for paragraph in paragraphs]
        same = [None if key is None else key in seen for key in keys]
        count, telling = same.count(True), len(same) - same.count(None)
        if count >= FEW or 0 < count == telling:
            where = Counter(seen[key] for key in keys if key is not None and key in seen)
            twice = _with_neighbours(same)
            others = tuple(documents[other].name for other, _ in where.most_common())
            found[at] = Repeated(sum(twice), len(paragraphs), others)
            kept[at] = _without(documents[at], paragraphs, twice)
        for key in keys:
            if key is not None:
                seen.setdefault(key, at)
    return kept, found


def _key(paragraph: str) -> int | None:
    """Return a hash that identifies a paragraph; None for one too short to tell."""
    if not paragraph.isascii():
        paragraph = unicodedata.normalize("NFKC", paragraph)
    letters = _NO_LETTER.sub("", paragraph.casefold())
    return hash(letters) if len(letters) >= LETTERS else None


def _with_neighbours(same: Sequence[bool | None]) -> list[bool]:
    """Let short paragraphs (None) go with the long ones around them: with both, or with the one there is."""
    before, after = _last_known(same), _last_known(same[::-1])[::-1]
    decided = []
    for here, left, right in zip(same, before, after, strict=True):
        around = {left, right} - {None}
        decided.append(bool(here) if here is not None else around == {True})
    return decided


def _last_known(same: Sequence[bool | None]) -> list[bool | None]:
    found: list[bool | None] = []
    last: bool | None = None
    for here in same:
        last = last if here is None else here
        found.append(last)
    return found


def _without(document: Document, paragraphs: Sequence[str], twice: Sequence[bool]) -> Document | None:
    """Return ``document`` without the paragraphs marked ``twice``; where some went, a scene ends."""
    runs = [run for run in _runs(paragraphs, twice, PARAGRAPH) if run.strip(f"{BREAK}\n ")]
    text = f"{PARAGRAPH}{BREAK}{PARAGRAPH}".join(runs)
    words = count_words(text)
    return replace(document, text=text, words=words) if words else None


def _runs(pieces: Sequence[str], gone: Sequence[bool], between: str) -> list[str]:
    """Return what is left of ``pieces``, those that follow each other joined."""
    runs: list[list[str]] = [[]]
    for piece, out in zip(pieces, gone, strict=True):
        if not out:
            runs[-1].append(piece)
        elif runs[-1]:
            runs.append([])
    return [between.join(run) for run in runs if run]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The text to train on without what is held out.

    Attributes:
        train, held_out: what is left of both; held-out pages that stand twice are counted once.
        repeated, of: held-out paragraphs that stood a second time, and how many there are.
        kept: whether they were left in after all, because hardly anything would remain.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    repeated: int = 0
    of: int = 0
    kept: bool = False


def leave_out(train: Sequence[str], held_out: Sequence[str]) -> LeftOut:
    """Take out of ``train`` every paragraph (of a long one, every sentence) that comes close to one in ``held_out``."""
    known: set[int] = set()
    measured: list[str] = []
    gone: list[str] = []
    for text in held_out:
        measured += _different(text, known, gone)
        known.update(shingle for paragraph in text.split(PARAGRAPH) for shingle in _shingles(paragraph, 1))
    left = [piece for text in train for piece in _different(text, known, gone)]
    paragraphs = [paragraph for text in measured for paragraph in text.split(PARAGRAPH)]
    if not gone:
        return LeftOut(tuple(train), tuple(measured), 0, len(paragraphs))
    taken = {shingle for piece in set(gone) for shingle in _shingles(piece, 1)}
    same = [_is_known(paragraph, taken) for paragraph in paragraphs]
    count = sum(_with_neighbours(same))
    if 2 * sum(map(count_words, left)) < sum(map(count_words, train)):
        return LeftOut(tuple(train), tuple(held_out), count, len(paragraphs), True)
    return LeftOut(tuple(left), tuple(measured), count, len(paragraphs))


def _different(text: str, known: set[int], gone: list[str]) -> list[str]:
    """Return the pieces of ``text`` that ``known`` does not hold, and add to ``gone`` what it does."""
    if not known:
        return [text]
    spans = list(paragraph_spans(text))
    twice = _with_neighbours([_is_known(text[start:end], known) for start, end in spans])
    pieces: list[str] = []
    begins = ends = 0  # of the run of paragraphs that stay; a slice of the text, so that a large one is not built anew
    for (start, end), out in zip(spans, twice, strict=True):
        paragraph = text[start:end]
        inside = [] if out else _different_sentences(paragraph, known, gone)
        if out:
            gone.append(paragraph)
        if inside == [paragraph]:
            begins, ends = (start if ends <= begins else begins), end
            continue
        pieces += [text[begins:ends], *inside]
        begins = ends = end
    if not begins and ends == len(text):
        return [text]
    return [piece for piece in (*pieces, text[begins:ends]) if piece.strip(f"{BREAK}\n ")]


def paragraph_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each paragraph of ``text`` begins and ends."""
    at = 0
    while (end := text.find(PARAGRAPH, at)) >= 0:
        yield at, end
        at = end + len(PARAGRAPH)
    yield at, len(text)


def _different_sentences(paragraph: str, known: set[int], gone: list[str]) -> list[str]:
    """Do the same for one paragraph, where it is long enough to hold pages that were broken elsewhere."""
    if len(paragraph) < BROKEN or len(known.intersection(_shingles(paragraph, STRIDE))) < FEW:
        return [paragraph]
    sentences = _SENTENCE.split(paragraph)
    twice = _with_neighbours([_is_known(sentence, known) for sentence in sentences])
    gone += [sentence for sentence, out in zip(sentences, twice, strict=True) if out]
    return _runs(sentences, twice, " ") if any(twice) else [paragraph]


def _is_known(piece: str, known: set[int]) -> bool | None:
    """Return whether ``piece`` stands in ``known``; None where it is too short to tell."""
    shingles = set(_shingles(piece, STRIDE))
    return len(shingles & known) > SHARE * len(shingles) if shingles else None


def _shingles(piece: str, stride: int) -> Iterable[int]:
    """Hash each ``SHINGLE`` successive words, ``stride`` apart; none for fewer than :data:`WORDS` words."""
    words = _WORD.findall(piece.casefold())
    if len(words) < WORDS or len(set(words)) < DIFFERENT:
        return ()
    return [hash(tuple(words[at : at + SHINGLE])) for at in range(0, len(words) - SHINGLE + 1, stride)]
