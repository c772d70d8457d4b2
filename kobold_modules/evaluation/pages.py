"""Which pages an evaluation reads: those that the training kept back, or new ones; and those that it trained on.

A card names its sources by name and hash. Where their paths lay is noted beside the module in the library; besides,
files of these names are looked for in the current folder and among the sample texts. What is found counts only if its
bytes are the same: then the split is the very one of the training.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..corpus import Corpus, read_stepwise
from ..corpus import split as split_corpus
from ..errors import BadText
from ..records import Progress
from ..soft_prompt.module import Card
from .control_texts import samples_folder


@dataclass(frozen=True, slots=True)
class Pages:
    """An author's pages.

    Attributes:
        held_out: that the module never saw; ``train``: that it was trained on, empty where they are not at hand.
        files: where ``train`` lies, and what else the training read; empty where they are not at hand.
        notes: what a person should know of them, in sentences.
    """

    held_out: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def pages_of(card: Card, texts: Sequence[str], noted: Mapping[str, Any]) -> Generator[Progress, None, Pages]:
    """Return the pages for a module with ``card``; yield how far reading is.

    Args:
        texts: files that a person named; the training's own count only with the pages it kept back.
        noted: where the sources lay, as ``library.evidence.read_sources`` gives it.

    Raises:
        BadText: a named file is unreadable, or nothing is found and nothing is named.
    """
    sources = yield from _sources(card, noted)
    if not texts:
        if sources is None:
            raise BadText(
                f"The pages that {card.name} was trained on are not where they were.",
                "Name some pages of the same author that it never saw: --texts FILE.",
            )
        return sources
    corpus = yield from read_stepwise([Path(text) for text in texts], keep=tuple(noted.get("keep", ())))
    known = hashes(card)
    new = tuple(document.text for document in corpus.documents if document.sha256 not in known)
    seen = len(corpus.documents) - len(new)
    if sources is not None:
        held_out = (*(sources.held_out if seen else ()), *new)
        return Pages(held_out, sources.train, sources.files, sources.notes)
    if known and known <= {document.sha256 for document in corpus.documents}:
        own = _split(Corpus(tuple(each for each in corpus.documents if each.sha256 in known), ()))
        return Pages((*own.held_out, *new), own.train, tuple(Path(text) for text in texts))
    if not new:
        raise BadText(
            f"{card.name} was trained on these pages, and its other sources are not at hand.",
            "Name pages that it never saw.",
        )
    left = (f"{seen} of these texts were trained on, and are left out.",) if seen else ()
    return Pages(new, notes=left)


def hashes(card: Card) -> set[str]:
    """Return the SHA-256 of the texts that a module was trained on."""
    return {str(source.get("sha256")) for source in card.sources if source.get("sha256")}


def _sources(card: Card, noted: Mapping[str, Any]) -> Generator[Progress, None, Pages | None]:
    """Return the training's pages where all its texts are still there, unchanged."""
    known = hashes(card)
    if not known:
        return None
    for paths in _places(card, noted):
        try:
            corpus = yield from read_stepwise(
                paths, keep=tuple(noted.get("keep", ())), speakers=tuple(noted.get("speaker", ()))
            )
        except BadText:
            continue
        if {document.sha256 for document in corpus.documents} == known:
            found = _split(corpus)
            return Pages(found.held_out, found.train, tuple(paths))
    return None


def _places(card: Card, noted: Mapping[str, Any]) -> Iterable[list[Path]]:
    """Yield lists of files that may be the sources."""
    if files := [Path(name) for name in noted.get("files", ())]:
        yield files
    names = [str(source.get("name", "")) for source in card.sources]
    if not all(names) or any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
        return
    folders = [Path.cwd(), *(folder for folder in sorted(samples_folder().iterdir()) if folder.is_dir())]
    for folder in folders:
        here = [folder / name for name in names]
        if all(file.is_file() for file in here):
            yield here


def _split(corpus: Corpus) -> Pages:
    found = split_corpus(corpus)
    return Pages(found.held_out, found.train)
