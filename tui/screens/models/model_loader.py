"""Which model is in memory: loading one, freeing it, its context, and which one is loaded by default."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from kobold_modules.errors import BadUsage

from ...dialogs.ask import Ask
from ...state.app_state import AppState, ModelState
from ...state.background import run_in_background
from ...state.disk_models import USUAL, DiskModel
from ...state.phrases import counted
from ...state.remembered import context_of, remember, remember_context
from ...widgets.status_line import StatusLine


LEAST_CONTEXT, USUAL_CONTEXT, MOST_CONTEXT = 64, 4096, 1 << 20  # tokens


class ModelLoader:
    """Loads the models of the list.

    Args:
        screen: runs the loading beside itself, and asks what must be asked.
        app_state: the model that is in memory.
        status: where it is said how that goes.
        loaded: returns the ``model`` of the line in the list that is in memory, or nothing.
    """

    def __init__(
        self, screen: Screen[None], app_state: AppState, status: StatusLine, loaded: Callable[[], str]
    ) -> None:
        self.screen, self.app_state, self.status, self.loaded = screen, app_state, status, loaded

    def can_write(self, model: DiskModel) -> bool:
        """Return whether ``model`` can be loaded at all; say why not."""
        if model.problem:
            self.status.say(f"{model.name} cannot be loaded. {model.problem}", "error")
        elif model.write is not None and model.write.can == "no":
            hint = "You can train modules for it." if model.train is not None and model.train.can == "yes" else ""
            self.status.say(f"{model.name} cannot write here. {model.write.sentence}", "error", hint)
        else:
            return True
        return False

    def load(self, model: DiskModel) -> None:
        """Load ``model``, unless it is loaded, another one is being loaded, or it cannot be."""
        if model.model == self.loaded():
            self.status.say(f"{model.name} is already loaded.", "calm", "F3 opens the bench.")
        elif self.app_state.model.phase == "loading":
            self.status.say("A model is being loaded.", "warning", "esc stops it.", "model")
        elif self.can_write(model):
            self._begin(model)

    def _begin(self, model: DiskModel) -> None:
        run_in_background(self.screen, partial(self._load, model), "load")

    async def _load(self, model: DiskModel) -> None:
        self.status.say(f"Loading {model.name} …", "busy", "esc stops it.")
        state = await self.app_state.switch(model.model, model.name)
        if state.phase == "ready":
            modules = [layer.module for layer in self.app_state.stack.layers]
            misfits = [module.name for module in modules if not self.app_state.fit(module)[0]]
            if model.no_modules:
                self.status.say(f"{model.name} is loaded. It cannot use modules.", "warning", "F3 opens the bench.")
            elif misfits:
                said = f"{model.name} is loaded; {', '.join(misfits)} on the stack was made for another model."
                self.status.say(said, "warning", "F3 opens the bench.")
            else:
                self.status.say(f"{model.name} is loaded.", "good", "F3 opens the bench.")

    def unload(self) -> None:
        """Free the memory of the model that is loaded."""
        run_in_background(self.screen, self._unload, "load")

    async def _unload(self) -> None:
        if self.app_state.model.phase != "ready":
            self.status.say("No model is loaded.", about="model")
            return
        name = self.app_state.model.name
        self.status.say(f"Unloading {name} …", "busy")
        await self.app_state.unload()
        self.status.say(f"{name} was unloaded.", "good", "It is loaded again when needed.")

    def say_state(self, model: ModelState) -> None:
        """Say how the loading goes, whoever began it."""
        if model.phase == "ready":
            self.status.settle("model")
        if model.failed is not None:
            self.status.say(model.failed.message, "error", model.failed.hint, "model")
        elif model.phase == "loading" and model.share is not None:
            self.status.progress(f"Loading {model.name} … {model.share:.0%}", "esc stops it.")
        elif model.phase == "ready" and self.status.status.text.startswith("Loading"):
            self.status.say(f"{model.name} is loaded.", "good", "F3 opens the bench.")

    def make_usual(self, model: DiskModel) -> bool:
        """Load ``model`` by default from now on. Return whether it can be."""
        if not self.can_write(model):
            return False
        remember(USUAL, model.model)
        self.status.say(f"{model.name} is now the default model.", "good")
        return True

    def ask_context(self, model: DiskModel) -> None:
        """Ask how many tokens ``model`` sees at once; load it anew where it is loaded."""
        if not self.can_write(model):
            return
        most = model.context or MOST_CONTEXT

        def parse(answer: str) -> int:
            digits = answer.replace(",", "")
            if not digits.isdecimal() or not LEAST_CONTEXT <= int(digits) <= most:
                raise BadUsage(
                    f"{answer} is no context of {model.name}.", f"Give {LEAST_CONTEXT:,} to {most:,} tokens."
                )
            return int(digits)

        def done(tokens: object) -> None:
            if isinstance(tokens, int):
                remember_context(model.model, tokens)
                if model.model == self.loaded():
                    self._begin(model)
                else:
                    said = f"{model.name} will be loaded with {counted(tokens, 'token')} of context."
                    self.status.say(said, "good")

        explanation = (
            f"How many tokens {model.name} sees at once: modules, memory and the end of your story. It was trained for "
            f"{most:,}. Without a choice it gets {min(most, USUAL_CONTEXT):,}: a longer context takes memory even "
            "while it is empty."
        )
        value = str(context_of(model.model) or min(most, USUAL_CONTEXT))
        self.screen.app.push_screen(Ask(f"Context of {model.name}", explanation, parse, value=value), done)
