"""What a writer does with the story as a whole: name it, open another, take it elsewhere, write in another editor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from textual import work
from textual.app import SuspendNotSupported

from kobold_modules.errors import BadUsage, KoboldModulesError
from kobold_modules.stories import file
from kobold_modules.stories.shelf import free_path
from kobold_modules.stories.story import Story

from ...dialogs.ask import Ask
from ...state.authorship import model_ranges
from ...state.dropped import kind_of, one_path
from ...state.phrases import counted, place
from ...state.save_errors import reason
from ...writing.external_editor import edited, editor_command
from ...writing.text_search import Query
from ..unsaved import Unsaved, ask_elsewhere
from .notes import Asides, NotesScreen
from .stories import NEW, StoriesScreen
from .writing import WritingScreen


if TYPE_CHECKING:
    from ...state.app_state import AppServices


LONGEST_QUERY = 80  # characters of a selection that is looked for


class KeepingScreen(WritingScreen):
    """See the module."""

    _looked_for = Query("")

    def _idle(self) -> bool:
        """Return whether the page is the writer's; says so where the model has it."""
        if self.writing:
            self.say("The model is still writing.", "warning", "esc stops it.")
        else:
            self.sync()
        return not self.writing

    # -- this story --

    def action_save(self) -> None:
        """Save now; a story without a name is asked for one."""
        if not self._idle():
            return
        if not self._saved:
            self._save_somewhere()
        elif not self.story.title:
            self.action_name_story()
        else:
            self._save_aloud()

    @work(group="save")
    async def _save_somewhere(self) -> None:
        """Try again to save the story, which failed a moment ago, then ask for another place."""
        if await self.keep():
            self.say("The story is saved again.", "good")
        else:
            self.app.push_screen(ask_elsewhere(self.manuscript), self._saved_elsewhere)

    def _saved_elsewhere(self, path: object) -> None:
        if isinstance(path, Path):
            self.say(f"A copy of the story as it is now is in {place(path)}.", "good", "What you write next is not.")

    def action_name_story(self) -> None:
        explanation = "Title of the story. It is saved automatically; the title helps you find it later."
        self.app.push_screen(Ask("Rename story", explanation, self._give_name, value=self.story.title))

    def _give_name(self, title: str) -> str:
        self.story.title = title
        self.page.set_titles(title)
        self._save_aloud()
        return title

    @work(group="save")
    async def _save_aloud(self) -> None:
        before = self.manuscript.path
        if await self.keep() and self.manuscript.path == before:
            self.say(
                f"{self.story.title} is saved in {place(self.manuscript.path)}.",
                "good",
                "It is also saved automatically.",
            )

    def action_notes(self) -> None:
        """Open memory and author's note."""
        if not self._idle():
            return
        story = self.story
        before = Asides(story.memory, story.note, self.manuscript.note_depth)

        def closed(asides: Asides | None) -> None:
            if asides is not None and asides != before:
                self.say(noted(asides), "good")

        self.app.push_screen(NotesScreen(before, self._note), closed)

    def _note(self, asides: Asides) -> None:
        """Keep every key in the story, as on the page, whatever ends the program."""
        if asides != Asides(self.story.memory, self.story.note, self.manuscript.note_depth):
            self.story.memory, self.story.note = asides.memory, asides.note
            self.manuscript.note_depth = asides.depth
            self.touch()

    def action_outside(self) -> None:
        """Open the story in the writer's own editor. What was changed there is one step back and forth."""
        if not self._idle():
            return
        try:
            command = editor_command()
            with self.app.suspend():
                text = edited(self.story.text, "story")
        except SuspendNotSupported:
            self.say("Another program cannot be opened in this terminal.", "warning", "Export the story instead.")
            return
        except (KoboldModulesError, OSError) as error:
            self.say_error(error)
            return
        self.app.refresh(layout=True)
        if text == self.story.text:
            self.say(f"{command[0]} closed; nothing was changed.", "calm")
            return
        self.story.edit(text)
        self.show_story()
        self.say(
            f"Changes from {command[0]} loaded: {counted(self.story.word_count, 'word')}.",
            "good",
            "ctrl+z undoes them.",
        )

    def action_export(self) -> None:
        """Export text, Markdown, or a story for KoboldAI Lite."""
        if not self._idle():
            return
        explanation = (
            ".txt and .md hold the text alone. .json is a story for KoboldAI Lite and KoboldAI, with memory, "
            "author's note and takes."
        )
        self._over: Path | None = None  # a file that may be written over: it was asked about
        name = self.story.title or "story"
        usual = str(Path.home() / f"{''.join(c for c in name if c not in '/:')}.txt")
        self.app.push_screen(Ask("Export story", explanation, self._export, value=place(Path(usual)), is_path=True))

    def _export(self, answer: str) -> object:
        path = Path(answer).expanduser()
        if path.suffix.lower() not in (".txt", ".md", ".json"):
            raise BadUsage(f"{path.name} should end in .txt, .md or .json.", "The ending decides the format.")
        if path.exists() and path != self._over:
            self._over = path
            raise BadUsage(f"{path.name} is already there.", "Press enter again to write over it.")
        # A copy: what is written elsewhere is not what this story's own file holds.
        copy = Story.from_dict(self.story.to_dict(0))
        if path.suffix.lower() == ".json":
            file.export_lite(copy, path)
        else:
            file.save(copy, path)
        self.say(f"The story was exported to {place(path)}.", "good")
        return path

    # -- in this story --

    def action_find(self) -> None:
        """Find and replace, in the whole story."""
        if not self._idle():
            return
        from .find import Find

        selected = self.editor.selected_text
        query = self._looked_for
        if selected and "\n" not in selected and len(selected) <= LONGEST_QUERY:
            query = query._replace(text=selected)

        def closed(query: Query | None) -> None:
            self._looked_for = query or self._looked_for

        self.app.push_screen(Find(self.editor, self._replace, query), closed)

    def _replace(self, edits: Sequence[tuple[int, int, str]]) -> None:
        self.sync()
        self.story.edit_many(edits)
        self.show_story()

    def action_outline(self) -> None:
        """Go to a chapter or scene."""
        if self._idle():
            from .outline import Outline

            self.app.push_screen(Outline(self.story.text, self.cursor), self._go_to)

    def _go_to(self, offset: int | None) -> None:
        if offset is not None:
            self.editor.move_cursor(self.editor.location_of(offset), center=True)

    # -- other stories --

    def action_stories(self) -> None:
        if self._idle():
            self.app.push_screen(StoriesScreen(self.manuscript.path), self._chosen)

    def _chosen(self, path: Path | None) -> None:
        if path == NEW:
            self.action_new_story()
        elif path is not None:
            try:
                ours = file.format_of(path) == "ours"
                self.show_imported(Imported(path) if ours else imported(path))
            except (KoboldModulesError, OSError) as error:
                self.say_error(error)

    def action_new_story(self) -> None:
        if self._idle():
            explanation = "Title of the new story. The one on the bench is saved first."
            self.app.push_screen(Ask("New story", explanation, self._new), self._made)

    def _new(self, title: str) -> object:
        path = free_path(title)
        file.save(Story(title), path)
        return path

    def _made(self, path: object) -> None:
        if isinstance(path, Path):
            self._open(path)

    def action_import_story(self) -> None:
        if self._idle():
            explanation = (
                "A text (.txt, .md), or a story of KoboldAI (.json, .kaistory) or NovelAI (.story, .scenario). "
                "It is copied, not moved."
            )
            ask = Ask("Open file", explanation, self._import, placeholder="~/", is_path=True)
            self.app.push_screen(ask, self.show_imported)

    def _import(self, answer: str) -> object:
        path = one_path(answer)
        if path.exists() and kind_of(path) in ("model", "module"):
            return [path]  # no story, and of use all the same
        return imported(path)

    def open_file(self, path: Path) -> None:
        """Put a copy of the story or text at ``path`` on the bench."""
        if self._idle():
            try:
                self.show_imported(imported(path))
            except (KoboldModulesError, OSError) as error:
                self.say_error(error)

    def show_imported(self, story: object) -> None:
        """Open a story that was just copied here; says what of it is not used."""
        if isinstance(story, Imported):
            self._open(story.path, story.unused)
        elif isinstance(story, list):
            cast("AppServices", self.app).receive(story)

    def _open(self, path: Path, warning: str = "") -> None:
        """Put another story on the bench, once this one is saved or not wanted; ``warning`` is said of it."""
        if path == self.manuscript.path:
            self.editor.focus()
            return
        self.sync()
        try:
            moved = self.manuscript.save()
        except OSError as error:
            if self.manuscript.unsaved:
                why = reason(error, self.manuscript.path)
                unsaved = Unsaved(self.manuscript, why, "Leave it unsaved")
                self.app.push_screen(unsaved, lambda go: self._show_other(path, warning) if go else None)
                return
            moved = ""
        self._show_other(path, warning or moved)

    def _show_other(self, path: Path, warning: str = "") -> None:
        said = self.manuscript.open(path)
        self._show_saved(True)
        self.editor.load_text(self.story.text)
        self.editor.show_marks(model_ranges(self.story))
        self.editor.move_cursor(self.editor.document.end)
        self.page.set_titles(self.story.title or "Story")
        self.sampler.show_choice(self.manuscript.choice)
        if self.manuscript.stack:
            cast("AppServices", self.app).app_state.restore_stack(self.manuscript.stack)
        self.touch()
        self.editor.focus()
        said = cast("AppServices", self.app).story_opened() or said
        self.say(warning or said or f"{self.story.title} is on the bench.", "warning" if warning else "calm")


class Imported(NamedTuple):
    """A story that was copied here; ``unused`` is a sentence about what of it this program does not use, or empty."""

    path: Path
    unused: str = ""


def imported(source: Path) -> Imported:
    """Copy the story or text at ``source`` to the stories. Raises KoboldModulesError."""
    story = file.load(source)
    story.title = story.title or source.stem
    path = free_path(story.title)
    unused = file.told_unused(story)
    file.save(story, path)
    return Imported(path, unused)


def noted(asides: Asides) -> str:
    """Return ``Memory: 12 words. Author's note: 4 words, 3 lines before the end``."""
    memory, note = len(asides.memory.split()), len(asides.note.split())
    said = [f"Memory: {counted(memory, 'word')}."] if memory else []
    if note:
        said.append(f"Author's note: {counted(note, 'word')}, {counted(asides.depth, 'line')} before the end.")
    return " ".join(said) or "Memory and note are empty."
