"""The bench is put together from parts: no part inherits from another one, and every key has an action there."""

from __future__ import annotations

import pytest

from kobold_modules.tui.rendering.frames import PromptScreen
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.screens.writing.page import Page
from kobold_modules.tui.screens.writing.stack_views import StackViews
from kobold_modules.tui.screens.writing.story_actions import StoryActions
from kobold_modules.tui.screens.writing.story_opener import StoryOpener
from kobold_modules.tui.screens.writing.story_saver import StorySaver
from kobold_modules.tui.screens.writing.take_writer import TakeWriter


PARTS = (Page, StorySaver, TakeWriter, StoryActions, StoryOpener, StackViews)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_a_part_inherits_nothing(part: type[object]) -> None:
    assert part.__mro__ == (part, object)


def test_the_screen_is_a_screen_and_nothing_else() -> None:
    assert BenchScreen.__bases__ == (PromptScreen[None].__origin__,)


def test_every_key_of_the_bench_has_an_action_there() -> None:
    for binding in BenchScreen.BINDINGS:
        action = binding.action.partition("(")[0]
        assert action.startswith("app.") or hasattr(BenchScreen, f"action_{action}"), action
