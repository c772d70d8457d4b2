"""A wrapped text that knows how high it is.

Textual's adds up all of its lines each time it is asked, which is several times for every line it draws: in a novel
that is half of what a streamed word costs. It keeps a list of the wrapped lines anyway; its length is the height.
"""

from __future__ import annotations

from textual.document._wrapped_document import WrappedDocument


class MeasuredDocument(WrappedDocument):
    """See the module."""

    wraps = 0  # how often all of it has been wrapped

    @classmethod
    def of(cls, wrapped: WrappedDocument) -> MeasuredDocument:
        """Measure ``wrapped`` itself from now on: wrapping a novel a second time would take as long as the first."""
        wrapped.__class__ = cls
        assert isinstance(wrapped, MeasuredDocument)
        return wrapped

    @property
    def height(self) -> int:
        return len(self._offset_to_line_info)

    def wrap(self, width: int, tab_width: int | None = None) -> None:
        self.wraps += 1
        super().wrap(width, tab_width)

    def first_of(self, line: int) -> int:
        """Return the wrapped line with which ``line`` of the text begins."""
        return self.location_to_offset((line, 0)).y
