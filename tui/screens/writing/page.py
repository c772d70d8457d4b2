"""The story on its page: every change of the page goes into the Story at once, and onto the disk a moment later.

The part of the bench that needs no model. Undo and redo are the story's own, for they must know takes and authors, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from kobold_modules.stories.story import Story

from ...state.app_state import AppState
from ...state.authorship import author_at, model_ranges
from ...state.phrases import counted
from ...widgets.panel import Panel
from ...widgets.status_line import StatusLine
from ...widgets.writing.context_panel import ContextPanel
from ...widgets.writing.editor import Editor
from ...widgets.writing.notes_panel import NotesPanel
from ...writing.manuscript import Manuscript
from .story_saver import StorySaver


class Page:
    """The editor with the panels that show its story, kept in step with ``manuscript``.

    Args:
        app_state: what the context panel counts with.
        manuscript: whose story is on the page.
        saver: saves it.
        status: where it is said what happened.
    """

    def __init__(self, app_state: AppState, manuscript: Manuscript, saver: StorySaver, status: StatusLine) -> None:
        self.manuscript, self.saver, self.status = manuscript, saver, status
        # Kept, not queried: a take that is cut short by the app's end is still put into the story.
        self.editor = Editor(self.story.text, placeholder="Write a first sentence here, then press ctrl+j …")
        self.panel = Panel("Story", "page")
        self.context = ContextPanel(app_state)
        self.notes = NotesPanel()
        self._noted: tuple[str, bool] | None = None  # the text whose words are counted in the title, and if it is saved

    @property
    def story(self) -> Story:
        """The story that is on the page."""
        return self.manuscript.story

    @property
    def cursor(self) -> int:
        """The character of the story before which the cursor stands."""
        return self.editor.offset_of(self.editor.cursor_location)

    @property
    def author_at_cursor(self) -> str:
        """Who wrote what is before the cursor, or that the model does not see it."""
        at = self.cursor
        return "outside the model's context" if at < self.editor.unseen else author_at(self.story, at)

    def open(self) -> None:
        """Show the manuscript's story as the editor holds it, the cursor at its end."""
        self.editor.show_marks(model_ranges(self.story))
        self.editor.move_cursor(self.editor.document.end)
        self.panel.set_titles(self.story.title or "Story")
        self.context.read(self.story.text, self.manuscript.asides)
        self.notes.show(self.story)

    def open_other(self) -> None:
        """Show the story that has just been opened in the manuscript."""
        self.saver.saved = True
        self.editor.load_text(self.story.text)
        self.open()
        self.touch()
        self.editor.focus()

    def tick(self) -> None:
        """Do what need not happen with every key: save, count words."""
        if not self.editor.streaming:  # a take on its way has an autosave of its own
            self.saver.tick()
        text, saved = self.story.text, self.saver.saved
        if self._noted is None or self._noted[0] is not text or self._noted[1] != saved:
            self._noted = text, saved  # counting words costs milliseconds in a novel: not for every key
            words = counted(self.story.word_count, "word")
            self.panel.set_titles(note=words if saved else f"{words} · not saved")
        self.editor.show_unseen(self.context.unseen)

    def sync(self) -> None:
        """Bring what was typed into the story."""
        if not self.editor.streaming and self.editor.text != self.story.text:
            self.story.edit(self.editor.text)
            self.editor.show_marks(model_ranges(self.story))
            self.touch()

    def show_story(self) -> None:
        """Bring the page to where the story is."""
        self.editor.show_text(self.story.text, model_ranges(self.story))
        self.touch()

    def touch(self) -> None:
        """Note that something changed that the file keeps."""
        self.saver.save_soon()
        self.context.read(self.story.text, self.manuscript.asides)
        self.status.refresh_aside()
        self.notes.show(self.story)

    def cursor_moved(self) -> None:
        """Say who wrote what is before the cursor now."""
        if not self.editor.streaming:
            self.status.refresh_aside()

    def move_cursor_to(self, offset: int, center: bool = False) -> None:
        """Put the cursor before the character ``offset``."""
        self.editor.move_cursor(self.editor.location_of(offset), center=center)

    def move_cursor_to_end(self) -> None:
        """Put the cursor behind the last character."""
        self.editor.move_cursor(self.editor.document.end)

    # -- changes --

    def rewrite(self, text: str) -> None:
        """Make the whole story ``text``, as one step back."""
        self.story.edit(text)
        self.show_story()

    def replace(self, edits: Sequence[tuple[int, int, str]]) -> None:
        """Make ``edits``, (start, end, new text) in order, as one step back."""
        self.sync()
        self.story.edit_many(edits)
        self.show_story()

    def undo(self) -> None:
        """Take the last change back."""
        self.sync()
        if self.story.undo():
            self.show_story()
            self.status.say("Undone.", "calm", "ctrl+y redoes it.")
        else:
            self.status.say("There is nothing to undo.", "calm")

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        self.sync()
        if self.story.redo():
            self.show_story()
            self.status.say("Redone.", "calm")
        else:
            self.status.say("There is nothing to redo.", "calm")
