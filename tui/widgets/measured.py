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
        super().wrap(width, tab_width)

    def wrap_range(self, start: Location, old_end: Location, new_end: Location) -> None:
        self._height = None
        super().wrap_range(start, old_end, new_end)
