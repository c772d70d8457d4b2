"""Leaving the program: what is under way is asked about, and no word of the story is lost unasked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import App
from textual.screen import ModalScreen, Screen

from .places import Working
from .rendering.internals import screen_stacks
from .state.app_state import AppState
from .writing.manuscript import Manuscript


if TYPE_CHECKING:
    from .screens.writing.bench import BenchScreen

QUIT = "Quit now?"


class Quitting:
    """Ends ``app``.

    Args:
        app: what is left.
        app_state: whose stack is kept with the story.
        manuscript: the story that is saved.
        places: the screens that have been made so far, by place.
        end: ends the program; takes what is printed then.
    """

    def __init__(
        self,
        app: App[int],
        app_state: AppState,
        manuscript: Manuscript,
        places: Mapping[str, Screen[None]],
        end: Callable[[str], None],
    ) -> None:
        self.app, self.app_state, self.manuscript, self.places, self._end = app, app_state, manuscript, places, end

    def ask(self) -> None:
        """Leave at once, or ask first while there is work under way."""
        from .dialogs.ask import Confirm
        from .screens.unsaved import Unsaved

        if any(isinstance(screen, Unsaved) for screen in self.app.screen_stack):
            return  # it asks already, and a second ctrl+q is no answer where words would be lost
        if isinstance(self.app.screen, Confirm) and self.app.screen.question == QUIT:
            self._leave(True)  # asked once already: pressing it again is an answer
        elif isinstance(self.app.screen, Confirm):
            return
        elif under_way := self.under_way():
            self.app.push_screen(Confirm(QUIT, " ".join(under_way), "Quit", "Cancel"), self._leave)
        else:
            self._leave(True)

    def under_way(self) -> list[str]:
        """Return a sentence for each thing that is going on, and what becomes of it."""
        bench_first = sorted(self.places.items(), key=lambda item: item[0] != "bench")
        working = [screen for _, screen in bench_first if isinstance(screen, Working)]
        return [screen.unfinished_work for screen in (*working, *self._open_forms()) if screen.unfinished_work]

    def _open_forms(self) -> list[Working]:
        """Return the questions that stand open on any of the screens, with something written in them."""
        stacks = [screen for stack in screen_stacks(self.app).values() for screen in stack]
        return [screen for screen in stacks if isinstance(screen, ModalScreen) and isinstance(screen, Working)]

    def _leave(self, sure: bool | None) -> None:
        if not sure:
            return
        self.keep_story()
        try:
            message = self.manuscript.save()
        except OSError as error:
            from .screens.unsaved import Unsaved
            from .state.save_errors import reason

            why = reason(error, self.manuscript.path)
            if self.manuscript.unsaved:
                unsaved = Unsaved(self.manuscript, why, "Quit without saving")
                self.app.push_screen(unsaved, self._leave_unsaved)
                return
            message = f"Stack and settings of the bench are not saved: {why.text}."
        self._close(message)

    def _leave_unsaved(self, answer: Path | bool | None) -> None:
        if answer:
            self._close(f"The story is in {answer}." if isinstance(answer, Path) else "")

    def keep_story(self) -> None:
        """Put everything that belongs to the story into it."""
        for form in self._open_forms():
            form.keep_work()
        if (bench := self._bench) is not None:
            writing = bench.writing
            bench.keep_work()
            if writing:
                self.app_state.client.cancel()
        if not self.app_state.reading:
            self.manuscript.stack = self.app_state.stack.slugs()

    @property
    def _bench(self) -> BenchScreen | None:
        return cast("BenchScreen | None", self.places.get("bench"))

    def _close(self, message: str) -> None:
        for place, screen in self.places.items():
            if place != "bench" and isinstance(screen, Working):
                screen.keep_work()
        self._end(message)


def last_save(manuscript: Manuscript) -> str:
    """Save the story after whatever ended the app, here or wherever there is room. Return a sentence, or nothing."""
    try:
        return manuscript.save()
    except OSError as error:
        if not manuscript.unsaved:
            return ""
        from .state.save_errors import reason

        why = reason(error, manuscript.path).text
        rescued = manuscript.rescue()
        where = f"it is in {rescued}." if rescued else "and no other place could be written: it is lost."
        return f"The story could not be saved in its own place ({why}); {where}"
