"""Reading a writer's files: bytes in, clean documents and an honest report out.

A file a person named must be readable, or they hear why. A file that merely lies in a folder they named is passed over
with a warning instead: one stray PDF should not stand in the way of forty chapters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

from ..drain import drain
from ..errors import BadText
from ..records import Progress
from ..saves.script import MODEL, YOU
from .cleaning.clean import clean_parts
from .cleaning.names import check_keep
from .document import Corpus, Document, FileReport
from .files import Found, find
from .loading import load
from .repeats import once
from .warnings import cleaning_warnings, corpus_warnings, file_warnings
from .words import count_words


def read(
    paths: Sequence[Path], *, straight_quotes: bool = True, keep: Sequence[str] = (), speakers: Sequence[str] = ()
) -> Corpus:
    """Read texts, books and manuscripts and folders of them, clean them and report what was done.

    Args:
        paths: files and folders.
        straight_quotes: whether curly quotes become straight ones.
        keep: rules of cleaning that are not to run (:data:`.cleaning.names.KEEPABLE`).
        speakers: whose lines of chats are read; everybody's where nobody is named. ``you`` and ``model`` are the two
            sides of any chat, and the hands that wrote a story.

    Raises:
        BadUsage: if ``keep`` has a name that is no rule's.
        BadText: if a path is missing, a named file is no readable text or has nothing left after cleaning, or a folder
            holds nothing readable; if ``speakers`` are named and nothing is a chat, or has a line of theirs.
    """
    return drain(read_stepwise(paths, straight_quotes=straight_quotes, keep=keep, speakers=speakers))


def read_stepwise(
    paths: Sequence[Path], *, straight_quotes: bool = True, keep: Sequence[str] = (), speakers: Sequence[str] = ()
) -> Generator[Progress, None, Corpus]:
    """Do what :func:`read` does; yield how many bytes of each file are done, and return the corpus."""
    keep = check_keep(keep)
    files, passed_over = find(paths)
    documents: list[Document] = []
    report_of: list[int] = []  # which report is each document's
    reports: list[FileReport] = []
    hashes: dict[str, str] = {}
    failed: BadText | None = None
    for file in files:
        try:
            document, report = yield from _read_file(file, straight_quotes, keep, speakers)
        except BadText as error:
            if file.named:
                raise
            failed = failed or error
            reports.append(FileReport(file.path, "", (), (f"Not used. {error.message}",), 0))
            continue
        keys = {document.sha256, hashlib.sha256(document.text.encode()).hexdigest()}
        twin = next((hashes[key] for key in keys if key in hashes), None)
        if twin is not None:
            warning = f"Not used: it has the same text as {twin}."
            reports.append(FileReport(file.path, report.encoding, (), (warning,), 0))
            continue
        hashes |= dict.fromkeys(keys, file.name)
        documents.append(document)
        report_of.append(len(reports))
        reports.append(report)
    if not documents and failed:
        raise failed
    if speakers and not any(map(_speaks(speakers), reports)):
        names = " or ".join(speakers)
        raise BadText(
            f"Nothing here is a chat with lines by {names}.", "A speaker is chosen in chats and saved stories only."
        )
    kept, repeats = _each_page_once(documents, reports, report_of)
    return Corpus(tuple(kept), tuple(reports), (*repeats, *corpus_warnings(kept)), passed_over)


def _speaks(names: Sequence[str]) -> Callable[[FileReport], bool]:
    """Return whether a file has lines by one of ``names``; ``you`` and ``model`` are in each that has speakers."""
    wanted = {name.strip().casefold() for name in names}
    return lambda report: any(
        speaker.name.casefold() in wanted or not wanted.isdisjoint((YOU, MODEL)) for speaker in report.speakers
    )


def _each_page_once(
    documents: list[Document], reports: list[FileReport], report_of: list[int]
) -> tuple[list[Document], list[str]]:
    """Drop pages that another document has. Returns the documents and sentences; ``reports`` has it by file."""
    left, found = once(documents)
    for document, repeated, at in zip(left, found, report_of, strict=True):
        if repeated is not None:
            report, words = reports[at], document.words if document is not None else 0
            warning = repeated.sentence(document is not None)
            changes = report.changes if words else ()
            reports[at] = replace(report, words=words, changes=changes, warnings=(*report.warnings, warning))
    kept = [document for document in left if document is not None]
    count = sum(repeated is not None for repeated in found)
    if not count:
        return kept, []
    files = (
        f"{count} of {len(documents)} files hold pages" if count > 1 else f"One of {len(documents)} files holds pages"
    )
    return kept, [f"{files} that stand in another file, too; each page is counted once."]


def _read_file(
    file: Found, straight_quotes: bool, keep: Sequence[str], speakers: Sequence[str]
) -> Generator[Progress, None, tuple[Document, FileReport]]:
    size = file.path.stat().st_size if file.path.is_file() else 1
    stage = f"reading {file.name}"
    yield Progress(stage, 0, size)
    raw = load(file, speakers)
    cleaning = clean_parts(raw.parts, markdown=raw.markdown, straight_quotes=straight_quotes, keep=keep)
    try:
        while True:
            yield Progress(stage, int(next(cleaning) * size), size)
    except StopIteration as end:
        text, changes = end.value
    words = count_words(text)
    if not words:
        raise BadText(
            f"{file.name} holds no prose: nothing is left of it after cleaning.",
            "Titles, page numbers, licences and markup do not count as prose.",
        )
    report = FileReport(
        file.path,
        raw.kind,
        (*raw.changes, *changes),
        (*raw.warnings, *cleaning_warnings(changes, len(text)), *file_warnings(text)),
        words,
        left_out=raw.left_out,
        chapters=raw.chapters,
        scene_breaks=raw.scene_breaks,
        speakers=raw.speakers,
    )
    return Document(file.name, text, words, raw.sha256), report
