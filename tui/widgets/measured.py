"""A wrapped text that remembers how high it is.

Textual's adds up all of its lines each time it is asked, which is several times for every line it draws: in a novel
that is half of what a streamed word costs. Only wrapping changes the height, so it is added up after that.
"""

from __future__ import annotations

from textual.document._document import Location
from textual.document._wrapped_document import WrappedDocument


class MeasuredDocument(WrappedDocument):
    """See the module."""

    _height: int | None = None
    wraps = 0  # how often all of it has been wrapped

    @classmethod
    def of(cls, wrapped: WrappedDocument) -> MeasuredDocument:
        """``wrapped`` itself, measured from now on: wrapping a novel a second time would take as long as the first."""
        wrapped.__class__ = cls
        assert isinstance(wrapped, MeasuredDocument)
        return wrapped

    @property
    def height(self) -> int:
        if self._height is None:
            self._height = super().height
        return self._height

    def wrap(self, width: int, tab_width: int | None = None) -> None:
        self._height = None
        self.wraps += 1
        super().wrap(width, tab_width)

    def wrap_range(self, start: Location, old_end: Location, new_end: Location) -> None:
        self._height = None
        super().wrap_range(start, old_end, new_end)

    def line_at(self, y: int) -> int | None:
        """The line of the text that the wrapped line ``y`` is a part of; None below the last."""
        return self._offset_to_line_info[y][0] if 0 <= y < len(self._offset_to_line_info) else None

    def first_of(self, line: int) -> int:
        """The wrapped line with which ``line`` of the text begins."""
        return self.location_to_offset((line, 0)).y
