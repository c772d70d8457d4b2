"""Scrivener projects (.scriv): the draft folder in the order of its binder, what is left out of the compile left out.

A project is a folder on a disk and often a zip in a cloud. Scrivener 3 keeps a text in ``Files/Data/UUID/content.rtf``,
older ones in ``Files/Docs/N.rtf``; the ``.scrivx`` beside them is the binder.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...byte_size import byte_size
from ...errors import BadText
from .container import SAVE_AGAIN
from .limits import MIB, MOST_DOCUMENTS, MOST_INFLATED, MOST_MEMBER, MOST_MEMBERS
from .rich_text.rtf import Rtf
from .source import Source
from .structure import Builder, Structured
from .xml_events import TextOnly, parse_xml_bytes


_MOST_BINDER = 64 * MIB
_DRAFT = "DraftFolder"
_TRASH = "TrashFolder"
_INLINE = re.compile(r"\\?\{\\{1,2}Scrv_(annot|fn)\b")
_INLINE_KINDS = {"annot": "comments", "fn": "footnotes"}
_MARKERS = re.compile(r"\\?<!?\\?\$Scr[A-Za-z_]*(?:::?[^<>\s]{1,40})?\\?>")
_CONTROL = re.compile(r"\\{1,2}[A-Za-z]+=?-?\d* ?|[{}\\]")


def is_project(folder: Path) -> bool:
    """Return whether a folder is a Scrivener project."""
    try:
        return any(name.lower().endswith(".scrivx") for name in os.listdir(folder))
    except OSError:
        return False


def sniff(source: Source) -> bool:
    """Return whether this is a Scrivener project, as a folder or in a zip."""
    if source.folder is not None:
        return is_project(source.folder)
    container = source.container
    return container is not None and any(_is_binder(name) for name in container.names)


def read(source: Source) -> Structured:
    """Read a project.

    Raises:
        BadText: if its binder is damaged, or there is more in it than any book needs.
    """
    files = _Files.of(source)
    binder = _Binder()
    parse_xml_bytes(files.read(files.binder, _MOST_BINDER), binder, {}, source.name)
    if not any(item.kind == _DRAFT for item in binder.roots):
        raise BadText(f"{source.name} is a Scrivener project without a draft folder.", "Open it in Scrivener.")
    build = Builder()
    build.title = posixpath.basename(files.binder).rpartition(".")[0]
    drafts = [item for item in binder.roots if item.kind == _DRAFT]
    marked = any(item.included for item in _all(drafts) if item.kind == "Text")
    _Draft(build, files, marked).read(binder.roots)
    return build.done()


def _is_binder(name: str) -> bool:
    return name.lower().endswith(".scrivx") and not name.startswith("__MACOSX/") and "/._" not in f"/{name}"


@dataclass(slots=True)
class _Item:
    """A document of the binder. ``included`` is whether it is compiled: Scrivener writes ``Yes``, or nothing."""

    identity: str
    kind: str
    title: str = ""
    included: bool = False
    children: list[_Item] = field(default_factory=list)


class _Binder:
    """The handler of the ``.scrivx``."""

    def __init__(self) -> None:
        self.roots: list[_Item] = []
        self._items: list[_Item] = []
        self._tags: list[str] = []
        self._said: list[str] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._tags.append(tag)
        self._said.clear()
        if tag == "BinderItem":
            self._count += 1
            if self._count > MOST_DOCUMENTS:
                raise BadText("This Scrivener project has more documents than any book.", "Give a part of it.")
            item = _Item(attributes.get("UUID") or attributes.get("ID", ""), attributes.get("Type", ""))
            (self._items[-1].children if self._items else self.roots).append(item)
            self._items.append(item)

    def end(self, tag: str) -> None:
        self._tags.pop()
        said = "".join(self._said).strip()
        if tag == "BinderItem":
            self._items.pop()
        elif self._items and tag == "Title" and self._tags and self._tags[-1] == "BinderItem":
            self._items[-1].title = said
        elif self._items and tag == "IncludeInCompile":
            self._items[-1].included = said.lower() == "yes"
        self._said.clear()

    def text(self, data: str) -> None:
        self._said.append(data)


def _all(items: list[_Item]) -> Iterator[_Item]:
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        yield item
        waiting += item.children


class _Files:
    """The files of a project, wherever they lie. Links are not followed and nothing outside of it is read."""

    def __init__(self, name: str, binder: str, names: dict[str, str], fetch: Callable[[str, int], bytes]) -> None:
        self.name, self.binder = name, binder
        self._names = names  # in lower case, and as they are
        self._fetch = fetch
        self._read = 0

    @classmethod
    def of(cls, source: Source) -> _Files:
        if source.folder is None:
            container = source.opened()
            binder = min((name for name in container.names if _is_binder(name)), key=lambda name: name.count("/"))
            return cls(source.name, binder, {name.lower(): name for name in container.names}, container.read)
        root = source.folder
        names = _names_below(root, source.name)
        binder = next(name for name in names if _is_binder(name) and "/" not in name)

        def fetch(name: str, most: int) -> bytes:
            path = root / name
            if path.stat().st_size > most:
                raise BadText(f"{source.name}: its {name} has {byte_size(path.stat().st_size)}, more than any text.")
            return path.read_bytes()

        return cls(source.name, binder, {name.lower(): name for name in names}, fetch)

    def read(self, name: str, most: int = MOST_MEMBER) -> bytes:
        try:
            data = self._fetch(name, most)
        except OSError as error:
            raise BadText(f"{self.name}: {name} can not be read: {error.strerror or error}.", SAVE_AGAIN) from error
        self._read += len(data)
        if self._read > MOST_INFLATED:
            raise BadText(f"{self.name} holds more than {byte_size(MOST_INFLATED)} of text.", "Give a part of it.")
        return data

    def of_item(self, item: _Item, file: str, old: str) -> bytes | None:
        """Return a file of a document: ``file`` in Scrivener 3, ``old`` with its number in older ones; else None."""
        folder = posixpath.dirname(self.binder)
        for path in (f"Files/Data/{item.identity}/{file}", f"Files/Docs/{item.identity}{old}"):
            name = self._names.get(posixpath.join(folder, path).lower())
            if name is not None and item.identity and "/" not in item.identity:
                return self.read(name)
        return None


def _names_below(root: Path, name: str) -> list[str]:
    found: list[str] = []
    for place, folders, files in os.walk(root):
        folders[:] = sorted(folder for folder in folders if folder not in ("Snapshots", "Icons"))
        inside = Path(place).relative_to(root).as_posix()
        found += [
            file if inside == "." else f"{inside}/{file}"
            for file in sorted(files)
            if not Path(place, file).is_symlink() and not file.startswith("._")
        ]
        if len(found) > MOST_MEMBERS:
            raise BadText(f"{name} holds too many files for a Scrivener project.", "Give a part of it.")
    return found


class _Draft:
    """The documents of a binder, one behind the other."""

    def __init__(self, build: Builder, files: _Files, marked: bool) -> None:
        self._build, self._files, self._marked = build, files, marked
        self._texts = 0

    def read(self, roots: list[_Item]) -> None:
        waiting = [(item, item.kind, 0) for item in reversed(roots)]
        while waiting:
            item, root, depth = waiting.pop()
            waiting += [(child, root, depth + 1) for child in reversed(item.children)]
            self._count_notes(item)
            text = self._files.of_item(item, "content.rtf", ".rtf")
            if root != _DRAFT:
                self._leave_out("trash" if root == _TRASH else "documents outside the draft", text)
            elif self._marked and not item.included and item.kind != _DRAFT:
                self._leave_out("documents outside the compile", text)
            else:
                if item.kind != _DRAFT and item.children and item.title:
                    self._build.heading(item.title, depth)
                    self._texts = 0
                self._add(text)

    def _add(self, data: bytes | None) -> None:
        if not data:
            return
        part = self._parsed(data)
        if not any(block.kind in ("paragraph", "heading") for block in part.blocks):
            return
        if self._texts:
            self._build.scene_break()
        self._texts += 1
        self._build.add_all(part.blocks)
        for what, words in part.left_out.items():
            self._build.left_out[what] += words

    def _leave_out(self, what: str, data: bytes | None) -> None:
        if data:
            part = self._parsed(data)
            self._build.leave_out(what, "\n".join(block.text for block in part.blocks))

    def _count_notes(self, item: _Item) -> None:
        for what, file, old in (("notes", "notes.rtf", "_notes.rtf"), ("synopses", "synopsis.txt", "_synopsis.txt")):
            data = self._files.of_item(item, file, old)
            if data and file.endswith(".rtf"):
                self._leave_out(what, data)
            elif data:
                self._build.leave_out(what, data.decode("utf-8", "replace"))
        comments = self._files.of_item(item, "content.comments", ".comments")
        if comments:
            texts = TextOnly("Comment", ends=("Comment",))
            parse_xml_bytes(comments, texts, {}, self._files.name)
            for text in str(texts).split("\n"):
                if text.strip():
                    self._leave_out("comments", text.strip().encode("latin-1", "replace"))

    def _parsed(self, data: bytes) -> Builder:
        part = Builder()
        text = _without_inline(data.decode("latin-1"), part)
        Rtf(part).read(text)
        return part


def _without_inline(text: str, part: Builder) -> str:
    """Return RTF without the comments and footnotes that Scrivener writes into the text, and without its markers."""
    kept: list[str] = []
    at = 0
    for found in _INLINE.finditer(text):
        if found.start() < at:
            continue
        end = text.find(f"end_Scrv_{found[1]}", found.end())
        if end < 0:
            break
        close = text.find("}", end) + 1 or len(text)
        kept.append(text[at : found.start()])
        said = text[found.end() : end].partition("text=")[2] or text[found.end() : end]
        part.leave_out(_INLINE_KINDS[found[1]], _CONTROL.sub(" ", said))
        at = close
    return _MARKERS.sub("", "".join([*kept, text[at:]]))
