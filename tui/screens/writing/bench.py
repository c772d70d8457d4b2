"""The bench: a page to write on, and a model that goes on from its end through whatever stack is in use.

It shows what that stack does: takes side by side, the words that could come next, the passage word by word.

The screen lays its parts out and hands keys and messages to them; each does one thing:
``page`` the story and its editor, ``saver`` its file, ``writer`` the model's takes, ``actions`` what is done with this
story, ``opener`` other stories, ``views`` what the stack does to it, ``light`` which modules speak.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import TextArea

from kobold_modules.stories.story import Story

from ...rendering.frames import PromptScreen
from ...state.app_state import AppState, ModelState
from ...state.entry_stack import EntryStack
from ...widgets.key_bar import KeyBar
from ...widgets.status_line import Mood, StatusLine
from ...widgets.top_bar import TopBar
from ...widgets.writing.editor import Editor
from ...widgets.writing.sampler_panel import SamplerPanel
from ...widgets.writing.stack_panel import StackPanel
from ...writing.manuscript import Manuscript
from .page import Page
from .speaking_light import SpeakingLight
from .stack_views import StackViews
from .story_actions import StoryActions
from .story_opener import StoryOpener
from .story_saver import StorySaver
from .take_writer import TakeWriter


TICK = 0.2  # seconds


def _key(key: str, action: str, name: str, tooltip: str, show: bool = True, id: str = "") -> Binding:
    """Return a key that works whatever has the focus on the bench."""
    return Binding(key, action, name, id=f"bench.{id or action}", tooltip=tooltip, show=show, priority=True)


class BenchScreen(PromptScreen[None]):
    """See the module."""

    CSS_PATH = "bench.tcss"
    AUTO_FOCUS = "Editor"
    BINDING_GROUP_TITLE = "Bench"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("ctrl+j", "continue", "Continue", "Have the model continue the story from its end"),
        Binding("escape", "stop", "Stop", id="bench.stop", tooltip="Stop the model; what it wrote stays"),
        _key("ctrl+r", "retry", "Retry", "Replace the last take with a new one"),
        _key("ctrl+b", "takes", "Takes", "Compare takes side by side: without a module, with one, with all"),
        _key("ctrl+n", "next_words", "Next words", "Show the words that could come next at the cursor", id="peek"),
        _key(
            "ctrl+z,super+z", "undo", "Undo", "Undo the last change, whether typed or written by the model", show=False
        ),
        _key("ctrl+y,super+y", "redo", "Redo", "Redo the last change that was undone", show=False),
        Binding(
            "ctrl+t",
            "app.pick_module",
            "Add module",
            id="stack.add",
            tooltip="Add a module to the stack by its name",
            priority=True,
            show=False,
        ),
        _key(
            "ctrl+l",
            "hold_seed",
            "Lock seed",
            "Use the last take's seed for every take, or a new one each time",
            show=False,
        ),
        _key("ctrl+g", "next_preset", "Next preset", "Change how the model chooses words", show=False),
        _key("ctrl+s", "save", "Save", "Save the story; a new one is given a name first", show=False),
        _key("ctrl+f", "find", "Find and replace", "Find and replace words in the whole story", show=False),
        _key("ctrl+d", "outline", "Go to a chapter", "List chapters and scenes and go to one", show=False),
        _key(
            "f6",
            "notes",
            "Memory, note, lore",
            "Edit memory, author's note and lorebooks, sent with every request",
            show=False,
        ),
        _key("f7", "stories", "Stories", "Open, start or delete a story", show=False),
        _key("f8", "outside", "Open in $EDITOR", "Edit the story in your own editor", show=False),
        _key(
            "f9", "reroll", "Continue from cursor", "Cut the text after the cursor and continue from there", show=False
        ),
        _key(
            "f10",
            "voice",
            "Highlight the stack's words",
            "Mark words that the stack makes more or less likely",
            show=False,
        ),
        _key("f11", "dice", "Several takes", "Write several takes with the same stack and different seeds", show=False),
        _key(
            "ctrl+underscore", "export", "Export story", "Write it as text, Markdown or for KoboldAI Lite", show=False
        ),
        _key("f12", "import_story", "Open file", "Open a text or a KoboldAI Lite story", show=False),
        _key("shift+f7", "new_story", "New story", "Save this one and start another", show=False),
        _key("shift+f2", "name_story", "Rename story", "Give this story a title", show=False),
    ]

    def __init__(self, app_state: AppState, manuscript: Manuscript, greeting: str = "") -> None:
        super().__init__()
        self.app_state = app_state
        self.manuscript = manuscript
        self.greeting = greeting
        self.sampler = SamplerPanel(manuscript.choice)
        self.status_line = StatusLine(lambda: self.page.author_at_cursor)
        self.saver = StorySaver(self, manuscript, self.status_line)
        self.page = Page(app_state, manuscript, self.saver, self.status_line)
        self.writer = TakeWriter(self, app_state, self.page, self.sampler, self.status_line)
        self.actions = StoryActions(self, self.page, self.writer, self.status_line)
        self.opener = StoryOpener(self, app_state, self.page, self.writer, self.status_line)
        self.views = StackViews(self, app_state, self.page, self.writer, self.status_line)
        self.light = SpeakingLight(self, app_state, self.page, self.writer)

    def compose(self) -> ComposeResult:
        yield TopBar(self.app_state, "bench")
        with Container(id="body"):
            with self.page.panel:
                yield self.page.editor
            with Vertical(id="side"):
                yield StackPanel(self.app_state)
                yield self.sampler
                yield self.page.context
                yield self.page.notes
        yield self.status_line
        yield KeyBar()

    def on_mount(self) -> None:
        self.manuscript.stack = self.app_state.stack.slugs()
        self.app_state.stack_changed.subscribe(self, self._stack_changed)
        self.app_state.model_changed.subscribe(self, self._model_changed)
        self.say(self.greeting or "The story is empty.", "calm")
        self.page.context.set_kept(self.sampler.choice.length)
        self._model_changed(self.app_state.model)
        self.page.open()
        self.set_interval(TICK, self._tick)

    def _tick(self) -> None:
        self.page.tick()
        self.writer.tick()
        self.light.tick()

    def on_screen_resume(self) -> None:
        """Go to the page after a question or another place, for who comes back writes.

        Letters mean other things in the panes beside it; who wants to be there goes there.
        """
        if self.focused is not None and self.focused is not self.editor:
            self.editor.focus()

    # -- what others ask of the bench --

    @property
    def story(self) -> Story:
        """Return the story on the page."""
        return self.page.story

    @property
    def editor(self) -> Editor:
        """Return where it is written."""
        return self.page.editor

    @property
    def writing(self) -> bool:
        """Return whether the model is writing."""
        return self.writer.writing

    def say(self, text: str, mood: Mood = "calm", hint: str = "", about: str = "") -> None:
        """Put a sentence on the status line."""
        self.status_line.say(text, mood, hint, about)

    def open_file(self, path: Path) -> None:
        """Put a copy of the story or text at ``path`` on the bench."""
        self.opener.open_copy(path)

    @property
    def unfinished_work(self) -> str:
        """Return what quitting should ask about first."""
        busy = self.writing or self.views.comparing
        return "The model is still writing. What it has written so far is kept." if busy else ""

    def keep_work(self) -> None:
        """Put whatever is on the page into the story, before the app closes."""
        if self.is_mounted:
            self.writer.keep_work()

    # -- messages --

    @on(TextArea.Changed)
    def _page_changed(self) -> None:
        self.page.sync()

    @on(TextArea.SelectionChanged)
    def _cursor_moved(self) -> None:
        self.page.cursor_moved()

    @on(Editor.TookOver)
    def _took_over(self) -> None:
        self.writer.stop()

    @on(SamplerPanel.Changed)
    def _sampler_changed(self, event: SamplerPanel.Changed) -> None:
        self.manuscript.choice = event.choice
        self.page.context.set_kept(event.choice.length)
        self.page.touch()

    def _stack_changed(self, stack: EntryStack) -> None:
        self.manuscript.stack = stack.slugs()
        self.page.touch()

    def _model_changed(self, model: ModelState) -> None:
        if model.phase == "ready":
            self.status_line.settle("model")
        if model.failed is not None and not self.writing:
            self.say(model.failed.message, "error", model.failed.hint, "model")

    # -- keys: each is one call to the part that does it --

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "continue":
            return not self.writing
        return self.writing if action == "stop" else True

    def action_continue(self) -> None:
        self.writer.continue_story()

    def action_reroll(self) -> None:
        self.writer.continue_from_cursor()

    def action_retry(self) -> None:
        self.writer.retry()

    def action_stop(self) -> None:
        self.writer.stop()

    def action_undo(self) -> None:
        self.writer.undo()

    def action_redo(self) -> None:
        if not self.writing:
            self.page.redo()

    def action_takes(self) -> None:
        self.views.compare_takes("stacks")

    def action_dice(self) -> None:
        self.views.compare_takes("dice")

    def action_next_words(self) -> None:
        self.views.next_words()

    def action_voice(self) -> None:
        self.views.highlight()

    def action_save(self) -> None:
        self.actions.save()

    def action_name_story(self) -> None:
        self.actions.rename()

    def action_notes(self) -> None:
        self.actions.edit_notes()

    def action_outside(self) -> None:
        self.actions.open_in_editor()

    def action_export(self) -> None:
        self.actions.export()

    def action_find(self) -> None:
        self.actions.find()

    def action_outline(self) -> None:
        self.actions.show_outline()

    def action_stories(self) -> None:
        self.opener.choose()

    def action_new_story(self) -> None:
        self.opener.new()

    def action_import_story(self) -> None:
        self.opener.ask_for_file()

    def action_hold_seed(self) -> None:
        self.writer.settle()  # the seed of a take that has just ended
        held = self.sampler.hold()
        seed = self.sampler.rolled
        self.say(f"Seed {seed} is locked: every take uses it." if held else "Each take uses a new seed.", "calm")

    def action_next_preset(self) -> None:
        self.sampler.next_preset()
