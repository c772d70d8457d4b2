"""Which books train the starter model, and which are kept from it.

A source folder holds one ``.txt`` file an author. An optional ``manifest.json`` names the works inside each file in
order with their sizes, so that whole works, and whole authors, can be held out: splitting by line would leak.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path


CHAPTER_GAP = "\n\n\n"


@dataclass(frozen=True, slots=True)
class Work:
    """One book: its author's slug, its title and its text."""

    author: str
    title: str
    text: str

    @property
    def bytes(self) -> int:
        return len(self.text.encode())

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_works(folder: Path) -> list[Work]:
    """Read all works of ``folder``, split by ``manifest.json`` where there is one, else one work a file."""
    manifest = folder / "manifest.json"
    entries = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else []
    sources = {entry["file"]: entry["sources"] for entry in entries}
    works = []
    for file in sorted(folder.glob("*.txt")):
        text = file.read_text(encoding="utf-8")
        titles = [(source["title"], source["bytes"]) for source in sources.get(file.name, [])]
        works += _split(file.stem, text, titles or [(file.stem, len(text.encode()))])
    return works


def _split(author: str, text: str, titles: list[tuple[str, int]]) -> list[Work]:
    """Cut ``text`` at the chapter gap nearest to each work's end (sizes in the manifest are approximate)."""
    data = text.encode()
    scale = len(data) / sum(size for _, size in titles)
    works, start, expected = [], 0, 0.0
    for index, (title, size) in enumerate(titles):
        expected += size * scale
        end = len(data) if index == len(titles) - 1 else _nearest_gap(data, int(expected))
        works.append(Work(author, title, data[start:end].decode().strip("\n") + "\n"))
        start = end
    return works


def _nearest_gap(data: bytes, position: int) -> int:
    gap = CHAPTER_GAP.encode()
    before, after = data.rfind(gap, 0, position + len(gap)), data.find(gap, position)
    nearby = [found for found in (before, after) if found >= 0]
    return min(nearby, key=lambda found: abs(found - position)) if nearby else position


@dataclass(frozen=True, slots=True)
class Shelf:
    """Works by use: ``train``, ``held_out`` works of authors in it, and ``unseen`` works of authors not in it."""

    train: tuple[Work, ...]
    held_out: tuple[Work, ...]
    unseen: tuple[Work, ...]


def divide(works: list[Work], unseen_authors: list[str], held_out_titles: list[str]) -> Shelf:
    """Set whole authors and whole titles aside. Raises ValueError for a name that matches nothing."""
    known = {work.author for work in works} | {work.title for work in works}
    for name in [*unseen_authors, *held_out_titles]:
        if name not in known:
            raise ValueError(f"nothing to hold out is called {name!r}")
    unseen = tuple(work for work in works if work.author in unseen_authors)
    held_out = tuple(work for work in works if work.title in held_out_titles and work not in unseen)
    train = tuple(work for work in works if work not in unseen and work not in held_out)
    return Shelf(train, held_out, unseen)
