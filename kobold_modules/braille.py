"""A falling line in braille: two by four dots a cell, so a whole training fits beside prose, in any terminal.

Drawn by us because the one plotting widget for Textual is unmaintained and a line needs no axes library.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


BRAILLE = 0x2800
# Bit of a dot by its column (0, 1) and row (0 at the top) in a braille cell.
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))

Point = tuple[int, float]


class Canvas:
    """``width`` by ``height`` braille cells to set dots in.

    A dot is ``(x, y)``: 0 to ``columns - 1`` from the left, 0 to ``rows - 1`` from the top.
    """

    def __init__(self, width: int, height: int) -> None:
        self.columns, self.rows = 2 * width, 4 * height
        self._cells = [[0] * width for _ in range(height)]

    def set(self, x: int, y: int) -> None:
        """Set one dot."""
        self._cells[y // 4][x // 2] |= DOTS[x % 2][y % 4]

    def stroke(self, dots: Sequence[tuple[int, int]]) -> None:
        """Draw a line from dot to dot; ``x`` never falls. A steep fall is an unbroken stroke, not scattered dots."""
        for (x0, y0), (x1, y1) in pairwise(dots) if len(dots) > 1 else [(dot, dot) for dot in dots]:
            for x in range(x0, x1 + 1):
                first = y0 + (y1 - y0) * (x - x0) / max(1, x1 - x0)
                until = y0 + (y1 - y0) * (min(x1, x + 1) - x0) / max(1, x1 - x0)
                for y in range(round(min(first, until)), round(max(first, until)) + 1):
                    self.set(x, y)

    def lines(self) -> list[str]:
        """Return the drawing, a text of ``width`` characters a row; a cell without a dot is a space."""
        return ["".join(chr(BRAILLE | dots) if dots else " " for dots in row) for row in self._cells]


def braille(points: Sequence[Point], width: int, height: int) -> list[str]:
    """Draw a line through ``points`` (in rising order of their first part): ``height`` lines of ``width`` cells.

    The lowest value lies on the bottom row, the highest on the top one; a flat curve runs through the middle.
    """
    if not points or width <= 0 or height <= 0:
        return []
    canvas = Canvas(width, height)
    values = [value for _, value in points]
    low, high = min(values), max(values)
    begin, end = points[0][0], points[-1][0]
    if end <= begin:  # one measurement is a level
        begin, end, points = 0, 1, [(0, values[-1]), (1, values[-1])]

    def y(value: float) -> int:
        return round((high - value) / (high - low) * (canvas.rows - 1)) if high > low else canvas.rows // 2

    canvas.stroke([(round((step - begin) / (end - begin) * (canvas.columns - 1)), y(value)) for step, value in points])
    return canvas.lines()
