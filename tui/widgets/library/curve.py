"""A training curve: a line in braille with its highest and lowest loss beside it."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from kobold_modules.braille import Point, braille


class Curve(Widget):
    """``points`` drawn over its whole width, with the highest and lowest loss beside it and the steps below."""

    DEFAULT_CSS = """
    Curve {
        height: 6;
        width: 1fr;
        max-width: 72;
        color: $foreground;
    }
    """

    points: reactive[tuple[Point, ...]] = reactive(())

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.size))

    def _lines(self, size: Size) -> list[Content]:
        if len(self.points) < 2 or size.width < 12 or size.height < 3:
            return [Content.styled("No curve was saved.", "$foreground-muted")]
        values = [value for _, value in self.points]
        top, bottom = f"{max(values):.2f}", f"{min(values):.2f}"
        margin = max(len(top), len(bottom))
        drawn = braille(self.points, size.width - margin - 1, size.height - 1)
        lines = []
        for row, line in enumerate(drawn):
            label = top if row == 0 else bottom if row == len(drawn) - 1 else ""
            lines.append(Content.assemble((f"{label:>{margin}} ", "$foreground-muted"), (line, "$text-accent")))
        start, end = f"step {self.points[0][0]:,}", f"{self.points[-1][0]:,}"
        room = size.width - margin - 1 - len(start) - len(end)
        lines.append(Content.styled(" " * (margin + 1) + start + " " * max(1, room) + end, "$foreground-muted"))
        return lines
