"""The stack: which modules stand before the text, in which order, how strong.

The same panel is on both screens and shows the same stack. Changes go to the app state, which tells everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import CommandListItem
from textual.containers import Vertical
from textual.content import Content
from textual.markup import escape
from textual.message import Message
from textual.widgets import Static

from kobold_modules.errors import KoboldModulesError
from kobold_modules.library.library import Entry
from kobold_modules.soft_prompt.layer import Layer

from ...state.app_state import AppState, ModelState
from ...state.entry_stack import STEP, STRONGEST, EntryStack
from ...state.phrases import counted, shortened, strength
from ..panel import Titled
from ..plain_list import PlainList, moving
from ..status_line import Mood


FULL, EMPTY = "━", "─"
MARK, NUMBER, TOKENS = 4, 5, 5


def slider(value: float, width: int) -> tuple[str, str]:
    """Return the filled and the empty part of a bar from 0 to 2; 1, as trained, is its middle."""
    filled = max(0, min(width, round(value / STRONGEST * width)))
    return FULL * filled, EMPTY * (width - filled)


class Layout:
    """Where the parts of a row of ``width`` cells begin: ``mark name slider number tokens``."""

    def __init__(self, width: int) -> None:
        self.slider_width = max(6, min(24, width // 4))
        self.name_width = max(4, width - MARK - self.slider_width - NUMBER - TOKENS - 2)
        self.slider_start = MARK + self.name_width

    def row(self, layer: Layer[Entry], chosen: bool, fits: bool) -> Content:
        mark = "✗" if not fits else "●" if layer.active else "○"
        style = "$text-error" if not fits else "$text-success" if layer.active else "$foreground-muted"
        name = shortened(layer.module.name, self.name_width - 1)
        full, empty = slider(layer.strength, self.slider_width)
        bar = (
            Content.assemble((full, "$text-accent" if layer.on else "$foreground-muted"), (empty, "$foreground-muted"))
            if layer.on
            else Content.styled(f"{'off':<{self.slider_width}}", "$foreground-muted")
        )
        return Content.assemble(
            "›" if chosen else " ",
            (f"{mark} ", style),
            " ",
            (f"{name:<{self.name_width}}", "" if layer.active else "$foreground-muted"),
            bar,
            f" {strength(layer.strength):>{NUMBER - 1}}",
            (f" {layer.module.tokens:>{TOKENS - 1}}", "$foreground-muted"),
        )


class StackList(PlainList, inherit_bindings=False):
    """The modules of the stack, changed in place."""

    HELP = """\
    ## The stack

    These modules stand before your text, the first one first. **←** and **→** make the one under the cursor
    weaker or stronger: 0 has no effect, 1.00 is as trained, 2.00 is the most. **space** switches it off and on,
    **[** and **]** move it, **del** removes it, **u** restores it, **ctrl+t** adds another. **s** saves the whole stack
    under a name, **o** loads a saved one.

    Virtual tokens take room in the context, as text does.
    """
    BINDING_GROUP_TITLE = "Stack"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left,minus", "strength(-1)", "Weaker", id="stack.weaker", tooltip="Make the module weaker", key_display="←"
        ),
        Binding(
            "right,plus,equals_sign",
            "strength(1)",
            "Stronger",
            id="stack.stronger",
            tooltip="Make the module stronger",
            key_display="→",
        ),
        Binding(
            "space,enter",
            "switch",
            "On/off",
            id="stack.switch",
            tooltip="Switch the module on or off",
            key_display="space",
        ),
        Binding(
            "left_square_bracket,shift+up",
            "move(-1)",
            "Earlier",
            id="stack.earlier",
            tooltip="Move the module towards the front of the stack",
            show=False,
        ),
        Binding(
            "right_square_bracket,shift+down",
            "move(1)",
            "Later",
            id="stack.later",
            tooltip="Move the module towards the end of the stack",
            show=False,
        ),
        Binding(
            "delete,backspace,d,x",
            "take_out",
            "Remove",
            id="stack.remove",
            tooltip="Remove the module from the stack",
            key_display="del",
        ),
        Binding(
            "u",
            "put_back",
            "Put back",
            id="stack.put_back",
            tooltip="Put the module removed last back on the stack",
            show=False,
        ),
        *moving("enter"),
    ]
    DEFAULT_CSS = """
    StackList { max-height: 14; }
    """

    @dataclass
    class Said(Message):
        """Something to tell the person."""

        text: str
        hint: str = ""

    def __init__(self, app_state: AppState) -> None:
        super().__init__()
        self.app_state = app_state
        self.shape = Layout(40)
        self._marked: int | None = None
        self._taken_out: list[tuple[int, Layer[Entry]]] = []

    def on_mount(self) -> None:
        self.app_state.stack_changed.subscribe(self, self.show)
        self.app_state.model_changed.subscribe(self, lambda _: self.show(self.app_state.stack))
        self.show(self.app_state.stack)

    def show(self, stack: EntryStack) -> None:
        at = min(self.highlighted or 0, len(stack.layers) - 1)
        rows = [self._row(layer, i == at) for i, layer in enumerate(stack.layers)]
        self.show_rows(rows)
        self.highlighted = at if rows else None

    def _row(self, layer: Layer[Entry], chosen: bool) -> Content:
        fits, _, _ = self.app_state.fit(layer.module)
        return self.shape.row(layer, chosen, fits)

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        items = self.app_state.stack.layers
        for index in {self._marked, highlighted} - {None}:
            if index is not None and index < min(self.option_count, len(items)):
                self.replace_option_prompt_at_index(index, self._row(items[index], index == highlighted))
        self._marked = highlighted

    def on_resize(self) -> None:
        self.shape = Layout(self.scrollable_content_region.width)
        self.show(self.app_state.stack)

    def on_click(self, event: events.Click) -> None:
        """Switch a module by a click on its mark, and set its strength by a click on its bar."""
        if self.highlighted is None:
            return
        at = event.x - self.shape.slider_start
        if event.x < MARK:
            self.action_switch()
        elif 0 <= at < self.shape.slider_width:
            wanted = round((at + 1) / self.shape.slider_width * STRONGEST / STEP) * STEP
            layer = self.app_state.stack.layers[self.highlighted]
            self.app_state.stack = self.app_state.stack.strengthen(self.highlighted, wanted - layer.strength)

    def action_strength(self, steps: int) -> None:
        if self.highlighted is not None:
            self.app_state.stack = self.app_state.stack.strengthen(self.highlighted, steps * STEP)

    def action_switch(self) -> None:
        if self.highlighted is not None:
            on = self.app_state.stack.layers[self.highlighted].on
            self.app_state.stack = self.app_state.stack.change(self.highlighted, on=not on)

    def action_move(self, by: int) -> None:
        if self.highlighted is not None:
            at = self.highlighted
            to = max(0, min(len(self.app_state.stack.layers) - 1, at + by))
            self.app_state.stack = self.app_state.stack.move(at, by)
            self.call_next(setattr, self, "highlighted", to)

    def action_take_out(self) -> None:
        if self.highlighted is not None:
            layer = self.app_state.stack.layers[self.highlighted]
            self._taken_out.append((self.highlighted, layer))
            self.app_state.stack = self.app_state.stack.remove(self.highlighted)
            self.post_message(self.Said(f"{layer.module.name} is not in the stack any more.", "u puts it back."))

    def action_put_back(self) -> None:
        """Put back what was removed last, where it stood."""
        while self._taken_out:
            at, layer = self._taken_out.pop()
            entry = self.app_state.entries.filed(layer.module.slug)
            if entry is not None and self.app_state.stack.index(entry) is None:
                self.app_state.stack = self.app_state.stack.insert(at, layer.with_module(entry))
                self.post_message(self.Said(f"{entry.name} is back in the stack."))
                return
        self.post_message(self.Said("Nothing was removed from the stack just now."))


class StackPanel(Titled, Vertical):
    """The list with its title, the sum of its virtual tokens, and a sentence where a module does not fit."""

    DEFAULT_CSS = """
    StackPanel {
        height: auto;
        #empty, #warning { height: auto; color: $text-muted; }
        #warning { color: $text-warning; max-height: 2; }
    }
    """

    BINDING_GROUP_TITLE = "Stacks by name"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "s",
            "keep",
            "Save stack",
            id="stack.keep",
            tooltip="Save modules, order and strengths under a name",
            show=False,
        ),
        Binding("o", "bring", "Load stack", id="stack.bring", tooltip="Replace the stack with a saved one", show=False),
        Binding(
            "S", "forget", "Delete stack", id="stack.forget", tooltip="Delete a saved stack; modules stay", show=False
        ),
    ]

    def __init__(self, app_state: AppState) -> None:
        super().__init__(id="stack", classes="panel")
        self.set_titles("Stack")
        self.app_state = app_state

    def compose(self) -> ComposeResult:
        yield Static("No module: the plain model writes. ctrl+t adds one.", id="empty")
        yield StackList(self.app_state)
        warning = Static(id="warning")
        warning.display = False
        yield warning

    def on_mount(self) -> None:
        self.app_state.stack_changed.subscribe(self, self.show)
        self.app_state.model_changed.subscribe(self, self._model_changed)
        self.show(self.app_state.stack)

    def _model_changed(self, _: ModelState) -> None:
        self.show(self.app_state.stack)

    def show(self, stack: EntryStack) -> None:
        self.query_one("#empty").display = not stack.layers
        modules = self.query_one(StackList)
        modules.display = bool(stack.layers) or modules.has_focus  # who has removed the last one can put it back
        self.set_titles(note=counted(stack.tokens, "virtual token") if stack.layers else "")
        sentences = [fit for layer in stack.layers if layer.active and (fit := self.app_state.fit(layer.module)[1])]
        warning = self.query_one("#warning", Static)
        said = "\n".join(f"! {sentence}" for sentence in sentences)
        if str(warning.content) != said:  # a new text is a new layout of the screen
            warning.display = bool(said)
            warning.update(Content(said))

    # -- stacks by name --

    def _say(self, text: str, mood: Mood = "calm", hint: str = "") -> None:
        if callable(say := getattr(self.screen, "say", None)):
            say(text, mood, hint)

    @on(StackList.Said)
    def _said(self, event: StackList.Said) -> None:
        self._say(event.text, "calm", event.hint)

    def action_keep(self) -> None:
        if self.app_state.stack.layers:
            from ...dialogs.ask import Ask

            explanation = "Name for these modules, their order and strengths. A saved stack of that name is replaced."
            self.app.push_screen(Ask("Save stack", explanation, lambda name: name), self._named)
        else:
            self._say("The stack is empty; there is nothing to save.", "warning", "ctrl+t adds a module.")

    def _named(self, name: object) -> None:
        self.call_after_refresh(self.query_one(StackList).focus)  # it was asked from there
        if isinstance(name, str):
            self._keep(name)

    @work(group="stacks")
    async def _keep(self, name: str) -> None:
        from ...state import named_stacks

        try:
            self._say(await named_stacks.keep(self.app_state, name), "good", "o loads it.")
        except KoboldModulesError as error:
            self._say(error.message, "error", error.hint)

    def action_bring(self) -> None:
        self._pick("Load stack …", self._bring)

    def action_forget(self) -> None:
        self._pick("Delete stack …", self._forget)

    def _pick(self, placeholder: str, run: Callable[[str], object]) -> None:
        from kobold_modules.library import stack_file

        def chosen(name: str) -> None:
            self.call_after_refresh(self.query_one(StackList).focus)
            run(name)

        found: list[CommandListItem] = [(escape(name), partial(chosen, name), None) for name in stack_file.names()]
        if found:
            self.app.search_commands(found, placeholder)
        else:
            self._say("No stack is saved yet.", "warning", "s saves the current one.")

    @work(group="stacks")
    async def _bring(self, name: str) -> None:
        from ...state import named_stacks

        try:
            said, whole = await named_stacks.bring(self.app_state, name)
        except KoboldModulesError as error:
            self._say(error.message, "error", error.hint)
        else:
            self._say(said, "good" if whole else "warning")

    def _forget(self, name: str) -> None:
        from kobold_modules.library import stack_file

        try:
            stack_file.remove(name)
        except KoboldModulesError as error:
            self._say(error.message, "error", error.hint)
        else:
            self._say(f"Stack {name} deleted; its modules stay in the library.")
