"""17: the method of a training, chosen in the form's drawer, with a line on what each is for."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Collapsible, Static

from kobold_modules.training.settings import METHODS
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.tui.widgets.choice import Choice
from kobold_modules.tui.widgets.training.recipe_panel import METHOD, RecipePanel
from tests.tui.conftest import Open
from tests.tui.screens.training.conftest import choose, opened


def test_every_method_that_trains_has_a_line_on_what_it_is_for() -> None:
    assert set(METHODS) <= set(METHOD)
    assert all(METHOD[method] for method in METHODS)


async def test_the_method_is_chosen_in_the_drawer(stage: Open, pages: Path) -> None:
    async with stage() as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        train.query_one("#more", Collapsible).collapsed = False
        train.query_one("#method", Choice).focus()
        await on.settled()
        form = train.query_one(RecipePanel)
        assert form.recipe.method == "prompt"
        for method in METHODS[1:]:
            await on.press("right")
            assert form.recipe.method == method
            assert str(train.query_one("#method-meaning", Static).render()) == METHOD[method]
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")
        (training,) = TrainingQueue().trainings()
        assert training.request.method == METHODS[-1]
