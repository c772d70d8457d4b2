"""A falling line in braille: two by four dots a cell, so a whole training fits beside prose, in any terminal.

Drawn by us because the one plotting widget for Textual is unmaintained and a line needs no axes library.
"""

from __future__ import annotations

from collections.abc import Sequence


BRAILLE = 0x2800
# Bit of a dot by its column (0, 1) and row (0 at the top) in a braille cell.
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))

Point = tuple[int, float]


def braille(points: Sequence[Point], width: int, height: int) -> list[str]:
    """Draw a line through ``points`` (by rising first part) as ``height`` lines of ``width`` braille cells.

    The lowest value lies on the bottom row, the highest on the top one; a flat curve runs through the middle.
    """
    if not points or width <= 0 or height <= 0:
        return []
    columns, rows = width * 2, height * 4
    values = _resampled(points, columns)
    low, high = min(values), max(values)
    span = high - low
    cells = [[0] * width for _ in range(height)]
    before: int | None = None
    for x, value in enumerate(values):
        y = round((high - value) / span * (rows - 1)) if span > 0 else rows // 2
        # A steep fall is drawn as an unbroken stroke, not as scattered dots.
        for dot in range(min(y, y if before is None else before), max(y, y if before is None else before) + 1):
            cells[dot // 4][x // 2] |= DOTS[x % 2][dot % 4]
        before = y
    return ["".join(chr(BRAILLE | dots) if dots else " " for dots in row) for row in cells]


def _resampled(points: Sequence[Point], columns: int) -> list[float]:
    """Return the curve's height at ``columns`` evenly spaced steps, straight between points."""
    first, last = points[0][0], points[-1][0]
    if len(points) == 1 or last <= first:
        return [points[-1][1]] * columns
    values, right = [], 1
    for column in range(columns):
        at = first + (last - first) * column / max(1, columns - 1)
        while right < len(points) - 1 and points[right][0] < at:
            right += 1
        (x0, y0), (x1, y1) = points[right - 1], points[right]
        share = 0.0 if x1 <= x0 else min(1.0, max(0.0, (at - x0) / (x1 - x0)))
        values.append(y0 + (y1 - y0) * share)
    return values
