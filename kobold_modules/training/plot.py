"""A training's loss curve as a picture: SVG, drawn by hand, readable on a light and a dark page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape


WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 300, 64, 36, 16, 40


def curve_svg(curve: Sequence[tuple[int, float]], baselines: Mapping[str, float], title: str) -> str:
    """Draw the held-out loss (nats per token) over steps, with a labelled line for each of ``baselines``."""
    values = [loss for _, loss in curve] + list(baselines.values())
    low, high = min(values), max(values)
    margin = 0.08 * (high - low) or 0.01
    low, high = low - margin, high + margin
    last = max(1, curve[-1][0])

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / last

    def y(loss: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - loss) / (high - low)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fbfaf7"/>',
        f'<text x="{LEFT}" y="20" font-size="14" fill="#222">{escape(title)}</text>',
    ]
    for tick in range(5):
        value = low + (high - low) * tick / 4
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#555">{value:.3f}</text>')
    for name, value in baselines.items():
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#888" '
            'stroke-dasharray="5 4"/>'
        )
        lines.append(
            f'<text x="{WIDTH - RIGHT - 4}" y="{y(value) - 5:.1f}" text-anchor="end" fill="#555">{escape(name)}</text>'
        )
    points = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in curve)
    lines.append(f'<polyline points="{points}" fill="none" stroke="#b4451f" stroke-width="2.5"/>')
    best = min(curve, key=lambda point: point[1])
    lines.append(f'<circle cx="{x(best[0]):.1f}" cy="{y(best[1]):.1f}" r="4" fill="#b4451f"/>')
    lines.append(f'<text x="{LEFT}" y="{HEIGHT - 12}" fill="#555">held-out loss, nats per token, over steps</text>')
    lines.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end" fill="#555">{last} steps</text>')
    return "\n".join([*lines, "</svg>", ""])
