"""What a world module knows while it trains: a line that rises, and the questions it still gets wrong."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from kobold_modules.braille import Canvas
from kobold_modules.records import Recall


GUESSING = 0.25  # share of right answers by chance: each question has four to choose from
MOST_WRONG = 8  # that are listed


def share(recall: Recall) -> float:
    """Return the share of right answers, 0 to 1."""
    return recall.right / recall.asked if recall.asked else 0.0


class RecallChart(Widget):
    """The share of questions answered rightly, from none (bottom) to all (top), over the whole budget of ``total``."""

    DEFAULT_CSS = """
    RecallChart {
        height: 6;
        width: 1fr;
        max-width: 120;
    }
    """

    points: reactive[tuple[tuple[int, float], ...]] = reactive(())
    total: reactive[int] = reactive(0)

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.size.width, self.size.height))

    def _lines(self, width: int, height: int) -> list[Content]:
        if not self.points or width < 20 or height < 3:
            return []
        label, margin = "guessing 25 %", 5
        inner = width - margin - len(label) - 2
        curve, under = Canvas(inner, height - 1), Canvas(inner, height - 1)
        last = max(self.total, self.points[-1][0], 1)

        def y(value: float) -> int:
            return round((1 - value) * (curve.rows - 1))

        curve.stroke([(round(step / last * (curve.columns - 1)), y(value)) for step, value in self.points])
        for column in range(0, under.columns, 3):
            under.set(column, y(GUESSING))
        scale = {0: "100 %", height - 2: "0 %"}
        lines = []
        for row, (cells, marks) in enumerate(zip(curve.lines(), under.lines(), strict=True)):
            parts = [
                (cell, "$text-success") if cell != " " else (mark, "$foreground-muted")
                for cell, mark in zip(cells, marks, strict=True)
            ]
            named = f" {label}" if row == y(GUESSING) // 4 else ""
            lines.append(
                Content.assemble(
                    (f"{scale.get(row, ''):>{margin}} ", "$foreground-muted"), *parts, (named, "$foreground-muted")
                )
            )
        steps = f"{last:,} steps"
        lines.append(
            Content.styled(f"{'':{margin + 1}}step 0{steps:>{max(len(steps), inner - 6)}}", "$foreground-muted")
        )
        return lines


def recall_title(recalls: Sequence[Recall]) -> Content:
    """Say how many questions are answered rightly now, and how many were at first."""
    first, now = recalls[0], recalls[-1]
    said = Content.assemble(
        ("Recall", "bold $text-primary"), f"  {now.right} of {now.asked} questions right ({share(now):.0%})"
    )
    since = f", {first.right} at step {first.step:,}" if len(recalls) > 1 else ""
    return Content.assemble(said, (f"{since}; {now.nats:.2f} nats per token of an answer", "$foreground-muted"))


def still_wrong(recall: Recall) -> Content:
    """List questions that still get a wrong answer."""
    if not recall.wrong:
        return Content()
    lines = [Content.styled("Still wrong", "bold $text-primary")]
    lines += [Content.assemble(("? ", "$text-warning"), question) for question in recall.wrong[:MOST_WRONG]]
    if (rest := recall.asked - recall.right - len(lines) + 1) > 0:
        lines.append(Content.styled(f"and {rest:,} more", "$foreground-muted"))
    return Content("\n").join(lines)
