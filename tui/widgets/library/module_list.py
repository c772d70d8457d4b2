"""The list of modules: one line each under the headings of their sections.

It draws only the lines that are seen, so that ten thousand modules cost what forty do; Textual's own option list
measures every line before it shows the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from kobold_modules.library.library import Entry
from kobold_modules.library.listing import Chosen, Listing

from ...rendering.internals import style_parser
from ...state.entry_stack import EntryStack
from ...state.shelf_view import Section
from .module_row import Columns, RowState, row


def _key(key: str, what: str, name: str, tooltip: str, show: bool = False) -> Binding:
    return Binding(key, f"want('{what}')", name, id=f"library.{what}", tooltip=tooltip, show=show)


def _move(key: str, action: str, name: str, id: str) -> Binding:
    return Binding(key, action, name, id=f"list.{id}", show=False, system=True)


class ModuleList(ScrollView, can_focus=True, inherit_bindings=False):
    """Modules of the shelf. Says what is wanted of them; its screen does it."""

    HELP = """\
    ## Your modules

    A module stands before your text and steers the model towards a style or a world.
    **enter** adds the one under the cursor to the stack, **space** adds or removes it.

    **/** searches by letters of the name, words of the description, `#tag` or `*` for starred modules. **o** sorts,
    **m** shows only what fits the loaded model. **x** selects modules; actions then apply to all selected.

    `●` is on the stack, `○` on the stack but switched off, `★` starred, `✗` made for another model than the loaded
    one, `!` cannot be read: its card says why.
    """
    BINDING_GROUP_TITLE = "Modules"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter,a", "add", "Add", "Add the module to the stack", show=True),
        _key("space", "toggle", "Toggle", "Add it to the stack or remove it"),
        _key("slash", "filter", "Find", "Search by name, word or #tag", show=True),
        _key("x", "mark", "Select", "Select several modules for one action", show=True),
        _key("d,delete", "remove", "Delete", "Delete it; u restores it", show=True),
        _key("ctrl+a", "mark_all", "Select all", "Select all modules shown, or none"),
        _key("o", "sort", "Sort", "Sort by name, date, effect or model"),
        _key("m", "fitting", "Only what fits", "Show only modules that fit the loaded model, or all"),
        _key("s", "star", "Star", "Star it and list it first"),
        _key("t", "tag", "Tags", "Edit its tags"),
        _key("r", "rename", "Rename", "Change the name of the module"),
        _key("c", "edit", "Edit card", "Edit description, kind and author"),
        _key("y", "duplicate", "Duplicate", "Copy the module"),
        _key("e", "export", "Export", "Save it for KoboldAI or another program"),
        _key("v", "evaluate", "Evaluate", "Measure what the module is worth, or stop that"),
        _key("p", "phrase", "Phrase", "Find text to paste that does what the module does"),
        _key("T", "trim", "Trim", "Make a smaller module of the vectors that are worth most"),
        _key("w", "nearest", "Nearest words", "Show the words nearest to each virtual token"),
        _key("i", "import", "Import", "Import modules from files"),
        _key("u", "restore", "Restore", "Restore what was deleted last"),
        _move("up,k", "step(-1)", "Up", "up"),
        _move("down,j", "step(1)", "Down", "down"),
        _move("pageup", "page(-1)", "Page up", "page_up"),
        _move("pagedown", "page(1)", "Page down", "page_down"),
        _move("home,g", "first", "First", "first"),
        _move("end,G", "last", "Last", "last"),
        _move("shift+down", "extend(1)", "Select downwards", "extend_down"),
        _move("shift+up", "extend(-1)", "Select upwards", "extend_up"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "module-list--row",
        "module-list--cursor",
        "module-list--hover",
        "module-list--heading",
    }
    DEFAULT_CSS = """
    ModuleList {
        height: 1fr;
        background: transparent;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        overflow-x: hidden;
        & > .module-list--heading { color: $text-primary; text-style: bold; }
        & > .module-list--hover { background: $block-hover-background; }
        & > .module-list--cursor {
            color: $block-cursor-blurred-foreground;
            background: $block-cursor-blurred-background;
            text-style: $block-cursor-blurred-text-style;
        }
        &:focus > .module-list--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        &:ansi > .module-list--cursor { text-style: bold; background: ansi_default; color: ansi_default; }
        &:ansi:focus > .module-list--cursor { text-style: reverse; }
    }
    """

    class Wanted(Message):
        """The person asked for ``what`` with the marked modules, or the one under the cursor."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    class Moved(Message):
        """The cursor is on another module."""

        def __init__(self, entry: Entry | None) -> None:
            super().__init__()
            self.entry = entry

    class Marked(Message):
        """So many modules are marked now."""

        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

    class Reshaped(Message):
        """The columns have new widths."""

        def __init__(self, columns: Columns) -> None:
            super().__init__()
            self.columns = columns

    highlighted: reactive[int | None] = reactive(None)
    hovered: reactive[int | None] = reactive(None)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.entries = Chosen(Listing.of(()), ())
        self.marked: set[str] = set()
        self.stack = EntryStack()
        self.words: Sequence[str] = ()
        self.columns = Columns.within(76)
        self.sections = False
        self.fits: Callable[[Entry], bool] = lambda entry: True
        self._lines: list[str | int] = []  # a heading, or a number in entries
        self._line_of: list[int] = []

    # -- what is in it --

    @property
    def chosen(self) -> Entry | None:
        """The entry under the cursor."""
        at = self.highlighted
        return self.entries[at] if at is not None and at < len(self.entries) else None

    @property
    def targets(self) -> list[Entry]:
        """The marked entries, or the one under the cursor."""
        if self.marked:
            return [self.entries[at] for at, slug in enumerate(self.entries.slugs) if slug in self.marked]
        return [self.chosen] if self.chosen is not None else []

    def show(self, sections: Sequence[Section], stack: EntryStack, words: Sequence[str] = ()) -> None:
        """Show ``sections``; the cursor stays on its module where it can, marks on theirs."""
        before, was_at, searching = self.chosen, self.highlighted or 0, bool(words) and words != self.words
        self.stack, self.words = stack, words
        self._lines, self._line_of, numbers = [], [], list[int]()
        for section in sections:
            if section.title:
                self._lines.append(section.heading)
            first, line, count = len(numbers), len(self._lines), len(section.entries)
            self._line_of.extend(range(line, line + count))
            self._lines.extend(range(first, first + count))
            numbers.extend(section.entries.numbers)
        self.entries = Chosen(sections[0].entries.listing if sections else Listing.of(()), numbers)
        if self.marked:
            self._set_marked(self.marked.intersection(self.entries.slugs))
        self.sections = any(section.title for section in sections)
        self._reshape()
        self.virtual_size = Size(0, len(self._lines))
        at = None if before is None or searching else self.entries.place(before.slug)
        self.highlighted = (at if at is not None else 0 if searching else was_at) if self.entries else None
        self.refresh()
        self.call_after_refresh(self._follow)
        self.post_message(self.Moved(self.chosen))

    def choose(self, slug: str) -> None:
        """Move the cursor to a module, if it is shown."""
        at = self.entries.place(slug)
        if at is not None:
            self.highlighted = at

    def show_stack(self, stack: EntryStack) -> None:
        self.stack = stack
        self.refresh()

    # -- drawing --

    def render_line(self, y: int) -> Strip:
        number, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        if number >= len(self._lines):
            return Strip.blank(width, self.get_visual_style("module-list--row").rich_style)
        line = self._lines[number]
        if isinstance(line, str):
            style, content = self.get_visual_style("module-list--heading"), Content(f" {line}")
        else:
            entry, chosen = self.entries[line], line == self.highlighted
            state = RowState(chosen, entry.slug in self.marked, self.words, entry.problem != "" or self.fits(entry))
            content = row(entry, self.columns, self.stack, state)
            part = "cursor" if chosen else "hover" if line == self.hovered else "row"
            style = self.get_visual_style("module-list--row", f"module-list--{part}")
            if self.get_component_styles(f"module-list--{part}").text_style.reverse:  # which Textual drops there
                style += Style(reverse=True)
        # Rows are made to fit, so they are not wrapped, which takes longer than all the rest of a row.
        parts = content.render(style, "", style_parser(self))
        strip = Strip([Segment(text, part.rich_style) for text, part in parts])
        return strip.adjust_cell_length(width, style.rich_style)

    def on_resize(self) -> None:
        self._reshape()
        self._follow()

    def _reshape(self) -> None:
        width = self.scrollable_content_region.width
        if width:
            self.columns = Columns.within(width, self.sections)
            self.refresh()
            self.post_message(self.Reshaped(self.columns))

    # -- the cursor --

    def validate_highlighted(self, at: int | None) -> int | None:
        return None if at is None or not self.entries else max(0, min(len(self.entries) - 1, at))

    def watch_highlighted(self, before: int | None, now: int | None) -> None:
        for at in (before, now):
            if at is not None and at < len(self._line_of):
                self.refresh_line(self._line_of[at])
        self._follow()
        self.post_message(self.Moved(self.chosen))

    def watch_hovered(self, before: int | None, now: int | None) -> None:
        for at in (before, now):
            if at is not None and at < len(self._line_of):
                self.refresh_line(self._line_of[at])

    def _follow(self) -> None:
        """Keep the cursor in view, and its section's heading where it is the section's first."""
        height = self.scrollable_content_region.height
        if self.highlighted is None or not height or self.highlighted >= len(self._line_of):
            return
        line = self._line_of[self.highlighted]
        first = line - 1 if line and isinstance(self._lines[line - 1], str) else line
        top = self.scroll_offset.y
        if first < top:
            self.scroll_to(y=first, animate=False)
        elif line >= top + height:
            self.scroll_to(y=line - height + 1, animate=False)

    def action_step(self, by: int) -> None:
        if self.entries:
            self.highlighted = 0 if self.highlighted is None else self.highlighted + by

    def action_page(self, by: int) -> None:
        self.action_step(by * max(1, self.scrollable_content_region.height - 1))

    def action_first(self) -> None:
        self.highlighted = 0

    def action_last(self) -> None:
        self.highlighted = len(self.entries) - 1

    # -- marks --

    def _set_marked(self, slugs: set[str]) -> None:
        if slugs != self.marked:
            self.marked = slugs
            self.refresh()
            self.post_message(self.Marked(len(slugs)))

    def toggle_mark(self) -> None:
        """Mark the module under the cursor or not, and go on to the next."""
        if self.chosen is not None:
            self._set_marked(self.marked ^ {self.chosen.slug})
            self.action_step(1)

    def toggle_all(self) -> None:
        """Mark everything that is shown, or nothing where all is marked."""
        shown = set(self.entries.slugs)
        self._set_marked(set() if shown <= self.marked else shown)

    def unmark(self) -> None:
        self._set_marked(set())

    def action_extend(self, by: int) -> None:
        """Mark the module under the cursor and the one it moves to."""
        before = self.chosen
        self.action_step(by)
        if before is not None and self.chosen is not None:
            self._set_marked(self.marked | {before.slug, self.chosen.slug})

    # -- the mouse --

    def _at(self, event: events.MouseEvent) -> int | None:
        number = self.scroll_offset.y + event.y
        line = self._lines[number] if 0 <= number < len(self._lines) else ""
        return line if isinstance(line, int) else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hovered = self._at(event)

    def on_leave(self) -> None:
        self.hovered = None

    def on_click(self, event: events.Click) -> None:
        """Move the cursor with a click; one on the marks marks (so does ctrl), a double click stacks."""
        at = self._at(event)
        if at is None:
            return
        self.highlighted = at
        if event.ctrl or event.x < 3:
            self._set_marked(self.marked ^ {self.entries[at].slug})
        elif event.shift and self.marked:
            known = [number for number, slug in enumerate(self.entries.slugs) if slug in self.marked]
            near = min(known, key=lambda number: abs(number - at))
            span = self.entries[min(near, at) : max(near, at) + 1]
            self._set_marked(self.marked.union(span.slugs))
        elif event.chain == 2:
            self.action_want("toggle")

    def action_want(self, what: str) -> None:
        match what:
            case "mark":
                self.toggle_mark()
            case "mark_all":
                self.toggle_all()
            case _:
                self.post_message(self.Wanted(what))
