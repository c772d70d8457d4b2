"""The modules of the stack as rows: which stand before the text, in which order, how strong.

Changes go to the app state, which tells everybody.
"""

from __future__ import annotations

import math
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from kobold_modules.library.library import Entry
from kobold_modules.soft_prompt.layer import Layer

from ...state.app_state import AppState
from ...state.entry_stack import STEP, STRONGEST, EntryStack
from ...state.phrases import DEEP, shortened, strength
from ..plain_list import PlainList, moving


FULL, EMPTY = "━", "─"
LEVELS = " ▁▂▃▄▅▆▇█"
MARK, NUMBER, TOKENS = 4, 5, 5


def slider(value: float, width: int) -> tuple[str, str]:
    """Return the filled and the empty part of a bar from 0 to 2; 1, as trained, is its middle."""
    filled = max(0, min(width, round(value / STRONGEST * width)))
    return FULL * filled, EMPTY * (width - filled)


def light(bits: float | None) -> str:
    """Return a bar of one cell for a divergence in bits, as high as its square root, which is a distance (0 to 1)."""
    return " " if bits is None else LEVELS[min(len(LEVELS) - 1, math.ceil(math.sqrt(max(0.0, bits)) * 8 - 1e-9))]


class Layout:
    """Where the parts of a row of ``width`` cells begin: ``mark light name slider number tokens``."""

    def __init__(self, width: int) -> None:
        self.slider_width = max(6, min(24, width // 4))
        self.name_width = max(4, width - MARK - self.slider_width - NUMBER - TOKENS - 2)
        self.slider_start = MARK + self.name_width

    def row(self, layer: Layer[Entry], chosen: bool, fits: bool, says: float | None = None) -> Content:
        mark = "✗" if not fits else "●" if layer.active else "○"
        style = "$text-error" if not fits else "$text-success" if layer.active else "$foreground-muted"
        badge = f" {DEEP}" if layer.module.is_deep else ""
        name = shortened(layer.module.name, self.name_width - 1 - len(badge)) + badge
        full, empty = slider(layer.strength, self.slider_width)
        bar = (
            Content.assemble((full, "$text-accent" if layer.on else "$foreground-muted"), (empty, "$foreground-muted"))
            if layer.on
            else Content.styled(f"{'off':<{self.slider_width}}", "$foreground-muted")
        )
        return Content.assemble(
            "›" if chosen else " ",
            (mark, style),
            (light(says if layer.active else None), "$text-accent"),
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

    Virtual tokens take room in the context, as text does. A module marked **deep** stands best in front: those behind
    it see it, and it sees nothing of those before it.

    On the bench the bar beside the mark (▁ to █) says how much a module has to say in the next word at the end of your
    text: the difference between what would come with it and without it, measured in bits from 0 (none) to 1. It is
    measured when you pause.
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

    class Said(Message):
        """Something to tell the person."""

        def __init__(self, text: str, hint: str = "") -> None:
            super().__init__()
            self.text = text
            self.hint = hint

    def __init__(self, app_state: AppState) -> None:
        super().__init__()
        self.app_state = app_state
        self.shape = Layout(40)
        self._marked: int | None = None
        self._taken_out: list[tuple[int, Layer[Entry]]] = []
        self._says: dict[str, float | None] = {}

    def on_mount(self) -> None:
        self.app_state.stack_changed.subscribe(self, self.show)
        self.app_state.model_changed.subscribe(self, lambda _: self.show(self.app_state.stack))
        self.show(self.app_state.stack)

    def show(self, stack: EntryStack) -> None:
        at = min(self.highlighted or 0, len(stack.layers) - 1)
        rows = [self._row(layer, i == at) for i, layer in enumerate(stack.layers)]
        self.show_rows(rows)
        self.highlighted = at if rows else None

    def show_speaking(self, says: dict[str, float | None]) -> None:
        """Show how much each module has to say, in bits by the path of its file."""
        if says != self._says:
            self._says = says
            self.show(self.app_state.stack)

    def _row(self, layer: Layer[Entry], chosen: bool) -> Content:
        fits, _, _ = self.app_state.fit(layer.module)
        return self.shape.row(layer, chosen, fits, self._says.get(str(layer.module.path)))

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
