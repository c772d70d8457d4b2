"""The list of models: one line each, in columns that fit the width there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.fuzzy import Matcher
from textual.message import Message
from textual.style import Style
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from kobold_modules.answers import Verdict
from kobold_modules.byte_size import byte_size

from ...state.disk_models import MARKS, DiskModel
from ...state.phrases import shortened
from ..plain_list import moving


MARK, SHAPE, SIZE, CONTEXT, CAN, PLACE = 4, 14, 10, 11, 9, 15
NARROWEST_NAME = 26


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """Widths in cells; a column of 0 is left out, the least important first."""

    name: int
    shape: int
    context: int
    place: int

    @classmethod
    def within(cls, width: int) -> ModelColumns:
        rest = width - MARK - SIZE - 2 * CAN
        shape = SHAPE if rest - SHAPE >= NARROWEST_NAME else 0
        place = PLACE if rest - shape - PLACE >= NARROWEST_NAME else 0
        context = CONTEXT if rest - shape - place - CONTEXT >= NARROWEST_NAME else 0
        return cls(max(8, rest - shape - place - context), shape, context, place)

    def header(self) -> str:
        return (
            " " * MARK
            + f"{'name':<{self.name}}"
            + (f"{'weights':<{self.shape}}" if self.shape else "")
            + f"{'size':>{SIZE - 3}}   "
            + (f"{'context':>{self.context - 3}}   " if self.context else "")
            + f"{'writes':<{CAN}}{'trains':<{CAN}}"
            + (f"{'from':<{self.place}}" if self.place else "")
        )


@dataclass(frozen=True, slots=True)
class Marks:
    """Which models are marked: the one in memory, and the usual one (as their ``model``)."""

    loaded: str = ""
    usual: str = ""


def row(model: DiskModel, columns: ModelColumns, marks: Marks, chosen: bool, matcher: Matcher | None = None) -> Content:
    """Draw one model as a line. ``›`` is the cursor, ``●`` the model in memory, ``★`` the usual one."""
    muted = "" if chosen else "$foreground-muted"
    loaded = "●" if model.model == marks.loaded else " "
    usual = "★" if model.model == marks.usual else " "
    good, dear = ("", "") if chosen else ("$text-success", "$text-accent")
    start = Content.assemble("›" if chosen else " ", (loaded, good), (usual, dear), " ")
    name = Content(shortened(model.name, columns.name - 1))
    if matcher is not None:
        score, offsets = matcher.fuzzy_search.match(matcher.query, name.plain)
        for offset in offsets if score else ():
            name = name.stylize("bold underline", offset, offset + 1)
    name = name.pad_right(columns.name - name.cell_length)
    if model.problem:
        room = columns.shape + SIZE + columns.context + 2 * CAN + columns.place
        odd = "" if chosen else "$text-warning"
        return Content.assemble(start, name, (f"! {shortened(model.problem, room - 2)}", odd))
    parts: list[Content] = [start, name]
    if columns.shape:
        parts.append(Content.styled(f"{shortened(model.shape, columns.shape - 1):<{columns.shape}}", muted))
    parts.append(Content(f"{byte_size(model.bytes):>{SIZE - 3}}   "))
    if columns.context:
        said = f"{model.context:,}" if model.context else "?"
        parts.append(Content.styled(f"{said:>{columns.context - 3}}   ", muted))
    parts += [_can(model.write, chosen), _can(model.train, chosen)]
    if columns.place:
        parts.append(Content.styled(f"{shortened(model.place, columns.place - 1):<{columns.place}}", muted))
    return Content.assemble(*parts)


def _can(verdict: Verdict | None, chosen: bool) -> Content:
    said, style = MARKS[verdict.can] if verdict is not None else ("–", "")
    return Content.styled(f"{said:<{CAN}}", "" if chosen else style)


def _key(key: str, what: str, name: str, tooltip: str, show: bool = True) -> Binding:
    return Binding(key, f"want('{what}')", name, id=f"models.{what}", tooltip=tooltip, show=show)


class ModelList(OptionList, inherit_bindings=False):
    """Models of this disk. Says what is wanted of the one under the cursor; its screen does it."""

    HELP = """\
    ## The models on this disk

    **enter** loads the one under the cursor, **u** unloads it, **d** downloads another by its name on Hugging Face.
    **g** downloads SmolLM2, a small model (98 MB), if you have none yet.

    `●` is loaded, `★` is the default, `!` cannot be read. *writes* and *trains* say what a model can do on this
    computer: `✓ yes`, `~ tight` (close other programs first), `✗ no` (the panel says why).
    """
    BINDING_GROUP_TITLE = "Models"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter", "load", "Load", "Load the model and write with it"),
        _key("u", "unload", "Unload", "Free the memory of the loaded model"),
        _key("d", "download", "Download", "Download a model from Hugging Face by its name"),
        _key("g", "get", "Get SmolLM2", "Download SmolLM2 135M, a small model of 98 MB", show=False),
        _key("s", "usual", "Set as default", "Load this model when the program starts"),
        _key("v", "serve", "Serve", "Let other programs write with the model, or stop that", show=False),
        _key("c", "context", "Context", "How many tokens the model sees at once", show=False),
        _key("slash", "find", "Find", "Search models by name", show=False),
        _key("a", "folder", "Add folder", "Include another folder in every search for models", show=False),
        _key("r", "search", "Search again", "Search this disk for models again", show=False),
        _key("o", "left_out", "Show files left out", "List files that are not language models, and why", show=False),
        *moving("enter"),
    ]
    DEFAULT_CSS = """
    ModelList {
        border: none;
        padding: 0;
        height: 1fr;
        background: transparent;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        & > .option-list--option { padding: 0; }
        &:focus { border: none; background-tint: $foreground 0%; }
        &:ansi > .option-list--option-highlighted { text-style: bold; }
        &:ansi:focus > .option-list--option-highlighted { text-style: reverse; }
    }
    """

    @dataclass
    class Wanted(Message):
        """The person asked for ``what`` with the model under the cursor."""

        what: str
        model: DiskModel | None

    @dataclass
    class Reshaped(Message):
        """The columns have new widths."""

        columns: ModelColumns

    def __init__(self) -> None:
        super().__init__()
        self.models: list[DiskModel] = []
        self.marks = Marks()
        self.matcher: Matcher | None = None
        self.columns = ModelColumns.within(76)
        self._drawn: int | None = None

    @property
    def chosen(self) -> DiskModel | None:
        return self.models[self.highlighted] if self.highlighted is not None and self.models else None

    def show(self, models: Sequence[DiskModel], query: str = "") -> None:
        """Show ``models`` that match ``query``, best first; the cursor stays on its model where it can."""
        before = self.chosen
        self.matcher = Matcher(query, match_style=Style(underline=True)) if query else None
        if self.matcher is not None:
            scored = [(self.matcher.match(model.name), model) for model in models]
            models = [model for score, model in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
        self.models = list(models)
        keys = [model.model for model in self.models]
        at = keys.index(before.model) if before is not None and before.model in keys and not query else 0
        self.clear_options()
        self._drawn = None
        self.add_options([Option(self._row(index, index == at)) for index in range(len(keys))])
        self.highlighted = at if keys else None

    def choose(self, model: str) -> None:
        """Put the cursor on the model that a Load job would take as ``model``, if it is there."""
        for index, known in enumerate(self.models):
            if model in (known.model, known.path):
                self.highlighted = index

    def show_marks(self, marks: Marks) -> None:
        if marks != self.marks:
            self.marks = marks
            self._redraw()

    def _row(self, index: int, chosen: bool) -> Content:
        return row(self.models[index], self.columns, self.marks, chosen, self.matcher)

    def _redraw(self) -> None:
        for index in range(min(self.option_count, len(self.models))):
            self.replace_option_prompt_at_index(index, self._row(index, index == self.highlighted))

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        for index in {self._drawn, highlighted} - {None}:
            if index is not None and index < min(self.option_count, len(self.models)):
                self.replace_option_prompt_at_index(index, self._row(index, index == highlighted))
        self._drawn = highlighted

    def on_resize(self) -> None:
        self.columns = ModelColumns.within(self.scrollable_content_region.width)
        self._redraw()
        self.post_message(self.Reshaped(self.columns))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()  # a click moves the cursor; a key or a double click loads

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            self.action_want("load")

    def action_want(self, what: str) -> None:
        self.post_message(self.Wanted(what, self.chosen))
