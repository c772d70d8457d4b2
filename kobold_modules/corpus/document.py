"""What reading gives: documents, a report on each file, and the corpus that holds them.

The hash is of the bytes as they lay on disk: it names a source in a module's card without keeping a word of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadText
from ..saves.script import MODEL, YOU
from .cleaning.change import Change, merge
from .cleaning.lines import BREAK
from .readers import LeftOut, Speaker


HANDS = ((YOU, "you"), (MODEL, "the model"))
_MANY = 8  # files that are still described one by one


@dataclass(frozen=True, slots=True)
class Document:
    """One cleaned text: paragraphs apart by one blank line, scenes by ``* * *``, no blank line at its ends."""

    name: str
    text: str
    words: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """What happened to one file.

    Attributes:
        path: the file, or the folder of a Scrivener project.
        encoding: how it was read: a plain text's encoding, or the kind of document (``Word document``).
        changes: what cleaning did.
        warnings: sentences for a person.
        words: what was kept; 0 means that the file was not used.
        left_out: words that stand in the file and are not its prose (comments, footnotes), by kind.
        chapters, scene_breaks: headings and breaks that the format marks; 0 for plain text.
        speakers: who speaks in a chat or wrote in a story, whether their lines were taken or not.
    """

    path: Path
    encoding: str
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    words: int
    left_out: tuple[LeftOut, ...] = ()
    chapters: int = 0
    scene_breaks: int = 0
    speakers: tuple[Speaker, ...] = ()


@dataclass(frozen=True, slots=True)
class Corpus:
    """Clean texts and how they came to be.

    Attributes:
        reports: one for each file that was read, also for those not used.
        warnings: about the texts taken together; warnings about one file are in its report.
        passed_over: files in folders that are of no kind that can be read.
    """

    documents: tuple[Document, ...]
    reports: tuple[FileReport, ...]
    warnings: tuple[str, ...] = ()
    passed_over: tuple[Path, ...] = ()

    @property
    def words(self) -> int:
        return sum(document.words for document in self.documents)

    @property
    def text(self) -> str:
        """All documents in order, a scene break between two."""
        return f"\n\n{BREAK}\n\n".join(document.text for document in self.documents)

    def describe(self) -> list[str]:
        """Describe in plain sentences what was read, what was cleaned, and what to look at."""
        used = len(self.documents)
        sentences = [f"Read {used} {'text' if used == 1 else 'texts'}: {self.words:,} words of prose."]
        if len(self.reports) <= _MANY:
            sentences += [sentence for report in self.reports for sentence in _describe(report)]
        else:
            changes = merge(change for report in self.reports for change in report.changes)
            if changes:
                sentences.append(f"In all files: {_listed(changes)}.")
            left_out: Counter[str] = Counter()
            for left in (left for report in self.reports for left in report.left_out):
                left_out[left.what] += left.words
            if left_out:
                sentences.append(_left_out(tuple(LeftOut(what, words) for what, words in left_out.items())))
            sentences += [f"{report.path.name}: {warning}" for report in self.reports for warning in report.warnings]
        if self.passed_over:
            names = ", ".join(path.name for path in self.passed_over[:5])
            more = f" and {len(self.passed_over) - 5} more" if len(self.passed_over) > 5 else ""
            sentences.append(f"Passed over, of no kind that can be read: {names}{more}.")
        return [*sentences, *self.warnings]


def _describe(report: FileReport) -> list[str]:
    sentences = []
    if report.words:
        cleaned = f" {_sentence(_listed(report.changes))}." if report.changes else " Nothing needed cleaning."
        structure = "".join(f" {sentence}" for sentence in structure_sentences(report))
        sentences.append(f"{report.path.name} ({report.encoding}): {report.words:,} words kept.{structure}{cleaned}")
    return sentences + [f"{report.path.name}: {warning}" for warning in report.warnings]


def structure_sentences(report: FileReport) -> list[str]:
    """Tell what a document's format says: its chapters and scenes, who speaks, and what in it is no prose."""
    counts = [(report.chapters, "chapter"), (report.scene_breaks, "scene break")]
    parts = [_count(number, noun) for number, noun in counts if number]
    said = [f"It has {' and '.join(parts)}."] if parts else []
    said += [_written(report.speakers)] if report.speakers else []
    return [*said, _left_out(report.left_out)] if report.left_out else said


def _written(speakers: Sequence[Speaker]) -> str:
    """Tell who wrote how much: the hands of a story, or the speakers of a chat."""
    words = {speaker.name: speaker.words for speaker in speakers}
    if words.keys() <= {YOU, MODEL}:
        parts = [f"{who} wrote {_count(words[name], 'word')}" for name, who in HANDS if name in words]
        return _sentence(f"{' and '.join(parts)} of it.")
    return f"Written by {speakers_listed(speakers)}."


def speakers_listed(speakers: Sequence[Speaker]) -> str:
    """List who speaks with how many words, most first."""
    named = ", ".join(f"{speaker.name} ({_count(speaker.words, 'word')})" for speaker in speakers[:_MANY])
    return f"{named} and {len(speakers) - _MANY:,} more" if len(speakers) > _MANY else named


def _left_out(left_out: tuple[LeftOut, ...]) -> str:
    parts = ", ".join(f"{left.what} ({_count(left.words, 'word')})" for left in left_out)
    return f"Left out: {parts}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(changes: tuple[Change, ...]) -> str:
    return "; ".join(f"{change.what} ({change.count:,})" for change in changes)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def require_enough(corpus: Corpus, least: int = 300) -> None:
    """Refuse a corpus that is too small to learn anything from.

    Raises:
        BadText: if it has fewer than ``least`` words.
    """
    if corpus.words >= least:
        return
    one = corpus.documents[0].name if len(corpus.documents) == 1 else "The texts together"
    has = "has" if len(corpus.documents) == 1 else "have"
    words = "1 word" if corpus.words == 1 else f"{corpus.words:,} words"
    raise BadText(
        f"{one} {has} only {words}: too little to train on. At least {least:,} are needed, some thousands are good.",
        "Add more pages of the same kind.",
    )
