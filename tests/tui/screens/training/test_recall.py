"""While a world trains one sees what it knows already, and which questions it still gets wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.widgets import Static

from kobold_modules.records import Recall
from kobold_modules.tui.widgets.training.recall_chart import RecallChart
from tests.tui.conftest import Open, Stage
from tests.tui.screens.training.actor import Actor
from tests.tui.screens.training.conftest import half_way, opened, watching


def said(on: Stage, what: str) -> str:
    return str(on.app.screen.query_one(what, Static).render())


async def test_the_recall_line_rises_and_the_wrong_questions_change(
    stage: Open, pages: Path, actor: Callable[[str], Actor]
) -> None:
    id, played = half_way(actor)
    async with stage(size=(120, 60)) as on:
        await watching(on, id, lambda history: history.total)
        train = await opened(on)
        chart = train.query_one(RecallChart)
        assert not chart.display  # a style is asked nothing
        assert "Held-out pages" in said(on, "#chart-title")
        played.tell(Recall(0, 12, 48, 7.3, ("Who keeps the light?", "Who built the tower?")))
        await watching(on, id, lambda history: history.recalls)
        await on.until(lambda: "12 of 48 questions right (25%)" in said(on, "#recall-title"))
        assert "Who keeps the light?" in said(on, "#wrong")
        assert "and 34 more" in said(on, "#wrong")
        assert "Answers to held-out questions" in said(on, "#chart-title")
        played.tell(Recall(10, 36, 48, 4.06, ("Who built the tower?",)))
        await watching(on, id, lambda history: len(history.recalls) == 2)
        await on.until(lambda: "36 of 48 questions right (75%), 12 at step 0; 4.06 nats" in said(on, "#recall-title"))
        assert "Who keeps the light?" not in said(on, "#wrong")
        assert "Who built the tower?" in said(on, "#wrong")
        assert chart.points == ((0, 0.25), (10, 0.75))
        lines = str(chart.render()).splitlines()
        assert lines[0].startswith("100 %")
        assert "guessing 25 %" in str(chart.render())
        first, last = (min(n for n, line in enumerate(lines[:-1]) if _drawn(line[6:])[at]) for at in (0, 1))
        assert last < first  # the line ends higher than it begins


def _drawn(cells: str) -> tuple[bool, bool]:
    """Return whether the line of the curve passes the beginning and the middle of a row (half the budget is spent)."""
    middle = len(cells.split(" guessing")[0].rstrip()) and 22
    return any(cell > "\u2800" for cell in cells[:1]), any(cell > "\u2800" for cell in cells[middle : middle + 2])
