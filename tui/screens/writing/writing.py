"""The model writes at the end of the page: continue, stop, retry, and what happens to a take however it ended.

While the model writes, the page takes no keys; the first one typed stops the model and lands where the cursor is.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from textual import on, work

from kobold_modules.records import Failed, Finished, Note, TextChunk
from kobold_modules.stories.story import Take
from kobold_modules.worker.messages import Generate

from ...rendering.frames import answered
from ...state.app_state import AppState
from ...state.authorship import model_ranges
from ...widgets.writing.editor import Editor
from ...widgets.writing.sampler_panel import SamplerPanel
from ...writing.manuscript import Manuscript
from ...writing.pace import Pace
from .page import PageScreen


Next = Literal["", "retry", "undo"]
SENTENCE = 2 / 60  # seconds that the sentence at a take's end has for itself


class WritingScreen(PageScreen):
    """See the module."""

    def __init__(self, app_state: AppState, manuscript: Manuscript) -> None:
        super().__init__(app_state, manuscript)
        self.sampler = SamplerPanel(manuscript.choice)
        self.editor.on_flush = manuscript.take_grows
        self._stopping = False
        self._next: Next = ""
        self._pace = Pace()
        self._label = ""
        self._before: Take | None = None
        self._rolled: int | None = None
        self._unsettled = False

    def tick(self) -> None:
        super().tick()
        if self.writing and self.editor.streaming and not self._stopping:
            self.say(self._pace.sentence(), "busy", "esc stops it.")
            self.context.add(self._pace.tokens)

    @on(Editor.TookOver)
    def _took_over(self) -> None:
        self.action_stop()

    # -- what is asked --

    def action_continue(self) -> None:
        if not self.writing:
            self.sync()
            self.go_on(None)

    def action_retry(self) -> None:
        if self.writing:
            self._next = "retry"
            self.action_stop()
            return
        self._settle()
        self.sync()
        if not self.story.can_retry:
            self.say(
                "The story does not end with a take, so there is nothing to retry.", "warning", "ctrl+j writes one."
            )
            return
        take = self.story.takes[-1]
        self.story.retry()
        self.show_story()
        self.go_on(take)

    def action_stop(self) -> None:
        if not self.writing:
            return
        if self.editor.streaming:
            self._stopping = True
            self.say("Stopping …", "busy")
            self.app_state.client.cancel()
        else:
            self.workers.cancel_group(self, "write")
            self.commit(None)
            self.say("Cancelled.", "calm")

    def action_undo(self) -> None:
        if self.writing:
            self._next = "undo"
            self.action_stop()
        else:
            self._settle()
            super().action_undo()

    # -- what is done --

    def go_on(self, before: Take | None = None) -> None:
        """Let the model go on from the end; ``before`` is the take this one is to replace."""
        self._settle()
        self._before, self._stopping = before, False
        self.editor.move_cursor(self.editor.document.end)  # where it is written is where one looks
        self.writing = True
        self._show_writing()
        self._write()

    @work(exclusive=True, group="write")
    async def _write(self) -> None:
        ended: Finished | Failed | None = None
        try:
            if not await self.ready():
                return
            self.sync()
            if self.story.dirty:
                await self.keep()  # where it cannot be, it says so, and the model writes all the same
            picks, choice = self.app_state.picks, self.sampler.choice
            self._label = picks.label
            self._pace.start(choice.length)
            self.sync()
            self.manuscript.take_begins(self._label)
            self.editor.begin()
            self.say("Reading …", "busy", "esc stops it.")
            stack = tuple(pick.item for pick in picks.items if pick.active)
            sampler, asides = asdict(choice.sampler), self.manuscript.asides
            async for record in self.app_state.client.run(
                Generate(self.story.text, stack, choice.length, sampler, **asides)
            ):
                match record:
                    case TextChunk():
                        self._pace.count()
                        self.editor.feed(record.text)
                        if self._stopping:  # asked while an earlier job was running: it was that one which stopped
                            self.app_state.client.cancel()
                    case Note():
                        self.say(record.text, "warning")
                    case Finished() | Failed():
                        ended = record
        finally:
            self.commit(ended)
        after, self._next = self._next, ""
        if after == "retry":
            self.call_next(self.action_retry)
        elif after == "undo":
            self.call_next(self.action_undo)

    async def ready(self) -> bool:
        """Return whether the model is loaded and everything in the stack may stand before it; says so where not."""
        if self.app_state.model.phase != "ready":
            self.say("The model is still loading; it writes as soon as it is ready.", "busy", "esc cancels.", "model")
            model = await self.app_state.load()
            if model.failed is not None:
                self.say(model.failed.message, "error", model.failed.hint, "model")
                return False
        for pick in self.app_state.picks.items:
            fits, sentence, _ = self.app_state.fit(pick.entry)
            if pick.active and not fits:
                self.say(sentence, "error", "Switch it off on the stack, or load its model.")
                return False
        if not (self.story.text.strip() or self.story.memory.strip() or self.app_state.picks.tokens):
            self.say("There is nothing to continue yet.", "warning", "Write a first sentence, or add a module.")
            return False
        return True

    def commit(self, ended: Finished | Failed | None) -> None:
        """Put the take into the story, however it ended.

        What was written stays, a retry that got nowhere gives the old take back. A second call finds nothing to do.
        """
        streamed, before, self._before = self.editor.finish(), self._before, None
        seed = ended.seed if isinstance(ended, Finished) else None
        self.story.append_take(streamed, self._label, seed)
        self.manuscript.take_ends()
        self.touch()
        if before is not None and not streamed:
            self.story.undo()
            self.show_story()
        if self.writing:
            self.writing = False
            self._tell_end(ended, streamed, before)
            if self._stopping:
                answered(self.app)
        self._rolled, self._unsettled = seed, True
        if self._next or self.editor.typed:
            self._settle()
        else:
            self.set_timer(SENTENCE, self._settle)

    def _settle(self) -> None:
        """Show once after a take what takes longer than the sentence that it has ended, which comes first."""
        if not self._unsettled:
            return
        self._unsettled = False
        if self._rolled is not None:
            self.sampler.show_rolled(self._rolled)
        self._show_writing()
        self.editor.give_back()
        self.editor.show_marks(model_ranges(self.story))

    def _tell_end(self, ended: Finished | Failed | None, streamed: str, before: Take | None) -> None:
        if isinstance(ended, Failed):
            self.say(ended.message, "error", ended.hint)
        elif isinstance(ended, Finished):
            self.context.saw(ended.left_out, len(self.story.text))
            if before is not None and streamed == before.text and streamed:
                self.say(
                    "The same text again: same seed, same stack.",
                    "warning",
                    "Change the stack, or unlock the seed (ctrl+l).",
                )
            else:
                self.say(self._pace.end(ended), "good" if ended.reason != "cancelled" else "calm")

    def _show_writing(self) -> None:
        self.context.set_writing(self.writing)
        self.page.set_class(self.writing, "-writing")  # not the screen: all that is on it would be styled anew
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "continue":
            return not self.writing
        if action == "stop":
            return self.writing
        return True

    def put_down(self) -> None:
        """Put whatever is on the page into the story before the app closes."""
        if self.is_mounted:
            if self.editor.streaming:
                self.commit(None)
            self._settle()
            self.sync()
