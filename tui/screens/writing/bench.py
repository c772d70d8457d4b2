"""The bench: a page to write on, and a model that goes on from its end through whatever stack is in use.

It shows what that stack does: takes side by side, the words that could come next, the passage word by word.

The screen owns the Story: every change of the page goes into it at once, takes go into it, undo and retry are its own.
What is done where: ``page`` the text and its file, ``writing`` the model, ``keeping`` the story as a whole.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from ...dialogs.ask import Confirm
from ...state.app_state import AppState, ModelState, Picks
from ...state.authorship import CHOSEN
from ...state.phrases import counted
from ...widgets.key_bar import KeyBar
from ...widgets.top_bar import TopBar
from ...widgets.writing.notes_panel import NotesPanel
from ...widgets.writing.sampler_panel import SamplerPanel
from ...widgets.writing.stack_panel import StackPanel
from ...widgets.writing.voice import passage, say_voice, voice
from ...writing.comparison import Column, Lineup
from ...writing.manuscript import Manuscript
from .peek import PeekScreen, Words
from .story_actions import KeepingScreen
from .takes import TakesScreen


def _key(key: str, action: str, name: str, tooltip: str, show: bool = True) -> Binding:
    """Return a key that works whatever has the focus on the bench."""
    return Binding(key, action, name, id=f"bench.{action}", tooltip=tooltip, show=show, priority=True)


class BenchScreen(KeepingScreen):
    """See the module."""

    CSS_PATH = "bench.tcss"
    AUTO_FOCUS = "Editor"
    BINDING_GROUP_TITLE = "Bench"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("ctrl+j", "continue", "Continue", "Have the model continue the story from its end"),
        Binding("escape", "stop", "Stop", id="bench.stop", tooltip="Stop the model; what it wrote stays"),
        _key("ctrl+r", "retry", "Retry", "Replace the last take with a new one"),
        _key("ctrl+b", "takes", "Takes", "Compare takes side by side: without a module, with one, with all"),
        _key("ctrl+n", "peek", "Next words", "Show the words that could come next at the cursor"),
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
        _key("f6", "notes", "Memory and note", "Edit memory and author's note, sent with every request", show=False),
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
        super().__init__(app_state, manuscript)
        self.greeting = greeting
        self.notes = NotesPanel()

    def compose(self) -> ComposeResult:
        yield TopBar(self.app_state, "bench")
        with Container(id="body"):
            with self.page:
                yield self.editor
            with Vertical(id="side"):
                yield StackPanel(self.app_state)
                yield self.sampler
                yield self.context
                yield self.notes
        yield self.status_line
        yield KeyBar()

    def on_mount(self) -> None:
        self.manuscript.stack = self.app_state.picks.to_list()
        self.app_state.stack_changed.subscribe(self, self._stack_changed)
        self.app_state.model_changed.subscribe(self, self._model_changed)
        self.say(self.greeting or "The story is empty.", "calm")
        self.context.set_kept(self.sampler.choice.length)
        self._model_changed(self.app_state.model)
        self.notes.show(self.story)

    def on_screen_resume(self) -> None:
        """Focus the page on coming back from a question or another place, for who comes back writes.

        Letters mean other things in the panes beside it; who wants to be there goes there.
        """
        if self.focused is not None and self.focused is not self.editor:
            self.editor.focus()

    def touch(self) -> None:
        super().touch()
        self.notes.show(self.story)

    @property
    def in_hand(self) -> str:
        """What quitting should ask about first."""
        takes = any(isinstance(screen, TakesScreen) and screen.running for screen in self.app.screen_stack)
        return "The model is still writing. What it has written so far is kept." if self.writing or takes else ""

    # -- takes side by side --

    def action_takes(self) -> None:
        self._compare("stacks")

    def action_dice(self) -> None:
        self._compare("dice")

    @work(exclusive=True, group="look")
    async def _compare(self, lineup: Lineup) -> None:
        if not (self._idle() and await self.ready()):
            return
        if self.story.dirty:  # after a kill, takes come back only to the text they go on from: it is on the disk first
            await self.keep()
        self.app.push_screen(TakesScreen(self.app_state, self.manuscript, lineup), self._took)

    def _took(self, column: Column | None) -> None:
        self.touch()
        if column is None:
            self.say("The story is unchanged.", "calm", "ctrl+b shows the takes again.")
            return
        self.story.append_take(column.text, column.label, column.seed)
        self.sampler.show_rolled(column.seed)
        self.show_story()
        self.editor.move_cursor(self.editor.document.end)
        said = f"Inserted: {column.label}, seed {column.seed}."
        self.say(said, "good", "ctrl+z undoes it.")

    # -- a look at the next words --

    @work(exclusive=True, group="look")
    async def action_peek(self) -> None:
        if self._idle() and await self.ready():
            at = self.cursor
            screen = PeekScreen(self.app_state, self.story.text[:at], self.manuscript.asides)
            self.app.push_screen(screen, lambda words: self._peeked(at, words))

    def _peeked(self, at: int, words: Words | None) -> None:
        if words is None or not words.text:
            return
        rest = self.story.text[at:]
        if not rest.strip() or not words.go_on:
            self._put_in(at, words, rest)
            return
        take = self.story.takes[-1] if self.story.takes else None
        if take is not None and take.end == len(self.story.text) and take.start <= at:
            self._put_in(at, words, "")  # what follows is the last take's own end: rolled anew from here
            return
        question = f"{counted(len(rest.split()), 'word')} after the cursor will be cut. ctrl+z undoes it."
        self.app.push_screen(
            Confirm("Continue from here?", question, "Cut and continue", "Only insert"),
            lambda cut: self._put_in(at, words if cut else Words(words.text, False), "" if cut else rest),
        )

    def _put_in(self, at: int, words: Words, rest: str) -> None:
        """Put ``words`` at ``at``, before ``rest``; then go on from there, if that is wanted."""
        text = self.story.text
        if rest.strip():
            self.story.edit(text[:at] + words.text + rest)
        else:
            if len(text) > at:
                self.story.edit(text[:at])
            self.story.append_take(words.text, CHOSEN)
        self.show_story()
        self.editor.move_cursor(self.editor.location_of(at + len(words.text)))
        if words.go_on:
            self.go_on()
        else:
            self.say(f"Inserted: {words.text.strip() or 'white space'}", "good", "ctrl+z undoes it.")

    def action_reroll(self) -> None:
        """Cut what follows the cursor and go on from there."""
        if not self._idle():
            return
        at, text = self.cursor, self.story.text
        cut = text[at:]
        if cut:
            self.story.edit(text[:at])
            self.show_story()
        self.go_on()
        if cut.strip():
            self.say(f"{counted(len(cut.split()), 'word')} cut.", "busy", "Press ctrl+z twice to undo it.")

    # -- the passage, word by word --

    @work(exclusive=True, group="look")
    async def action_voice(self) -> None:
        """Mark the words of the passage at the cursor by what the stack does to them; again takes the marks away."""
        if self.editor.tinges:
            self.editor.show_tinges(())
            self.say("Highlighting is off.", "calm")
            return
        if not self._idle():
            return
        if not self.app_state.picks.tokens:
            self.say("The stack is empty, so there is nothing to highlight.", "warning", "ctrl+t adds a module.")
            return
        if not await self.ready():
            return
        start, end = passage(self.story.text, self.cursor)
        self.say("Reading the passage …", "busy")
        found = await voice(self.app_state, self.story.text[start:end])
        if isinstance(found, str):
            self.say(found, "error")
            return
        self.editor.show_tinges([(start + low, start + high, tinge) for low, high, tinge in found.tinges])
        self.say(*say_voice(found))

    # -- the sampler, the meter --

    def action_hold_seed(self) -> None:
        held = self.sampler.hold()
        seed = self.sampler.rolled
        self.say(f"Seed {seed} is locked: every take uses it." if held else "Each take uses a new seed.", "calm")

    def action_next_preset(self) -> None:
        self.sampler.next_preset()

    @on(SamplerPanel.Changed)
    def _sampler_changed(self, event: SamplerPanel.Changed) -> None:
        self.manuscript.choice = event.choice
        self.context.set_kept(event.choice.length)
        self.touch()

    def _stack_changed(self, picks: Picks) -> None:
        self.manuscript.stack = picks.to_list()
        self.touch()

    def _model_changed(self, model: ModelState) -> None:
        if model.phase == "ready":
            self.status_line.settle("model")
        if model.failed is not None and not self.writing:
            self.say(model.failed.message, "error", model.failed.hint, "model")
