"""The page a story is written on.

A TextArea, because streaming a token into one costs the same at 80,000 words as at 500; and a subclass, because undo
belongs to the Story, who-wrote-what is coloured through the documented ``get_line`` hook, and a stream must never cost
a writer a keystroke: typing while the model writes takes the pen back, and what was typed lands when the model has
stopped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult, Location

from kobold_modules.common_prefix import changed_part

from ...rendering.frames import awaited
from ...rendering.internals import forget_text_lines
from ...rendering.kept_lines import KeptLines
from ...state.keys import quiet


FLUSHES_A_SECOND = 30
MEASURE = 78  # cells of prose a line; wider pages get margins, not longer lines

Range = tuple[int, int]
Tinge = tuple[int, int, str]  # from, to, and one of TINGES
TINGES = ("likelier", "unlikelier")


def _go(key: str, action: str, name: str, id: str, tooltip: str) -> Binding:
    return Binding(key, action, name, id=f"page.{id}", show=False, tooltip=tooltip)


class Editor(KeptLines, inherit_bindings=False):
    """Prose, editable except while the model writes at its end."""

    HELP = """\
    ## The page

    Write here. **ctrl+j** has the model continue from the end, **esc** stops it and keeps what it wrote, **ctrl+r**
    replaces the last take with a new one. Editing keys work as in other editors.

    Typing while the model writes stops it, and your text goes where your cursor is. Text by the model has another
    colour; the line below says who wrote the passage under the cursor. Text outside the model's context is dimmed.

    **ctrl+b** compares takes side by side: without a module, with one, with all, from the same seed. **ctrl+n** shows
    which words could come next, and how the stack changes that. **F6** opens memory, note and
    lorebooks.

    **ctrl+f** finds and replaces, **ctrl+d** lists the chapters; **ctrl+home** and **ctrl+end** go to the start and the
    end, **ctrl+a** selects all.
    """
    DEFAULT_CSS = """
    Editor {
        border: none;
        background: transparent;
        scrollbar-size-vertical: 1;
        & .editor--model { color: $model-ink; }
        & .editor--unseen { text-style: dim; }
        & .editor--likelier { text-style: underline; }
        & .editor--unlikelier { text-style: italic dim; }
        &:focus { border: none; }
    }
    """
    BINDING_GROUP_TITLE = "Story"
    BINDINGS: ClassVar[list[BindingType]] = [
        _go("ctrl+home", "go_to('start')", "Start of the story", "start", "Go to the first word"),
        _go("ctrl+end", "go_to('end')", "End of the story", "end", "Go to the last word"),
        _go(
            "ctrl+shift+home",
            "go_to('start', True)",
            "Select to the start",
            "select_start",
            "Select from the cursor to the first word",
        ),
        _go(
            "ctrl+shift+end",
            "go_to('end', True)",
            "Select to the end",
            "select_end",
            "Select from the cursor to the last word",
        ),
        _go("ctrl+a", "select_all", "Select all", "select_all", "Select the whole story"),
        *quiet(
            replace(b, key=b.key.removesuffix(",ctrl+a"))
            for b in TextArea.BINDINGS
            if isinstance(b, Binding) and b.action not in ("undo", "redo", "select_all")
        ),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "editor--model",
        "editor--unseen",
        *(f"editor--{tinge}" for tinge in TINGES),
    }

    @dataclass
    class TookOver(Message):
        """The writer pressed a key while the model was writing."""

        editor: Editor

        @property
        def control(self) -> Editor:
            return self.editor

    def __init__(self, text: str = "", *, id: str | None = None, placeholder: str = "") -> None:
        super().__init__(
            text, id=id, tab_behavior="focus", highlight_cursor_line=False, max_checkpoints=1, placeholder=placeholder
        )
        self.match_cursor_bracket = False
        self.marks: list[Range] = []
        self.tinges: list[Tinge] = []
        self.unseen = 0
        self.on_flush: Callable[[str], None] = lambda _: None
        self.streamed = ""
        self._whole: str | None = None
        self._starts: list[int] = []
        self._waiting = ""
        self._typed = ""
        self._pen: Timer | None = None
        self._holding = False

    # -- the page --

    def on_resize(self) -> None:
        side = max(1, (self.outer_size.width - MEASURE - 2) // 2)
        if self.styles.padding.left != side:
            self.styles.padding = (0, side)

    def show_text(self, text: str, marks: Sequence[Range]) -> None:
        """Make the page ``text``, e.g. after an undo. Only what differs is touched, and the cursor goes there."""
        at, old_end, new_end = changed_part(self.text, text)
        start, end = self.location_of(at), self.location_of(old_end)
        self.replace(text[at:new_end], start, end, maintain_selection_offset=False)
        self.show_marks(marks)

    def show_marks(self, marks: Sequence[Range]) -> None:
        """Say which characters the model wrote."""
        marks = [mark for mark in marks if mark[0] < mark[1]]
        if marks != self.marks:
            self.marks = marks
            self.notify_style_update()
            self.refresh()

    def show_unseen(self, end: int) -> None:
        """Dim what stands before the character ``end``: the model no longer sees it."""
        if end != self.unseen:
            # It moves with every word that is written, mostly far above what is in sight.
            between = sorted(min(offset, len(self.text)) for offset in (self.unseen, end))
            first, last = (self.wrapped_document.location_to_offset(self.location_of(at)).y for at in between)
            self.unseen = end
            forget_text_lines(self)
            self.forget(first, last)
            top = self.scroll_offset.y
            if first <= top + self.size.height and last >= top:
                self.refresh()

    def show_tinges(self, tinges: Sequence[Tinge]) -> None:
        """Mark words by what the stack does to them; none clears the page. Any edit clears it, too."""
        if list(tinges) != self.tinges:
            self.tinges = list(tinges)
            self.notify_style_update()
            self.refresh()

    def offset_of(self, location: Location) -> int:
        """Return the offset in the whole text of the character behind ``location``."""
        starts, lines = self._starts, self.document.lines
        if len(starts) < len(lines):
            known = max(0, len(starts) - 1)
            lengths = (len(line) + 1 for line in lines[known:-1])
            starts[known:] = accumulate(lengths, initial=starts[known] if starts else 0)
        row, column = location
        return self._starts[row] + column

    def location_of(self, offset: int) -> Location:
        self.offset_of((0, 0))
        row = max(0, bisect_left(self._starts, offset + 1) - 1)
        return row, min(offset - self._starts[row], len(self.document.get_line(row)))

    @property
    def text(self) -> str:
        """The whole page. Kept between edits: TextArea asks for it with every line it draws."""
        if self._whole is None:
            self._whole = self.document.text
        return self._whole

    @text.setter
    def text(self, value: str) -> None:
        self.load_text(value)

    def load_text(self, text: str) -> None:
        self._whole, self._starts = None, []
        super().load_text(text)

    def edit(self, edit: Edit) -> EditResult:
        result = super().edit(edit)
        self._whole = None
        del self._starts[edit.top[0] + 1 :]
        if self.tinges:
            self.show_tinges(())
        return result

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        if self.marks or self.unseen or self.tinges:
            start = self.offset_of((line_index, 0))
            end = start + len(line)
            # The first mark that reaches into the line; a long story has thousands before it.
            first = bisect_left(self.marks, start + 1, key=lambda mark: mark[1])
            style = self.get_component_rich_style("editor--model", partial=True)
            for low, high in self.marks[first:]:
                if low >= end:
                    break
                line.stylize(style, max(0, low - start), high - start)
            for low, high, tinge in self.tinges:
                if high > start and low < end:
                    style = self.get_component_rich_style(f"editor--{tinge}", partial=True)
                    line.stylize(style, max(0, low - start), high - start)
            if start < self.unseen:
                line.stylize(self.get_component_rich_style("editor--unseen", partial=True), 0, self.unseen - start)
        return line

    def action_go_to(self, where: str, select: bool = False) -> None:
        """Go to the start or the end of the whole story, however long it is."""
        self.move_cursor((0, 0) if where == "start" else self.document.end, select=select)

    # -- the stream --

    @property
    def streaming(self) -> bool:
        return self._pen is not None

    def begin(self) -> None:
        """Begin to show what the model writes at the end. Until :meth:`give_back` the page takes no keys of its own."""
        self.finish()
        end = self.offset_of(self.document.end)
        self.marks.append((end, end))
        self.streamed = self._waiting = self._typed = ""
        self.read_only = True
        self._pen = self.set_interval(1 / FLUSHES_A_SECOND, self._flush_in_turn)

    def feed(self, text: str) -> None:
        """Take text of the model; it appears with the next flush, so a fast model does not redraw for every token."""
        self._waiting += text

    def _flush_in_turn(self) -> None:
        if not awaited(self.app):
            self.flush()

    def flush(self) -> None:
        """Show what has been fed. The view follows only while the end is in sight: nobody is pulled from reading."""
        if not self._waiting:
            return
        text, self._waiting = self._waiting, ""
        self.on_flush(text)
        self.streamed += text
        start, _ = self.marks[-1]
        end = self.document.end
        follows = self.cursor_location == end and self._end_in_sight()
        self._holding = not follows
        try:
            with self.appending():
                self.insert(text, end, maintain_selection_offset=not follows)
                if follows:
                    self.scroll_cursor_visible()  # the page has only now become longer
        finally:
            self._holding = False
        self.marks[-1] = (start, start + len(self.streamed))

    def finish(self) -> str:
        """Show the rest and return all that was streamed, as the model has stopped. See :meth:`give_back`."""
        if self._pen is None:
            return ""
        self.flush()
        self._pen.stop()
        self._pen = None
        if self.marks and self.marks[-1][0] == self.marks[-1][1]:
            self.marks.pop()
        return self.streamed

    @property
    def typed(self) -> bool:
        """Whether something was typed while the page was the model's."""
        return bool(self._typed)

    def give_back(self) -> None:
        """Take keys again, and insert at the cursor what was typed meanwhile.

        Styles and draws the page anew, so call it after showing that the model has stopped.
        """
        self.read_only = False
        typed, self._typed = self._typed, ""
        if typed:
            self.insert(typed, maintain_selection_offset=False)

    def on_key(self, event: events.Key) -> None:
        if self.read_only and (event.is_printable or event.key in ("enter", "backspace", "delete")):
            event.stop()
            event.prevent_default()
            if event.key == "backspace":
                self._typed = self._typed[:-1]
            else:
                self._typed += "\n" if event.key == "enter" else event.character or ""
            self.post_message(self.TookOver(self))

    def on_paste(self, event: events.Paste) -> None:
        if self.read_only:
            event.stop()
            event.prevent_default()
            self._typed += event.text
            self.post_message(self.TookOver(self))

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        return Offset() if self._holding else super().scroll_cursor_visible(center, animate)

    def _end_in_sight(self) -> bool:
        return self.virtual_size.height - self.scroll_offset.y <= self.scrollable_content_region.height + 1
