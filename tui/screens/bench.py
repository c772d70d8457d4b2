"""The bench: a page to write on, and a model that goes on from its end through whatever stack is in use.

The screen owns the Story: every change of the page goes into it at once, takes go into it, undo and retry are its own.
While the model writes, the page takes no keys; the first one typed stops the model and lands where the cursor is.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from time import monotonic
from typing import ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import TextArea

from kobold_modules.records import Failed, Note, Piece, Written
from kobold_modules.story import Story, Take
from kobold_modules.worker.jobs import Generate

from ..authorship import hand_at, model_ranges
from ..desk import Desk, ModelState, Picks
from ..manuscript import Manuscript
from ..pace import Pace
from ..phrases import counted
from ..widgets.context_panel import ContextPanel
from ..widgets.editor import Editor
from ..widgets.key_bar import KeyBar
from ..widgets.panel import Panel
from ..widgets.sampler_panel import SamplerPanel
from ..widgets.stack_panel import StackPanel
from ..widgets.status_line import Mood, Status, StatusLine
from ..widgets.top_bar import TopBar


SAVE_AFTER, TICK = 1.0, 0.2
NEVER = float("inf")
Next = Literal["", "retry", "undo"]


def _key(key: str, action: str, name: str, tooltip: str, show: bool = True) -> Binding:
    """A key that works whatever has the focus on the bench."""
    return Binding(key, action, name, id=f"bench.{action}", tooltip=tooltip, show=show, priority=True)


class BenchScreen(Screen[None]):
    """See the module."""

    CSS_PATH = "bench.tcss"
    AUTO_FOCUS = "Editor"
    BINDING_GROUP_TITLE = "Bench"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("ctrl+j", "continue", "Continue", "Let the model go on from the end"),
        Binding("escape", "stop", "Stop", id="bench.stop", tooltip="Stop the model and keep what it wrote"),
        _key("ctrl+r", "retry", "Retry", "Another take instead of the last one"),
        _key("ctrl+z,super+z", "undo", "Undo", "One step back, be it words or a take"),
        Binding("ctrl+t", "app.pick_module", "Add module", id="stack.add", priority=True),
        _key("ctrl+y,super+y", "redo", "Redo", "One step forward again", show=False),
        _key("ctrl+l", "hold_seed", "Hold the seed", "Repeat the last take's dice, or roll again", show=False),
        _key("ctrl+g", "next_preset", "Next preset", "Another way of choosing words", show=False),
    ]

    def __init__(self, desk: Desk, manuscript: Manuscript, greeting: str = "") -> None:
        super().__init__()
        self.desk = desk
        self.manuscript = manuscript
        self.greeting = greeting
        # Kept, not queried: a take that is cut short by the app's end is still put into the story.
        self.editor = Editor(self.story.text, placeholder="Write a first sentence here, then press ctrl+j …")
        self.sampler = SamplerPanel(manuscript.choice)
        self.status_line = StatusLine()
        self.page = Panel("Story", "page")
        self.context = ContextPanel(desk)
        self.writing = self._stopping = False
        self._next: Next = ""
        self._pace = Pace()
        self._label = ""
        self._before: Take | None = None
        self._words_of: str | None = None
        self._save_due = NEVER

    @property
    def story(self) -> Story:
        return self.manuscript.story

    def compose(self) -> ComposeResult:
        yield TopBar(self.desk, "bench")
        with Container(id="body"):
            with self.page:
                yield self.editor
            with Vertical(id="side"):
                yield StackPanel(self.desk)
                yield self.sampler
                yield self.context
        yield self.status_line
        yield KeyBar()

    def on_mount(self) -> None:
        self.editor.show_marks(model_ranges(self.story))
        self.editor.move_cursor(self.editor.document.end)
        self.manuscript.stack = self.desk.picks.to_list()
        self.desk.stack_changed.subscribe(self, self._stack_changed)
        self.desk.model_changed.subscribe(self, self._model_changed)
        self.say(self.greeting or "The story is empty.", "calm")
        self.context.set_kept(self.sampler.choice.length)
        self.context.read(self.story.text)
        self._model_changed(self.desk.model)
        self.set_interval(TICK, self._tick)

    # -- saying --

    def say(self, text: str, mood: Mood = "calm", hint: str = "") -> None:
        """Put a sentence on the status line."""
        self.status_line.status = Status(text, mood, hint, self._aside())

    def _aside(self) -> str:
        return hand_at(self.story, self.editor.offset_of(self.editor.cursor_location))

    def _refresh_aside(self) -> None:
        self.status_line.status = replace(self.status_line.status, aside=self._aside())

    def _tick(self) -> None:
        """What need not happen with every key: saving, counting words, telling how fast the model writes."""
        if monotonic() >= self._save_due:
            self._save_due = NEVER
            self._save()
        if self._words_of is not self.story.text:  # counting words costs milliseconds in a novel: not for every key
            self._words_of = self.story.text
            self.page.set_titles(note=counted(self.story.word_count, "word"))
        if self.writing and self.editor.streaming and not self._stopping:
            self.say(self._pace.sentence(), "busy", "esc stops it.")
            self.context.add(self._pace.tokens)

    # -- the page --

    def _sync(self) -> None:
        """Bring what was typed into the story."""
        if not self.editor.streaming and self.editor.text != self.story.text:
            self.story.edit(self.editor.text)
            self.editor.show_marks(model_ranges(self.story))
            self._touch()

    def _show_story(self) -> None:
        self.editor.show_text(self.story.text, model_ranges(self.story))
        self._touch()

    def _touch(self) -> None:
        """Something changed that the file keeps."""
        self._save_due = min(self._save_due, monotonic() + SAVE_AFTER)
        self.context.read(self.story.text)
        self._refresh_aside()

    @on(TextArea.Changed)
    def _page_changed(self) -> None:
        self._sync()

    @on(TextArea.SelectionChanged)
    def _cursor_moved(self) -> None:
        if not self.editor.streaming:
            self._refresh_aside()

    @on(Editor.TookOver)
    def _took_over(self) -> None:
        self.action_stop()

    # -- the model --

    def action_continue(self) -> None:
        if not self.writing:
            self._sync()
            self._start(None)

    def action_retry(self) -> None:
        if self.writing:
            self._next = "retry"
            self.action_stop()
            return
        self._sync()
        if not self.story.can_retry:
            self.say("There is no take at the end of the story to retry.", "warning", "ctrl+j writes one.")
            return
        take = self.story.takes[-1]
        self.story.retry()
        self._show_story()
        self._start(take)

    def action_stop(self) -> None:
        if not self.writing:
            return
        if self.editor.streaming:
            self._stopping = True
            self.say("Stopping …", "busy")
            self.desk.client.cancel()
        else:
            self.workers.cancel_group(self, "write")
            self.commit(None)
            self.say("Not waiting for the model any more.", "calm")

    def _start(self, before: Take | None) -> None:
        """Let the model go on from the end; ``before`` is the take this one is to replace."""
        self._before, self._stopping = before, False
        self._set_writing(True)
        self._write()

    @work(exclusive=True, group="write")
    async def _write(self) -> None:
        ended: Written | Failed | None = None
        try:
            if not await self._ready():
                return
            picks, choice = self.desk.picks, self.sampler.choice
            self._label = picks.label
            self._pace.start(choice.length)
            self._sync()
            self.editor.begin()
            self.say("Reading …", "busy", "esc stops it.")
            stack = tuple(pick.item for pick in picks.items if pick.active)
            async for record in self.desk.client.run(
                Generate(self.story.text, stack, choice.length, asdict(choice.sampler))
            ):
                match record:
                    case Piece():
                        self._pace.count()
                        self.editor.feed(record.text)
                        if self._stopping:  # asked while an earlier job was running: it was that one which stopped
                            self.desk.client.cancel()
                    case Note():
                        self.say(record.text, "warning")
                    case Written() | Failed():
                        ended = record
        finally:
            self.commit(ended)
        after, self._next = self._next, ""
        if after == "retry":
            self.call_next(self.action_retry)
        elif after == "undo":
            self.call_next(self.action_undo)

    async def _ready(self) -> bool:
        """Whether the model is loaded and everything in the stack may stand before it; says so where not."""
        if self.desk.model.phase != "ready":
            self.say("The model is still loading; it writes as soon as it is there.", "busy", "esc calls it off.")
            model = await self.desk.load()
            if model.failed is not None:
                self.say(model.failed.message, "error", model.failed.hint)
                return False
        for pick in self.desk.picks.items:
            fits, sentence, _ = self.desk.fit(pick.entry)
            if pick.active and not fits:
                self.say(sentence, "error", "Switch it off in the stack, or load its model.")
                return False
        if not self.story.text.strip() and not self.desk.picks.tokens:
            self.say("There is nothing to go on from yet.", "warning", "Write a first sentence, or add a module.")
            return False
        return True

    def commit(self, ended: Written | Failed | None) -> None:
        """Put the take into the story, however it ended: what was written stays, a retry that got nowhere gives the
        old take back. A second call finds nothing to do.
        """
        streamed, before, self._before = self.editor.finish(), self._before, None
        seed = ended.seed if isinstance(ended, Written) else None
        self.story.append_take(streamed, self._label, seed)
        if before is not None and not streamed:
            self.story.undo()
            self._show_story()
        self.editor.show_marks(model_ranges(self.story))
        self.editor.land_typed()
        if self.writing:
            self._set_writing(False)
            self._tell_end(ended, streamed, before)
        self._touch()

    def _tell_end(self, ended: Written | Failed | None, streamed: str, before: Take | None) -> None:
        if isinstance(ended, Failed):
            self.say(ended.message, "error", ended.hint)
        elif isinstance(ended, Written):
            self.sampler.show_rolled(ended.seed)
            if before is not None and streamed == before.text and streamed:
                self.say(
                    "The same words again: same dice, same stack.",
                    "warning",
                    "Change one, or let the seed go (ctrl+l).",
                )
            else:
                self.say(self._pace.end(ended), "good" if ended.reason != "cancelled" else "calm")

    def _set_writing(self, writing: bool) -> None:
        self.writing = writing
        self.context.set_writing(writing)
        self.set_class(writing, "-writing")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "continue":
            return not self.writing
        if action == "stop":
            return self.writing
        return True

    # -- steps back --

    def action_undo(self) -> None:
        if self.writing:
            self._next = "undo"
            self.action_stop()
            return
        self._sync()
        if self.story.undo():
            self._show_story()
            self.say("One step back.", "calm", "ctrl+y goes forward again.")
        else:
            self.say("There is nothing to undo.", "calm")

    def action_redo(self) -> None:
        self._sync()
        if not self.writing and self.story.redo():
            self._show_story()
            self.say("One step forward.", "calm")
        elif not self.writing:
            self.say("There is nothing to redo.", "calm")

    # -- the sampler, the meter --

    def action_hold_seed(self) -> None:
        held = self.sampler.hold()
        seed = self.sampler.rolled
        self.say(f"Seed {seed} is held for every take." if held else "Each take rolls its own dice.", "calm")

    def action_next_preset(self) -> None:
        self.sampler.next_preset()

    @on(SamplerPanel.Changed)
    def _sampler_changed(self, event: SamplerPanel.Changed) -> None:
        self.manuscript.choice = event.choice
        self.context.set_kept(event.choice.length)
        self._touch()

    def _stack_changed(self, picks: Picks) -> None:
        self.manuscript.stack = picks.to_list()
        self._touch()

    def _model_changed(self, model: ModelState) -> None:
        if model.failed is not None and not self.writing:
            self.say(model.failed.message, "error", model.failed.hint)

    # -- keeping --

    @work(group="save")
    async def _save(self) -> None:
        try:
            await self.manuscript.keep()
        except OSError as error:
            self.say(f"The story could not be saved: {error.strerror}.", "error", "Free some room; typing tries again.")

    def put_down(self) -> None:
        """Before the app closes: whatever is on the page goes into the story."""
        if self.is_mounted:
            if self.editor.streaming:
                self.commit(None)
            self._sync()
