"""The bench's story on disk, with the stack, the sampler and the last takes it was written with.

One JSON file that is a story like any other (``Story.load`` reads it) plus a ``bench`` object of ours. It is written
whole or not at all; one that cannot be read is set aside, never overwritten. What was still coming when the program was
killed stands beside it, a take in its autosave and takes side by side in their journal, and comes back with it.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kobold_modules import paths
from kobold_modules.disk.free_name import free_path
from kobold_modules.errors import BadUsage
from kobold_modules.soft_prompt.layer import Layer, layer_from_data
from kobold_modules.stories.autosave import Autosave, forget, recover
from kobold_modules.stories.story import Story

from ..state.phrases import counted, place
from .own_file import OwnFiles
from .sampler_choice import Choice
from .takes_journal import Journal


if TYPE_CHECKING:
    from kobold_modules.lorebook import Lorebook

    from .comparison import Comparison


NAME = "bench.json"
OPEN = ".open"  # beside the stories: the name of the one on the bench
STEPS = 200_000  # characters of undo kept with a story
NOTE_DEPTH = 3


def bench_path() -> Path:
    """Return the story on the bench: the one that was open last, or the first of all."""
    folder = paths.stories_dir()
    try:
        name = (folder / OPEN).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return folder / NAME
    return folder / name if name and Path(name).name == name and (folder / name).is_file() else folder / NAME


class WrittenWith(NamedTuple):
    """The model a story is written with: as a Load job takes it, as it is called, its context in tokens (0: usual)."""

    model: str
    name: str
    context: int = 0

    @classmethod
    def from_dict(cls, data: Any) -> WrittenWith | None:
        """Read what was saved; None for anything else."""
        if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in ("model", "name")):
            return None
        context = data.get("context")
        return cls(data["model"], data["name"], context if type(context) is int and context >= 0 else 0)

    @property
    def missing(self) -> bool:
        """Whether it is a file that is not there any more."""
        return self.model.startswith(("/", "~")) and not Path(self.model).expanduser().exists()


class Manuscript:
    """A story, what stood around it, and the file both live in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.theme = ""
        self._writing = threading.Lock()
        self._files = OwnFiles()
        self._number = self._written = 0
        self._clear()

    def _clear(self) -> None:
        self.story = Story()
        self.choice = Choice()
        self.stack: tuple[Layer[str], ...] = ()  # by the names of their folders in the library
        self.model: WrittenWith | None = None
        self.note_depth = NOTE_DEPTH
        self.comparison: Comparison | None = None
        self._belong(self.path)
        self._taking = False
        self._takes_ended = 0
        self._kept_comparison: Comparison | None = None
        self._own_lore: tuple[Story, Lorebook | None] | None = None  # of which story, so that it is read once

    def _belong(self, path: Path) -> None:
        """Make ``path`` the story's file from now on."""
        self.path = path
        self.autosave, self.journal = Autosave(path), Journal(path.with_name(f".{path.stem}.takes"))

    @property
    def unsaved(self) -> bool:
        """Whether words would be lost by leaving now: of the story, or of takes that stand beside it."""
        takes = self.comparison is not None and any(column.text for column in self.comparison.columns)
        return self.story.dirty or (takes and self.comparison != self._kept_comparison)

    @property
    def asides(self) -> dict[str, Any]:
        """Memory, author's note and lorebooks as a job takes them."""
        story = self.story
        return {
            "memory": story.memory,
            "note": story.note_text,
            "note_depth": self.note_depth,
            "lore": self.lore_files,
        }

    @property
    def lore_files(self) -> tuple[str, ...]:
        """The files whose entries come in by their keys; world info that the story came with is in its own file."""
        return (str(self.path), *self.story.lorebooks) if self.own_lore is not None else self.story.lorebooks

    @property
    def own_lore(self) -> Lorebook | None:
        """The world info that the story came with."""
        if not self.story.may_hold_lore:
            return None
        if self._own_lore is None or self._own_lore[0] is not self.story:
            from kobold_modules.stories.lore import own_lorebook  # with all its readers, which few stories need

            self._own_lore = self.story, own_lorebook(self.story)
        return self._own_lore[1]

    def load(self) -> str:
        """Read the file. Returns a sentence for the person where something is to be said, else nothing."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            raw = b""
            self._files.saw(self.path, None)
        except OSError as error:
            before = self.path
            if before.exists():
                self._belong(free_path(before))  # what cannot be read must not be written over
            return f"{place(before)} cannot be read ({error.strerror}); this story starts empty."
        if raw:
            self._files.saw(self.path, raw)
            try:
                data = json.loads(raw.decode("utf-8", "surrogatepass"))
                self.story = Story.from_dict(data)
            except (ValueError, RecursionError):
                try:
                    aside = self._set_aside()
                except OSError:
                    before = self.path
                    self._belong(free_path(before))
                    return f"{before.name} is not a story and is left as it is; this story starts empty."
                return f"{self.path.name} was not a story and was renamed to {aside.name}."
            self._read_bench(self.story.extra.pop("bench", None))
        return self._recover()

    def _read_bench(self, bench: Any) -> None:
        if not isinstance(bench, dict):
            return
        self.choice = Choice.from_dict(bench.get("sampler"))
        self.model = WrittenWith.from_dict(bench.get("model"))
        stack, depth = bench.get("stack"), bench.get("note_depth")
        self.stack = _layers(stack) if isinstance(stack, list) else ()
        self.theme = str(bench.get("theme", ""))
        self.note_depth = depth if isinstance(depth, int) and 0 <= depth <= 99 else NOTE_DEPTH
        if bench.get("takes"):
            from .comparison import Comparison

            self.comparison = self._kept_comparison = Comparison.from_dict(bench["takes"])

    def _recover(self) -> str:
        """Bring back what a killed program had on its screen; says what is on the page now."""
        self.story, back = recover(self.path, self.story)
        words = counted(self.story.word_count, "word")
        if back is not None:
            self._takes_ended += 1  # its journal goes with the next save
            if back.aside is not None:
                return f"The story was saved elsewhere during a take; that take is in {back.aside.name}."
            return f"Story restored, with the unfinished take: {words}."
        takes = self.journal.find(self.story.text)
        if takes is not None:
            from .comparison import Comparison

            if (comparison := Comparison.from_dict(takes.head)) is not None:
                self.comparison = comparison.with_texts(takes.texts)
                return "Unfinished takes were restored: ctrl+b shows them."
        return f"Story restored: {words}." if self.story.text else ""

    # -- the take that is coming --

    def take_begins(self, label: str) -> None:
        """Make everything passed to :meth:`take_grows` survive a kill from now on. The story has been saved before."""
        self._takes_ended, self._taking = 0, True
        with suppress(OSError):
            self.autosave.begin(self.story, label)

    def take_grows(self, text: str) -> None:
        """Keep ``text``, which is about to be shown."""
        with suppress(OSError):
            self.autosave.feed(text)

    def take_ends(self) -> None:
        """Note that the take is in the story; the next save makes its autosave needless."""
        self._takes_ended, self._taking = self._takes_ended + 1, False

    def open(self, path: Path) -> str:
        """Put the story at ``path`` on the bench instead of this one, which has been saved, or is not wanted.

        Returns a sentence as :meth:`load`.
        """
        with self._writing:
            self.path = path
            self._clear()
        self._remember_open()
        theme = self.theme
        said = self.load()
        self.theme = theme  # the look belongs to the room, not to the story
        return said

    def _remember_open(self) -> None:
        """Note this story as the one to open the next time. Where that fails, another one opens."""
        with suppress(OSError):
            paths.write_atomically(self.path.with_name(OPEN), self.path.name.encode())

    def dump(self) -> dict[str, Any]:
        """Return the file's content as it should be now."""
        bench = {
            "stack": [asdict(layer) for layer in self.stack],
            "model": self.model._asdict() if self.model is not None else None,
            "sampler": self.choice.to_dict(),
            "theme": self.theme,
            "note_depth": self.note_depth,
            "takes": self.comparison.to_dict() if self.comparison is not None else None,
        }
        return {**self.story.to_dict(STEPS), "bench": bench}

    async def keep(self) -> str:
        """Save without holding up the screen. Raises OSError, too; returns a sentence as :meth:`save`."""
        await asyncio.to_thread(self._prepared())
        return self._move()

    def save(self) -> str:
        """Save now. Raises OSError if the disk is full or read-only.

        Returns a sentence for the person if the story had to be saved under another name, because its file was changed
        elsewhere, else nothing.
        """
        self._prepared()()
        return self._move()

    def _move(self) -> str:
        """Follow the story to the file where it was saved."""
        before, now = self.path, self._files.home(self.path)
        if now == before or self._taking or self.journal.settled is None:  # what is coming is kept beside the old one
            return ""
        self._belong(now)
        self._remember_open()
        return f"{before.name} was changed by another program: your version is now {now.name}, and both are kept."

    def _prepared(self) -> Callable[[], None]:
        """Return the saving of what is there now, as something any thread may do."""
        self._number += 1
        after: list[Callable[[], None]] = []
        if (settled := self.journal.settled) is not None:
            after.append(partial(self.journal.forget, settled))
        if self._takes_ended:
            after += [self.autosave.end, partial(forget, self.path), partial(self._take_is_saved, self._takes_ended)]
        after.append(self._saved_mark())
        return partial(self._write, self._number, self.dump(), self.path, after)

    def _saved_mark(self) -> Callable[[], None]:
        """Return what to call when all that is there now has been written."""
        story, content, comparison = self.story, self.story.content, self.comparison

        def mark() -> None:
            story.mark_saved(content)
            if story is self.story:
                self._kept_comparison = comparison

        return mark

    def _take_is_saved(self, ended: int) -> None:
        if self._takes_ended == ended:
            self._takes_ended = 0

    def _write(self, number: int, content: dict[str, Any], path: Path, after: list[Callable[[], None]]) -> None:
        data = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
        with self._writing:
            if number > self._written:  # a save that was overtaken has nothing to add
                path = self._files.target(path)
                paths.write_atomically(path, data)
                self._files.saw(path, data)
                self._written = number
            for done in after:
                done()

    def save_as(self, path: Path) -> None:
        """Write the story, which cannot be saved in its own place, to ``path``; a .txt or .md holds its text alone.

        Raises BadUsage where there is something already, and OSError.
        """
        if path.exists():
            raise BadUsage(f"{place(path)} is there already.", "Choose a name that is free.")
        mark = self._saved_mark()
        if path.suffix.lower() in (".txt", ".md"):
            data = self.story.text.encode("utf-8", "replace")
        else:
            data = json.dumps(self.dump(), ensure_ascii=False).encode("utf-8", "surrogatepass")
        paths.write_atomically(path, data)
        mark()

    def rescue(self) -> Path | None:
        """Write the story wherever it can be, because nobody is there to be asked. Returns where, or None."""
        for folder in (Path.home(), Path.cwd(), Path(tempfile.gettempdir())):
            path = free_path(folder / f"{self.path.stem}-rescued.json")
            with suppress(OSError):
                self.save_as(path)
                return path
        return None

    def _set_aside(self) -> Path:
        aside = free_path(self.path.with_name(f"{self.path.stem}.unreadable{self.path.suffix}"), always_number=True)
        self.path.replace(aside)
        self._files.saw(self.path, None)
        return aside


def _layers(items: list[Any]) -> tuple[Layer[str], ...]:
    """Return the layers among ``items``; what is none is passed over."""
    found = []
    for item in items:
        with suppress(ValueError):
            found.append(layer_from_data(item))
    return tuple(found)
