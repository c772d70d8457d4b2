"""Ways to see what a stack does to the story: takes side by side, the words that could come next, a passage marked."""

from __future__ import annotations

from functools import partial

from textual.screen import Screen

from ...dialogs.ask import Confirm
from ...state.app_state import AppState
from ...state.authorship import CHOSEN
from ...state.background import run_in_background
from ...state.phrases import counted
from ...widgets.status_line import StatusLine
from ...widgets.writing.stack_effect import effect_sentence, measure_effect, passage
from ...writing.comparison import Column, Lineup
from .next_words import NextWordsScreen, Words
from .page import Page
from .take_writer import LOOKS, TakeWriter
from .takes import TakesScreen


class StackViews:
    """Opens the views over ``screen`` and puts what is chosen there into the story of ``page``.

    Args:
        screen: what the views are opened from.
        app_state: the model and the stack.
        page: whose story is looked at.
        writer: writes on behind words that were chosen.
        status: where it is said what came of it.
    """

    def __init__(
        self, screen: Screen[None], app_state: AppState, page: Page, writer: TakeWriter, status: StatusLine
    ) -> None:
        self.screen, self.app_state, self.page, self.writer, self.status = screen, app_state, page, writer, status

    # -- takes side by side --

    def compare_takes(self, lineup: Lineup) -> None:
        """Write takes side by side; the chosen one joins the story."""
        run_in_background(self.screen, partial(self._compare_takes, lineup), LOOKS, exclusive=True)

    async def _compare_takes(self, lineup: Lineup) -> None:
        if not (self.writer.page_is_free() and await self.writer.ready()):
            return
        if self.page.story.dirty:  # after a kill, takes come back only to the text they go on from: save it first
            await self.page.saver.save()
        self.screen.app.push_screen(TakesScreen(self.app_state, self.page.manuscript, lineup), self._insert_take)

    def _insert_take(self, column: Column | None) -> None:
        self.page.touch()
        if column is None:
            self.status.say("The story is unchanged.", "calm", "ctrl+b shows the takes again.")
            return
        self.page.story.append_take(column.text, column.label, column.seed)
        self.writer.sampler.show_rolled(column.seed)
        self.page.show_story()
        self.page.move_cursor_to_end()
        self.status.say(f"Inserted: {column.label}, seed {column.seed}.", "good", "ctrl+z undoes it.")

    @property
    def comparing(self) -> bool:
        """Whether takes are being written side by side."""
        return any(isinstance(screen, TakesScreen) and screen.running for screen in self.screen.app.screen_stack)

    # -- the next words --

    def next_words(self) -> None:
        """Show the words that could come next at the cursor; chosen ones join the story there."""
        run_in_background(self.screen, self._next_words, LOOKS, exclusive=True)

    async def _next_words(self) -> None:
        if self.writer.page_is_free() and await self.writer.ready():
            at = self.page.cursor
            screen = NextWordsScreen(self.app_state, self.page.story.text[:at], self.page.manuscript.asides)
            self.screen.app.push_screen(screen, lambda words: self._chosen(at, words))

    def _chosen(self, at: int, words: Words | None) -> None:
        if words is None or not words.text:
            return
        rest = self.page.story.text[at:]
        if not rest.strip() or not words.go_on:
            self._insert(at, words, rest)
            return
        take = self.page.story.takes[-1] if self.page.story.takes else None
        if take is not None and take.end == len(self.page.story.text) and take.start <= at:
            self._insert(at, words, "")  # what follows is the last take's own end: written anew from here
            return
        question = f"{counted(len(rest.split()), 'word')} after the cursor will be cut. ctrl+z undoes it."
        self.screen.app.push_screen(
            Confirm("Continue from here?", question, "Cut and continue", "Only insert"),
            lambda cut: self._insert(at, words if cut else Words(words.text, False), "" if cut else rest),
        )

    def _insert(self, at: int, words: Words, rest: str) -> None:
        """Put ``words`` at ``at``, before ``rest``; then write on from there, if that is wanted."""
        story, text = self.page.story, self.page.story.text
        if rest.strip():
            story.edit(text[:at] + words.text + rest)
        else:
            if len(text) > at:
                story.edit(text[:at])
            story.append_take(words.text, CHOSEN)
        self.page.show_story()
        self.page.move_cursor_to(at + len(words.text))
        if words.go_on:
            self.writer.start()
        else:
            self.status.say(f"Inserted: {words.text.strip() or 'white space'}", "good", "ctrl+z undoes it.")

    # -- the passage, word by word --

    def highlight(self) -> None:
        """Mark the words of the passage at the cursor by what the stack does to them; again takes the marks away."""
        run_in_background(self.screen, self._highlight, LOOKS, exclusive=True)

    async def _highlight(self) -> None:
        editor = self.page.editor
        if editor.tinges:
            editor.show_tinges(())
            self.status.say("Highlighting is off.", "calm")
            return
        if not self.writer.page_is_free():
            return
        if not self.app_state.stack.tokens:
            said = "The stack is empty, so there is nothing to highlight."
            self.status.say(said, "warning", "ctrl+t adds a module.")
            return
        if not await self.writer.ready():
            return
        start, end = passage(self.page.story.text, self.page.cursor)
        self.status.say("Reading the passage …", "busy")
        found = await measure_effect(self.app_state, self.page.story.text[start:end])
        if isinstance(found, str):
            self.status.say(found, "error")
            return
        editor.show_tinges([(start + low, start + high, tinge) for low, high, tinge in found.tinges])
        self.status.say(*effect_sentence(found))
