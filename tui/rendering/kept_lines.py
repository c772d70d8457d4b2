"""A text area that keeps its lines as they were drawn.

Textual draws all that is in sight anew with every change, margins and all. While a model writes thirty times a second,
only the end of what it writes differs, and the place of the rest on the screen; so a line that has been drawn is drawn
again only when what it says or how it looks has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widgets import TextArea

from .measured import MeasuredDocument


MOST_KEPT = 500


class KeptLines(TextArea):
    """See the module. Text is added at the end within :meth:`appending`, which is what costs nothing."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._kept: dict[int, Strip] = {}  # by their place in the wrapped text
        self._kept_for: tuple[object, ...] = ()
        self._appending = False
        self._thumb = (0, 0)
        self._laid_out = False
        super().__init__(*arguments, **options)

    @property
    def wrapped_document(self) -> MeasuredDocument:
        return self._wrapped

    @wrapped_document.setter
    def wrapped_document(self, wrapped: WrappedDocument) -> None:
        self._wrapped = MeasuredDocument.of(wrapped)

    @contextmanager
    def appending(self) -> Iterator[None]:
        """Add text at the end of the document inside, and change nothing else."""
        wrapped, last = self.wrapped_document, self.document.end[0]
        place, before = wrapped.first_of(last), wrapped.get_offsets(last)
        self._appending = True
        try:
            yield
        finally:
            self._appending = False
            for old, new in zip(before, wrapped.get_offsets(last), strict=False):
                if old != new:
                    break
                place += 1  # broken where it was: what comes before is as it was
            self.forget(place, max(self._kept, default=0))
            self._draw_scrollbar()

    def forget(self, first: int, last: int) -> None:
        """Draw the wrapped lines from ``first`` to ``last`` anew when they are next in sight."""
        for at in [at for at in self._kept if first <= at <= last]:
            del self._kept[at]

    def render_lines(self, crop: Region) -> list[Strip]:
        if self.suggestion or self.gutter.top or not self.selection.is_empty or not self.document.end > (0, 0):
            return super().render_lines(crop)
        look = self._look
        if look != self._kept_for or len(self._kept) > MOST_KEPT:
            self._kept, self._kept_for = {}, look
            if self._theme:
                self._theme.apply_css(self)
        width, top, wrapped, strips = self.region.width, self.scroll_offset.y, self.wrapped_document, []
        cursor = wrapped.location_to_offset(self.cursor_location).y
        for y in crop.line_range:
            at = top + y
            strip = self._kept.get(at) if at != cursor else None
            if strip is None:
                line = Region(0, y, width, 1)
                self._styles_cache.set_dirty(line)  # it may hold what stood at this height before
                (strip,) = ScrollView.render_lines(self, line)  # TextArea's own looks up all styles for each line
                if at < wrapped.height and at != cursor:
                    self._kept[at] = strip
            strips.append(strip)
        if crop.column_span != (0, width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    @property
    def _look(self) -> tuple[object, ...]:
        """All that the look of a line depends on, but for what it says and the styles (see notify_style_update)."""
        wrapped = self.wrapped_document
        place = (self.size, self.gutter, self.scroll_offset.x, wrapped, wrapped.wraps)
        colours = (self.app.theme, self.theme, self.background_colors, self.opacity, *self.get_line_filters())
        return (*place, *colours, self.read_only, self.has_focus)

    def notify_style_update(self) -> None:
        self._kept_for = ()
        super().notify_style_update()

    def _build_highlight_map(self) -> None:
        super()._build_highlight_map()  # after every change of the text
        if not self._appending:
            self._kept.clear()

    def _rewrap_and_refresh_virtual_size(self) -> None:
        """Rewrap at another width, which breaks all lines elsewhere: a cursor in sight stays in sight."""
        height = self.scrollable_content_region.height
        cursor = self.wrapped_document.location_to_offset(self.cursor_location).y
        seen = not self._laid_out or 0 <= cursor - self.scroll_offset.y <= height
        super()._rewrap_and_refresh_virtual_size()
        self._cursor_offset = self.wrapped_document.location_to_offset(self.cursor_location)
        if seen and height:
            self._laid_out = True
            self.scroll_cursor_visible()

    # -- growing behind a scroll bar --

    def _refresh_size(self) -> None:
        """Change the page's size without a layout of the screen.

        A page that grows behind its scroll bar changes no other widget's place, and a layout would draw the whole
        screen thirty times a second.
        """
        size = Size(0, self.wrapped_document.height)
        if self._appending and self.show_vertical_scrollbar and size.height >= self.virtual_size.height:
            self.set_reactive(KeptLines.virtual_size, size)
            self.vertical_scrollbar.set_reactive(ScrollBar.window_virtual_size, size.height)
            self.scroll_y = self.validate_scroll_y(self.scroll_y)
        else:
            super()._refresh_size()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self._appending and self.show_vertical_scrollbar:
            bar = self.vertical_scrollbar
            bar.set_reactive(ScrollBar.position, bar.validate_position(new_value))
            if round(old_value) != round(new_value):
                self.refresh(self.size.region)
        else:
            super().watch_scroll_y(old_value, new_value)

    def _draw_scrollbar(self) -> None:
        """Draw it if that shows: at the end of a novel its thumb stays where it is, whatever is added."""
        if self.show_vertical_scrollbar:
            bar = self.vertical_scrollbar
            eighths = 8 * self.size.height / max(1, bar.window_virtual_size)
            thumb = (int(eighths * bar.position), int(eighths * bar.window_size))
            if thumb != self._thumb:
                self._thumb = thumb
                bar.refresh()
