"""Plots of an evaluation as SVG inside a page: dots with their intervals between a floor and a ceiling, and a line.

No script, no style sheet, no font of its own; every text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ..evidence import Estimate


WIDTH, LEFT, RIGHT, LINE = 720, 210, 80, 30
INK, PALE, MODULE, EDGE = "#222", "#bbb", "#1f5fa8", "#888"


@dataclass(frozen=True, slots=True)
class Dot:
    """A line of a plot: a label, a number with its interval, and how the number is written.

    ``main`` is what the plot is about; ``edge`` a floor or a ceiling, which is drawn through the whole plot.
    """

    label: str
    estimate: Estimate
    shown: str
    main: bool = False
    edge: bool = False


def dots(lines: Sequence[Dot], title: str, unit: str, zero: bool = False) -> str:
    """Return a plot of ``lines`` on one axis, first above; ``zero`` takes 0 into the axis."""
    ends = [end for dot in lines for end in _ends(dot.estimate)] + ([0.0] if zero else [])
    low, high = min(ends), max(ends)
    spread = (high - low) or max(abs(high), 1e-9)
    low, high = low - 0.04 * spread, high + 0.04 * spread
    height = 44 + LINE * len(lines)

    def at(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts = [_text(LEFT, 14, f"{title} ({unit})" if unit else title, INK)]
    bottom = 26 + LINE * len(lines)
    for number, dot in enumerate(lines):
        if dot.edge:
            parts.append(_line(at(dot.estimate.value), 24, at(dot.estimate.value), bottom, EDGE, "4 3"))
        y = 40 + LINE * number
        color = MODULE if dot.main else INK
        begin, end = _ends(dot.estimate)
        parts += [
            _text(LEFT - 12, y + 4, dot.label, color, "end"),
            _line(LEFT, y, WIDTH - RIGHT, y, "#eee"),
            _line(at(begin), y, at(end), y, color, width=2) if end > begin else "",
            f'<circle cx="{at(dot.estimate.value):.1f}" cy="{y}" r="{5 if dot.main else 4}" fill="{color}"/>',
            _text(WIDTH - RIGHT + 8, y + 4, dot.shown, color),
        ]
    if zero and low < 0 < high:
        parts.append(_line(at(0), 24, at(0), bottom, PALE))
    parts += [
        _text(LEFT, bottom + 14, _number(low), EDGE),
        _text(WIDTH - RIGHT, bottom + 14, _number(high), EDGE, "end"),
    ]
    return _svg(parts, height, title)


def line(values: Sequence[float], title: str, below: str) -> str:
    """Return a plot of ``values`` from left to right."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    spread = (high - low) or 1.0
    step = (WIDTH - 60 - RIGHT) / (len(values) - 1)
    points = [(60 + step * at, 130 - 90 * (value - low) / spread) for at, value in enumerate(values)]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [
        _text(60, 14, title, INK),
        _text(52, 44, _number(high), EDGE, "end"),
        _text(52, 134, _number(low), EDGE, "end"),
        f'<polyline points="{drawn}" fill="none" stroke="{MODULE}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{MODULE}"/>' for x, y in points),
        _text(60, 156, below, EDGE),
    ]
    return _svg(parts, 166, title)


def _svg(parts: Sequence[str], height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" '
        f'aria-label="{escape(title, quote=True)}" font-family="sans-serif" font-size="13">{"".join(parts)}</svg>'
    )


def _ends(estimate: Estimate) -> tuple[float, float]:
    low = estimate.value if estimate.low is None else min(estimate.low, estimate.value)
    return low, estimate.value if estimate.high is None else max(estimate.high, estimate.value)


def _text(x: float, y: float, text: str, color: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, color: str, dash: str = "", width: float = 1) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{color}" stroke-width="{width}"{dashed}/>'


def _number(value: float) -> str:
    return f"{value:.3g}"
