"""The model that belongs to the story on the bench: the one it was written with, unless another one was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .state.app_state import AppState, ModelState
from .writing.manuscript import Manuscript, WrittenWith


class StoryModel:
    """Sees to it that a story has its model, and remembers which one that is.

    Args:
        app_state: loads models.
        manuscript: the story.
        usual: the model for stories that were written with none, as the command line names it.
        wanted_by_stories: whether nobody asked for this very ``usual``: then a story has the one it was written with.
    """

    def __init__(self, app_state: AppState, manuscript: Manuscript, usual: str, wanted_by_stories: bool) -> None:
        self.app_state, self.manuscript = app_state, manuscript
        self.usual, self.wanted_by_stories = usual, wanted_by_stories
        self.problem = ""  # a sentence where the story's model is gone
        self._instead = ""  # the model that stands in for one that could not be loaded

    def want_first(self) -> None:
        """Make the story's model the first one to be loaded."""
        if self.wanted_by_stories:
            self._want()

    def _want(self) -> bool:
        """Make the story's model the one to load. Return False where it is that already, or is gone."""
        model = self.manuscript.model
        self._instead = self.problem = ""
        if model is None or (model.model, model.context) == (self.app_state.wanted, self.app_state.wanted_context):
            return False
        if model.missing:
            self._instead = self.app_state.wanted
            self.problem = f"{model.name}, which this story was written with, is not there any more."
            return False
        self.app_state.want(model.model, model.name, model.context)
        return True

    def note(self, state: ModelState) -> None:
        """Remember a loaded model as the one that the story is written with from now on."""
        if state.phase == "ready" and self.app_state.wanted != self._instead:
            self.manuscript.model = WrittenWith(self.app_state.wanted, state.name, self.app_state.wanted_context)

    async def load(self, warn: Callable[[str, str], None]) -> None:
        """Load the wanted model; where that fails, the usual one, and ``warn`` with a sentence and a hint."""
        state = await self.app_state.load()
        if state.failed is not None and self.app_state.wanted != self.usual:
            failed, self._instead = state.failed, self.usual
            state = await self.app_state.switch(self.usual, Path(self.usual).stem)
            if state.phase == "ready":
                warn(f"{failed.message} {state.name} is loaded instead.", failed.hint)

    def story_opened(self) -> tuple[bool, str]:
        """Note that another story is on the bench. Return whether its model is to be loaded, and what to say of it."""
        before = self.app_state.model
        if self._want():
            return True, f"Loading {self.app_state.model.name}, which it was written with."
        self.note(before)
        return False, self.problem
