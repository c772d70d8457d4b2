"""What can be done to modules of the shelf, one or many, with no widget in it.

Each action does what it can: of forty modules that are to be exported, one that cannot be read does not keep the other
thirty-nine from it. What happened is a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kobold_modules.corpus.files import is_book_name
from kobold_modules.errors import BadInput, BadUsage, KoboldModulesError
from kobold_modules.formats import SUFFIXES, write
from kobold_modules.library.library import Entry, Library
from kobold_modules.library.notes import tidy
from kobold_modules.soft_prompt.layer import Layer

from .app_state import AppState
from .phrases import counted


@dataclass(frozen=True, slots=True)
class Removed:
    """A module taken off the shelf, and where it stood in the stack."""

    entry: Entry
    at: int | None = None
    layer: Layer[Entry] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to: the entries it was done to, and the first of ``failed`` errors."""

    done: tuple[Entry, ...] = ()
    failed: int = 0
    error: KoboldModulesError | None = None

    def sentence(self, what: str) -> str:
        """Return ``noir rain is starred.`` or ``3 modules are starred.``, with what went wrong."""
        said = ""
        if self.done:
            several = len(self.done) > 1
            said = f"{counted(len(self.done), 'module') if several else self.done[0].name}"
            said += f" {'are' if several else 'is'} {what}."
        if self.error is not None:
            others = f" ({counted(self.failed, 'module')} in all)" if self.failed > 1 else ""
            said = f"{said} {self.error.message}{others}".strip()
        return said

    @property
    def hint(self) -> str:
        return self.error.hint if self.error is not None else ""


def each(entries: Iterable[Entry], do: Callable[[Entry], Entry | None]) -> Outcome:
    """Do ``do`` to every entry; what it returns takes the entry's place in the outcome."""
    done, failed, first = [], 0, None
    for entry in entries:
        try:
            done.append(do(entry) or entry)
        except (KoboldModulesError, OSError) as error:
            failed += 1
            if first is None:
                first = error if isinstance(error, KoboldModulesError) else BadUsage(f"{entry.name}: {error}.")
    return Outcome(tuple(done), failed, first)


def remove(library: Library, entries: Sequence[Entry]) -> Outcome:
    """Take ``entries`` off the shelf."""
    return each(entries, library.remove)


def restore(library: Library, removed: Sequence[Removed]) -> Outcome:
    """Bring back what :func:`remove` took."""
    return each([one.entry for one in removed], lambda entry: library.restore(entry.slug))


def stood(app_state: AppState, entry: Entry) -> Removed:
    """Return ``entry`` and where it stands in the stack, to be remembered before it goes."""
    at = app_state.stack.index(entry)
    return Removed(entry) if at is None else Removed(entry, at, app_state.stack.layers[at])


def restack(app_state: AppState, removed: Sequence[Removed]) -> None:
    """Put what came back to the shelf back into the stack, where it stood."""
    for one in sorted(removed, key=lambda one: one.at or 0):
        back = app_state.entries.filed(one.entry.slug)
        if back is None or one.at is None or one.layer is None or app_state.stack.index(back) is not None:
            continue
        app_state.stack = app_state.stack.insert(one.at, one.layer.with_module(back))


def star(library: Library, entries: Sequence[Entry]) -> tuple[Outcome, bool]:
    """Star all ``entries``, or none of them where all have one. Returns which."""
    on = not all(entry.notes.favourite for entry in entries)
    return each(entries, lambda entry: library.note(entry, favourite=on)), on


def retag(library: Library, entries: Sequence[Entry], answer: str) -> Outcome:
    """Give ``entries`` the tags in ``answer``, which are separated by commas.

    Of one module these are all its tags. Of several they join those that are there, and one with a minus in front
    leaves.
    """
    words = [word.strip() for word in answer.split(",")]
    added = tidy(word for word in words if not word.startswith("-"))
    gone = {tag.casefold() for tag in tidy(word[1:] for word in words if word.startswith("-"))}

    def retag_one(entry: Entry) -> Entry:
        wanted = added if len(entries) == 1 else tidy((*entry.tags, *added))
        wanted = tuple(tag for tag in wanted if tag.casefold() not in gone)
        kept = {tag.casefold() for tag in wanted}
        if any(tag.casefold() not in kept for tag in entry.card.tags):
            stay = tuple(tag for tag in entry.card.tags if tag.casefold() in kept)
            entry = library.update_card(entry, tags=stay)
        own = {tag.casefold() for tag in entry.card.tags}
        return library.note(entry, tags=[tag for tag in wanted if tag.casefold() not in own])

    return each(entries, retag_one)


def bring_in(library: Library, paths: Sequence[Path]) -> Entry | Outcome:
    """Put the modules in ``paths`` on the shelf. Of a single file the error is raised, with a better hint."""
    if len(paths) == 1:
        try:
            return library.import_file(paths[0], unique=True)
        except KoboldModulesError as error:
            raise BadInput(error.message, _better_hint(paths[0]) or error.hint) from error
    done, failed, first = [], 0, None
    for path in paths:
        try:
            done.append(library.import_file(path, unique=True))
        except KoboldModulesError as error:
            failed, first = failed + 1, first or error
    return Outcome(tuple(done), failed, first)


def _better_hint(path: Path) -> str:
    if is_book_name(path.name):
        return "To make a module from a text, train one: F4."
    return "Models are listed on F5." if path.suffix.lower() == ".gguf" else ""


def export_path(entries: Sequence[Entry], answer: Path, format: str) -> Path:
    """Return where an export to ``answer`` goes: one module to a file (named after it in a folder), several into one.

    Raises BadUsage where that cannot be.
    """
    suffix = SUFFIXES[format]  # type: ignore[index]
    if len(entries) > 1:
        if answer.exists() and not answer.is_dir():
            raise BadUsage(f"{answer.name} is a file.", "Several modules go into a folder.")
        return answer
    target = answer / f"{entries[0].slug}{suffix}" if answer.is_dir() and not _adapter(answer, format) else answer
    if format == "kobold" and target.suffix.lower() != ".zip":
        raise BadUsage("KoboldAI loads .zip files only.", f"Call it {target.stem}.zip.")
    return target


def _adapter(folder: Path, format: str) -> bool:
    """Return whether ``folder`` is an adapter that an export would write over, rather than a place to put one in."""
    return format == "peft" and (folder / "adapter_config.json").is_file()


def in_the_way(entries: Sequence[Entry], target: Path, format: str) -> list[Path]:
    """Return the files that an export would write over."""
    return [path for path in _files(entries, target, format).values() if path.exists()]


def export(
    library: Library,
    entries: Sequence[Entry],
    target: Path,
    format: str,
    begin: Callable[[Entry], object] = lambda entry: None,
) -> Outcome:
    """Write ``entries`` to ``target`` (see :func:`export_path`).

    ``begin`` is called with each before it is written, and may raise to end it all.
    """
    files = _files(entries, target, format)

    def one(entry: Entry) -> None:
        begin(entry)
        write(library.load(entry), files[entry.slug], format)

    return each(entries, one)


def _files(entries: Sequence[Entry], target: Path, format: str) -> dict[str, Path]:
    if len(entries) == 1:
        return {entries[0].slug: target}
    return {entry.slug: target / f"{entry.slug}{SUFFIXES[format]}" for entry in entries}  # type: ignore[index]
