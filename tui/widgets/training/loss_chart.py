"""The held-out loss while a module trains, with what it has to beat drawn in.

Baselines are dashed lines with their names at the right edge: the plain model, and the model with the writer's own
words in front of it instead of a module. The width stands for the whole budget, so that what is left can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from kobold_modules.braille import BRAILLE, Canvas


PATTERNS = ((0, 1, 2), (4,))  # dots of every six that are set, by baseline: dashes, then points between them
PERIOD = 6
BEST = "◆"


@dataclass(frozen=True, slots=True)
class Chart:
    """``points`` (step, loss) in rising order; ``baselines`` (name, loss); ``total`` steps of the whole budget."""

    points: tuple[tuple[int, float], ...] = ()
    baselines: tuple[tuple[str, float], ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the drawing: ``cells`` of the curve, ``marks`` of baselines under it, a label at each end."""

    scale: str
    cells: str
    marks: str
    label: str
    best: int | None = None


def draw(chart: Chart, width: int, height: int) -> list[Row]:
    """Draw ``height`` rows whose drawing is ``width`` cells wide. The lowest value lies on the bottom row."""
    values = [value for _, value in chart.points] + [value for _, value in chart.baselines]
    if not values or width < 2 or height < 1:
        return []
    low, high = min(values), max(values)
    span = high - low or 1.0
    curve, under = Canvas(width, height), Canvas(width, height)

    def y(value: float) -> int:
        return round((high - value) / span * (curve.rows - 1))

    last = max(chart.total, chart.points[-1][0] if chart.points else 0, 1)

    def x(step: int) -> int:
        return round(step / last * (curve.columns - 1))

    curve.stroke([(x(step), y(value)) for step, value in chart.points])
    labels = [""] * height
    for number, (name, value) in enumerate(chart.baselines):
        dot = y(value)
        for column in range(under.columns):
            if column % PERIOD in PATTERNS[min(number, len(PATTERNS) - 1)]:
                under.set(column, dot)
        labels[_free(labels, dot // 4)] = f"{name} {value:.3f}"
    best = min(chart.points, key=lambda point: point[1]) if chart.points else None
    at = (y(best[1]) // 4, min(width - 1, x(best[0]) // 2)) if best and len(chart.points) > 1 else None
    scale = {0: f"{high:.3f}", height - 1: f"{low:.3f}"}
    return [
        Row(scale.get(row, ""), cells, marks, labels[row], _at(at, row))
        for row, (cells, marks) in enumerate(zip(curve.lines(), under.lines(), strict=True))
    ]


def _at(best: tuple[int, int] | None, row: int) -> int | None:
    return best[1] if best is not None and best[0] == row else None


def _free(labels: list[str], wanted: int) -> int:
    """Return the row nearest to ``wanted`` that has no label yet."""
    free = [row for row, label in enumerate(labels) if not label] or [wanted]
    return min(free, key=lambda row: (abs(row - wanted), row))


class LossChart(Widget):
    """Draws ``chart`` over its whole width."""

    DEFAULT_CSS = """
    LossChart {
        height: 9;
        width: 1fr;
    }
    """

    chart: reactive[Chart] = reactive(Chart())

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.size.width, self.size.height))

    def _lines(self, width: int, height: int) -> list[Content]:
        chart = self.chart
        if not chart.points:
            return [Content.styled("The curve begins with the first measurement.", "$foreground-muted")]
        names = max((len(f"{name} {value:.3f}") for name, value in chart.baselines), default=0)
        margin = max(len(f"{value:.3f}") for _, value in (*chart.points, *chart.baselines))
        inner = width - margin - 1 - (names + 1 if names else 0)
        lines = []
        for row in draw(chart, max(2, inner), max(1, height - 1)):
            cells = []
            for at, (cell, mark) in enumerate(zip(row.cells, row.marks, strict=True)):
                if row.best == at:
                    cells.append((BEST, "bold $text-success"))
                elif cell != " ":
                    both = chr(ord(cell) | (ord(mark) if mark != " " else BRAILLE))
                    cells.append((both, "$text-accent"))
                else:
                    cells.append((mark, "$foreground-muted"))
            lines.append(
                Content.assemble(
                    (f"{row.scale:>{margin}} ", "$foreground-muted"), *cells, (f" {row.label}", "$foreground-muted")
                )
            )
        best = min(chart.points, key=lambda point: point[1])
        start = f"{BEST} best {best[1]:.3f} at step {best[0]:,}" if len(chart.points) > 1 else "step 0"
        end = f"{max(chart.total, chart.points[-1][0]):,} steps"
        room = max(1, inner - len(start) - len(end))
        lines.append(Content.styled(" " * (margin + 1) + start + " " * room + end, "$foreground-muted"))
        return lines
