"""The model writes at the end of the page: continue, stop, retry, and what happens to a take however it ended.

While the model writes, the page takes no keys; the first one typed stops the model and lands where the cursor is.
"""

from __future__ import annotations

from typing import Literal

from textual.screen import Screen

from kobold_modules.answers import LoreFound
from kobold_modules.records import Failed, Finished, Note, TextChunk
from kobold_modules.stories.story import Take
from kobold_modules.worker.messages import Generate

from ...rendering.frames import answered
from ...state.app_state import AppState
from ...state.authorship import model_ranges
from ...state.background import run_in_background
from ...state.phrases import counted
from ...widgets.status_line import StatusLine
from ...widgets.writing.sampler_panel import SamplerPanel
from ...writing.pace import Pace
from .page import Page


Next = Literal["", "retry", "undo"]
LOOKS = "look"  # the group of what only looks at the story: a take waits for none of it
SENTENCE = 2 / 60  # seconds that the sentence at a take's end has for itself


class TakeWriter:
    """Has the model write takes into the story of ``page``.

    Args:
        screen: runs the job beside itself; owns its timers.
        app_state: the model and the stack.
        page: where it is written.
        sampler: how words are chosen; shows the seed that was rolled.
        status: where it is said what happens.
    """

    def __init__(
        self, screen: Screen[None], app_state: AppState, page: Page, sampler: SamplerPanel, status: StatusLine
    ) -> None:
        self.screen, self.app_state, self.page, self.sampler, self.status = screen, app_state, page, sampler, status
        self.manuscript = page.manuscript
        self.writing = False
        page.editor.on_flush = self.manuscript.take_grows
        self._stopping = False
        self._next: Next = ""
        self._pace = Pace()
        self._label = ""
        self._before: Take | None = None
        self._rolled: int | None = None
        self._unsettled = False

    @property
    def settled(self) -> bool:
        """Whether all that a take's end shows has been shown; see :meth:`settle`."""
        return not self._unsettled

    def tick(self) -> None:
        """Say how fast it goes."""
        if self.writing and self.page.editor.streaming and not self._stopping:
            self.status.progress(self._pace.sentence(), "esc stops it.")
            self.page.context.add(self._pace.tokens)

    def page_is_free(self) -> bool:
        """Return whether the page is the writer's, with all that was typed in the story; say so where it is not."""
        if self.writing:
            self.status.say("The model is still writing.", "warning", "esc stops it.")
        else:
            self.page.sync()
        return not self.writing

    # -- what is asked --

    def continue_story(self) -> None:
        """Have the model write on from the end."""
        if not self.writing:
            self.page.sync()
            self.start()

    def continue_from_cursor(self) -> None:
        """Cut what follows the cursor and have the model write on from there."""
        if not self.page_is_free():
            return
        at, text = self.page.cursor, self.page.story.text
        cut = text[at:]
        if cut:
            self.page.rewrite(text[:at])
        self.start()
        if cut.strip():
            self.status.say(f"{counted(len(cut.split()), 'word')} cut.", "good", "Press ctrl+z twice to undo it.")

    def retry(self) -> None:
        """Replace the last take with a new one."""
        if self.writing:
            self._next = "retry"
            self.stop()
            return
        self.settle()
        self.page.sync()
        story = self.page.story
        if not story.can_retry:
            self.status.say(
                "The story does not end with a take, so there is nothing to retry.", "warning", "ctrl+j writes one."
            )
            return
        take = story.takes[-1]
        story.retry()
        self.page.show_story()
        self.start(take)

    def stop(self) -> None:
        """Stop the model; what it has written stays."""
        if not self.writing:
            return
        if self.page.editor.streaming:
            self._stopping = True
            self.status.say("Stopping …", "busy")
            self.app_state.client.cancel()
        else:
            self.screen.workers.cancel_group(self.screen, "write")
            self.commit(None)
            self.status.say("Cancelled.", "calm")

    def undo(self) -> None:
        """Undo the last change; while the model writes, stop it and undo what it has written."""
        if self.writing:
            self._next = "undo"
            self.stop()
        else:
            self.settle()
            self.page.undo()

    # -- what is done --

    def start(self, before: Take | None = None) -> None:
        """Write on from the end; ``before`` is the take this one is to replace."""
        self.settle()
        self.screen.workers.cancel_group(self.screen, LOOKS)
        self._before, self._stopping = before, False
        self.page.move_cursor_to_end()  # where it is written is where one looks
        self.writing = True
        self._show_writing()
        run_in_background(self.screen, self._write, "write", exclusive=True)

    async def _write(self) -> None:
        ended: Finished | Failed | None = None
        try:
            if not await self.ready():
                return
            self.page.sync()
            if self.page.story.dirty:
                await self.page.saver.save()  # where it cannot be, it says so, and the model writes all the same
            ended = await self._stream()
        finally:
            self.commit(ended)
        after, self._next = self._next, ""
        if after == "retry":
            self.screen.call_next(self.retry)
        elif after == "undo":
            self.screen.call_next(self.undo)

    async def _stream(self) -> Finished | Failed | None:
        """Run the job, and put what it writes on the page as it comes. Return how it ended, where it says so."""
        ended: Finished | Failed | None = None
        stack, choice = self.app_state.stack, self.sampler.choice
        self._label = stack.label
        self._pace.start(choice.length)
        self.page.sync()
        self.manuscript.take_begins(self._label)
        self.page.editor.begin()
        self.status.progress("Reading …", "esc stops it.")
        asides = self.manuscript.asides
        job = Generate(self.page.story.text, stack.paths(), choice.length, choice.sampler, **asides)
        async for record in self.app_state.client.run(job):
            match record:
                case TextChunk():
                    self._pace.count()
                    self.page.editor.feed(record.text)
                    if self._stopping:  # asked while an earlier job was running: it was that one which stopped
                        self.app_state.client.cancel()
                case LoreFound():
                    self.page.context.set_lore(record)
                case Note():
                    self.status.say(record.text, "warning")
                case Finished() | Failed():
                    ended = record
        return ended

    async def ready(self) -> bool:
        """Load the model if it is not. Return whether it can write with this stack; say so where it cannot."""
        state = self.app_state
        if state.model.phase != "ready":
            said = "The model is still loading; it writes as soon as it is ready."
            self.status.say(said, "busy", "esc cancels.", "model")
            model = await state.load()
            if model.failed is not None:
                self.status.say(model.failed.message, "error", model.failed.hint, "model")
                return False
        for layer in state.stack.layers:
            fits, sentence, _ = state.fit(layer.module)
            if layer.active and not fits:
                self.status.say(sentence, "error", "Switch it off on the stack, or load its model.")
                return False
        if not (self.page.story.text.strip() or self.page.story.memory.strip() or state.stack.tokens):
            said = "There is nothing to continue yet."
            self.status.say(said, "warning", "Write a first sentence, or add a module.")
            return False
        return True

    def commit(self, ended: Finished | Failed | None) -> None:
        """Put the take into the story, however it ended.

        What was written stays; a retry that got nowhere gives the old take back. A second call finds nothing to do.
        """
        streamed, before, self._before = self.page.editor.finish(), self._before, None
        seed = ended.seed if isinstance(ended, Finished) else None
        self.page.story.append_take(streamed, self._label, seed)
        self.manuscript.take_ends()
        self.page.touch()
        if before is not None and not streamed:
            self.page.story.undo()
            self.page.show_story()
        if self.writing:
            self.writing = False
            self._say_end(ended, streamed, before)
            if self._stopping:
                answered(self.screen.app)
        self._rolled, self._unsettled = seed, True
        if self._next or self.page.editor.typed:
            self.settle()
        else:
            self.screen.set_timer(SENTENCE, self.settle)

    def keep_work(self) -> None:
        """Put whatever is on the page into the story, before the app closes."""
        if self.page.editor.streaming:
            self.commit(None)
        self.settle()
        self.page.sync()

    def settle(self) -> None:
        """Show once after a take what takes longer than the sentence that it has ended, which comes first."""
        if not self._unsettled:
            return
        self._unsettled = False
        if self._rolled is not None:
            self.sampler.show_rolled(self._rolled)
        self._show_writing()
        self.page.editor.give_back()
        self.page.editor.show_marks(model_ranges(self.page.story))

    def _say_end(self, ended: Finished | Failed | None, streamed: str, before: Take | None) -> None:
        if isinstance(ended, Failed):
            self.status.say(ended.message, "error", ended.hint)
        elif isinstance(ended, Finished):
            self.page.context.saw(ended.left_out, len(self.page.story.text))
            if before is not None and streamed == before.text and streamed:
                self.status.say(
                    "The same text again: same seed, same stack.",
                    "warning",
                    "Change the stack, or unlock the seed (ctrl+l).",
                )
            else:
                self.status.say(self._pace.end(ended), "good" if ended.reason != "cancelled" else "calm")

    def _show_writing(self) -> None:
        self.page.context.set_writing(self.writing)
        self.page.panel.set_class(self.writing, "-writing")  # not the screen: all on it would be styled anew
        self.screen.refresh_bindings()
