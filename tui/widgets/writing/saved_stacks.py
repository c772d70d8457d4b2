"""Stacks by name: saves the one in use, and loads or deletes one that was saved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.command import CommandListItem
from textual.markup import escape
from textual.widget import Widget

from kobold_modules.errors import KoboldModulesError
from kobold_modules.library import stack_file

from ...dialogs.ask import Ask
from ...state import named_stacks
from ...state.app_state import AppState
from ...state.background import run_in_background


class SavedStacks:
    """Asks for names, and does it.

    Args:
        widget: runs it beside itself.
        app_state: the stack in use.
        say: says a sentence, its mood and a hint.
        back: puts the focus back where it was asked from.
    """

    def __init__(
        self, widget: Widget, app_state: AppState, say: Callable[..., None], back: Callable[[], object]
    ) -> None:
        self.widget, self.app_state, self.say, self.back = widget, app_state, say, back

    def save(self) -> None:
        """Ask for a name and save the stack in use under it."""
        if self.app_state.stack.layers:
            explanation = "Name for these modules, their order and strengths. A saved stack of that name is replaced."
            self.widget.app.push_screen(Ask("Save stack", explanation, lambda name: name), self._named)
        else:
            self.say("The stack is empty; there is nothing to save.", "warning", "ctrl+t adds a module.")

    def _named(self, name: object) -> None:
        self.widget.call_after_refresh(self.back)
        if isinstance(name, str):
            run_in_background(self.widget, partial(self._save, name), "stacks")

    async def _save(self, name: str) -> None:
        try:
            self.say(await named_stacks.keep(self.app_state, name), "good", "o loads it.")
        except KoboldModulesError as error:
            self.say(error.message, "error", error.hint)

    def load(self) -> None:
        """Ask for a saved stack and put it in the place of the one in use."""
        self._pick("Load stack …", lambda name: run_in_background(self.widget, partial(self._load, name), "stacks"))

    async def _load(self, name: str) -> None:
        try:
            said, whole = await named_stacks.bring(self.app_state, name)
        except KoboldModulesError as error:
            self.say(error.message, "error", error.hint)
        else:
            self.say(said, "good" if whole else "warning")

    def delete(self) -> None:
        """Ask for a saved stack and delete it; its modules stay."""
        self._pick("Delete stack …", self._delete)

    def _delete(self, name: str) -> None:
        try:
            stack_file.remove(name)
        except KoboldModulesError as error:
            self.say(error.message, "error", error.hint)
        else:
            self.say(f"Stack {name} deleted; its modules stay in the library.")

    def _pick(self, placeholder: str, run: Callable[[str], object]) -> None:
        def chosen(name: str) -> None:
            self.widget.call_after_refresh(self.back)
            run(name)

        found: list[CommandListItem] = [(escape(name), partial(chosen, name), None) for name in stack_file.names()]
        if found:
            self.widget.app.search_commands(found, placeholder)
        else:
            self.say("No stack is saved yet.", "warning", "s saves the current one.")
