"""What a writer does with the story on the page: save and name it, take it elsewhere, search it, edit it in $EDITOR."""

from __future__ import annotations

from pathlib import Path

from textual.app import SuspendNotSupported
from textual.screen import Screen

from kobold_modules.errors import BadUsage, KoboldModulesError
from kobold_modules.stories import file
from kobold_modules.stories.story import Story

from ...dialogs.ask import Ask
from ...state.background import run_in_background
from ...state.phrases import counted, place
from ...widgets.status_line import StatusLine
from ...writing.external_editor import edited, editor_command
from ...writing.text_search import Query
from ..unsaved import ask_elsewhere
from .notes import Asides, NotesScreen
from .page import Page
from .take_writer import TakeWriter


LONGEST_QUERY = 80  # characters of a selection that is looked for


class StoryActions:
    """Does it with the story of ``page``, asking on ``screen`` what must be asked.

    Args:
        screen: where questions are opened.
        page: whose story it is.
        writer: says whether the page is the writer's.
        status: where it is said what came of it.
    """

    def __init__(self, screen: Screen[None], page: Page, writer: TakeWriter, status: StatusLine) -> None:
        self.screen, self.page, self.writer, self.status = screen, page, writer, status
        self.manuscript = page.manuscript
        self._last_query = Query("")
        self._may_overwrite: Path | None = None  # a file of an export that was asked about

    # -- saving and naming --

    def save(self) -> None:
        """Save now; a story without a name is asked for one."""
        if not self.writer.page_is_free():
            return
        if not self.page.saver.saved:
            run_in_background(self.screen, self._save_again, "save")
        elif not self.page.story.title:
            self.rename()
        else:
            run_in_background(self.screen, self._save_aloud, "save")

    async def _save_again(self) -> None:
        """Try again to save a story that could not be saved a moment ago, then ask for another place."""
        if await self.page.saver.save():
            self.status.say("The story is saved again.", "good")
        else:
            self.screen.app.push_screen(ask_elsewhere(self.manuscript), self._saved_elsewhere)

    def _saved_elsewhere(self, path: object) -> None:
        if isinstance(path, Path):
            said = f"A copy of the story as it is now is in {place(path)}."
            self.status.say(said, "good", "What you write next is not.")

    async def _save_aloud(self) -> None:
        before = self.manuscript.path
        if await self.page.saver.save() and self.manuscript.path == before:
            said = f"{self.page.story.title} is saved in {place(self.manuscript.path)}."
            self.status.say(said, "good", "It is also saved automatically.")

    def rename(self) -> None:
        """Ask for the story's title."""
        explanation = "Title of the story. It is saved automatically; the title helps you find it later."
        ask = Ask("Rename story", explanation, self._give_name, value=self.page.story.title)
        self.screen.app.push_screen(ask)

    def _give_name(self, title: str) -> str:
        self.page.story.title = title
        self.page.panel.set_titles(title)
        run_in_background(self.screen, self._save_aloud, "save")
        return title

    # -- memory, author's note and lorebooks --

    def edit_notes(self) -> None:
        """Open memory, author's note and lorebooks."""
        if not self.writer.page_is_free():
            return
        before = self._asides

        def closed(asides: Asides | None) -> None:
            if asides is not None and asides != before:
                self.status.say(asides_sentence(asides), "good")

        self.screen.app.push_screen(NotesScreen(before, self._keep_asides, self.manuscript.own_lore), closed)

    @property
    def _asides(self) -> Asides:
        story = self.page.story
        return Asides(story.memory, story.note, self.manuscript.note_depth, story.lorebooks)

    def _keep_asides(self, asides: Asides) -> None:
        """Keep them with every key, as on the page: whatever ends the program, what was written is in the story."""
        if asides != self._asides:
            self.page.story.memory, self.page.story.note = asides.memory, asides.note
            self.page.story.lorebooks = asides.lore
            self.manuscript.note_depth = asides.depth
            self.page.touch()

    # -- elsewhere --

    def open_in_editor(self) -> None:
        """Edit the story in the writer's own editor. What was changed there is one step back and forth."""
        if not self.writer.page_is_free():
            return
        try:
            command = editor_command()
            with self.screen.app.suspend():
                text = edited(self.page.story.text, "story")
        except SuspendNotSupported:
            said = "Another program cannot be opened in this terminal."
            self.status.say(said, "warning", "Export the story instead.")
            return
        except (KoboldModulesError, OSError) as error:
            self.status.say_error(error)
            return
        self.screen.app.refresh(layout=True)
        if text == self.page.story.text:
            self.status.say(f"{command[0]} closed; nothing was changed.", "calm")
            return
        self.page.rewrite(text)
        words = counted(self.page.story.word_count, "word")
        self.status.say(f"Changes from {command[0]} loaded: {words}.", "good", "ctrl+z undoes them.")

    def export(self) -> None:
        """Ask where to write the story as text, Markdown, or a story for KoboldAI Lite."""
        if not self.writer.page_is_free():
            return
        explanation = (
            ".txt and .md hold the text alone. .json is a story for KoboldAI Lite and KoboldAI, with memory, "
            "author's note and takes."
        )
        self._may_overwrite = None
        name = "".join(letter for letter in self.page.story.title or "story" if letter not in "/:")
        usual = place(Path.home() / f"{name}.txt")
        self.screen.app.push_screen(Ask("Export story", explanation, self._export, value=usual, is_path=True))

    def _export(self, answer: str) -> object:
        path = Path(answer).expanduser()
        if path.suffix.lower() not in (".txt", ".md", ".json"):
            raise BadUsage(f"{path.name} should end in .txt, .md or .json.", "The ending decides the format.")
        if path.exists() and path != self._may_overwrite:
            self._may_overwrite = path
            raise BadUsage(f"{path.name} is already there.", "Press enter again to write over it.")
        # A copy: what is written elsewhere is not what this story's own file holds.
        copy = Story.from_dict(self.page.story.to_dict(0))
        if path.suffix.lower() == ".json":
            file.export_lite(copy, path)
        else:
            file.save(copy, path)
        self.status.say(f"The story was exported to {place(path)}.", "good")
        return path

    # -- inside --

    def find(self) -> None:
        """Find and replace in the whole story."""
        if not self.writer.page_is_free():
            return
        from .find import Find

        selected = self.page.editor.selected_text
        query = self._last_query
        if selected and "\n" not in selected and len(selected) <= LONGEST_QUERY:
            query = query._replace(text=selected)

        def closed(query: Query | None) -> None:
            self._last_query = query or self._last_query

        self.screen.app.push_screen(Find(self.page.editor, self.page.replace, query), closed)

    def show_outline(self) -> None:
        """Go to a chapter or scene."""
        if self.writer.page_is_free():
            from .outline import Outline

            self.screen.app.push_screen(Outline(self.page.story.text, self.page.cursor), self._go_to)

    def _go_to(self, offset: int | None) -> None:
        if offset is not None:
            self.page.move_cursor_to(offset, center=True)


def asides_sentence(asides: Asides) -> str:
    """Return what is in them, as ``Memory: 12 words. Author's note: 4 words, 3 lines before the end.``."""
    memory, note = len(asides.memory.split()), len(asides.note.split())
    parts = [f"Memory: {counted(memory, 'word')}."] if memory else []
    if note:
        parts.append(f"Author's note: {counted(note, 'word')}, {counted(asides.depth, 'line')} before the end.")
    if asides.lore:
        parts.append(f"{counted(len(asides.lore), 'lorebook')}.")
    return " ".join(parts) or "Memory, note and lorebooks are empty."
