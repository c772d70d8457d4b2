"""A story on a page, kept: every change goes into the Story at once and onto the disk a moment later.

The part of the bench that needs no model. Undo and redo are the story's own, for they must know takes and hands, too.
"""

from __future__ import annotations

from time import monotonic

from textual import on, work
from textual.widgets import TextArea

from kobold_modules.errors import KoboldModulesError
from kobold_modules.stories.story import Story

from ...rendering.frames import PromptScreen
from ...state.app_state import AppState
from ...state.authorship import hand_at, model_ranges
from ...state.phrases import counted
from ...state.save_errors import reason
from ...widgets.panel import Panel
from ...widgets.status_line import Mood, Status, StatusLine
from ...widgets.writing.context_panel import ContextPanel
from ...widgets.writing.editor import Editor
from ...writing.manuscript import Manuscript


SAVE_AFTER, SAVE_AGAIN, TICK = 1.0, 10.0, 0.2  # seconds
SAVE_HINT = "ctrl+s saves it elsewhere; meanwhile you can write on."
NEVER = float("inf")


class PageScreen(PromptScreen[None]):
    """See the module."""

    writing = False

    def __init__(self, app_state: AppState, manuscript: Manuscript) -> None:
        super().__init__()
        self.app_state = app_state
        self.manuscript = manuscript
        # Kept, not queried: a take that is cut short by the app's end is still put into the story.
        self.editor = Editor(self.story.text, placeholder="Write a first sentence here, then press ctrl+j …")
        self.status_line = StatusLine()
        self.page = Panel("Story", "page")
        self.context = ContextPanel(app_state)
        self._words_of: str | None = None
        self._save_due = NEVER
        self._saved = True

    @property
    def story(self) -> Story:
        return self.manuscript.story

    def on_mount(self) -> None:
        self.editor.show_marks(model_ranges(self.story))
        self.editor.move_cursor(self.editor.document.end)
        self.page.set_titles(self.story.title or "Story")
        self.context.read(self.story.text, self.manuscript.asides)
        self.set_interval(TICK, self.tick)

    # -- saying --

    def say(self, text: str, mood: Mood = "calm", hint: str = "", about: str = "") -> None:
        """Put a sentence on the status line."""
        self.status_line.status = Status(text, mood, hint, self._aside(), about)

    def say_error(self, error: KoboldModulesError | OSError) -> None:
        """Show the sentence of what went wrong."""
        if isinstance(error, KoboldModulesError):
            self.say(error.message, "error", error.hint)
        else:
            self.say(f"{error.strerror or error}: {error.filename}", "error")

    @property
    def cursor(self) -> int:
        """The character of the story before which the cursor stands."""
        return self.editor.offset_of(self.editor.cursor_location)

    def _aside(self) -> str:
        at = self.cursor
        unseen = "outside the model's context" if at < self.editor.unseen else ""
        return unseen or hand_at(self.story, at)

    def refresh_aside(self) -> None:
        self.status_line.status = self.status_line.status._replace(aside=self._aside())

    def tick(self) -> None:
        """Do what need not happen with every key: saving, counting words."""
        if monotonic() >= self._save_due and not self.editor.streaming:  # a take on its way has an autosave of its own
            self._save_due = NEVER
            self._save()
        if self._words_of is not self.story.text:  # counting words costs milliseconds in a novel: not for every key
            self._words_of = self.story.text
            words = counted(self.story.word_count, "word")
            self.page.set_titles(note=words if self._saved else f"{words} · not saved")
        self.editor.show_unseen(self.context.unseen)

    def _show_saved(self, saved: bool) -> None:
        """Say beside the count of words where the story is not on the disk, for as long as it is not."""
        if saved == self._saved:
            return
        self._saved, self._words_of = saved, None
        if saved:
            self.say("The story is saved again.", "good")

    # -- the page --

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
        self._save_due = min(self._save_due, monotonic() + SAVE_AFTER)
        self.context.read(self.story.text, self.manuscript.asides)
        self.refresh_aside()

    @on(TextArea.Changed)
    def _page_changed(self) -> None:
        self.sync()

    @on(TextArea.SelectionChanged)
    def _cursor_moved(self) -> None:
        if not self.editor.streaming:
            self.refresh_aside()

    # -- steps back --

    def action_undo(self) -> None:
        self.sync()
        if self.story.undo():
            self.show_story()
            self.say("Undone.", "calm", "ctrl+y redoes it.")
        else:
            self.say("There is nothing to undo.", "calm")

    def action_redo(self) -> None:
        self.sync()
        if not self.writing and self.story.redo():
            self.show_story()
            self.say("Redone.", "calm")
        elif not self.writing:
            self.say("There is nothing to redo.", "calm")

    # -- keeping --

    @work(group="save")
    async def _save(self) -> None:
        await self.keep()

    async def keep(self) -> bool:
        """Save now, without holding up the screen. Says so where it cannot be."""
        try:
            moved = await self.manuscript.keep()
        except OSError as error:
            self._save_due = monotonic() + SAVE_AGAIN
            self._show_saved(False)
            why = reason(error, self.manuscript.path)
            self.say(f"The story is not saved: {why.text}.", "error", f"{why.hint} {SAVE_HINT}".strip())
            return False
        self._show_saved(True)
        if moved:
            self.say(moved, "warning", "F7 shows all stories.")
        return True
