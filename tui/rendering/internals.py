"""The few of Textual's private members that screens and widgets need as they are.

Every other patch of them is in this room, too. ``tests/tui/rendering/test_internals.py`` checks that they are what they
were.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:  # the app imports this before its first frame
    from textual.app import App
    from textual.screen import Screen
    from textual.style import Style
    from textual.widget import Widget
    from textual.widgets import TextArea, Tree


def screen_stacks(app: App[Any]) -> dict[str, list[Screen[Any]]]:
    """Return the open screens by mode, the lowest first. Public Textual shows the current mode's alone."""
    return app._screen_stacks


def style_parser(widget: Widget) -> Callable[[str | Style], Style]:
    """Return what makes a style of its name (``$text-muted``) in the current theme, for ``Content.render``."""
    return widget._get_style


def forget_text_lines(area: TextArea) -> None:
    """Have every line drawn anew at the next refresh, where nothing that Textual knows of has changed."""
    area._line_cache.clear()


def forget_tree_lines(tree: Tree[Any]) -> None:
    """Have every line drawn anew at the next refresh, where nothing that Textual knows of has changed."""
    tree._clear_line_cache()
