"""The stylesheet, parsed once, and applied once before the first frame.

Textual parses every source anew whenever a screen with a stylesheet of its own is opened or the theme is set, and keeps
no more than 64 parsed sources, which is fewer than one screen has widgets with styles: half of the time to the first
frame that is not spent on imports. What a source means changes only with the variables of the theme.

It also styles every widget as it is mounted, and all of them once more when the size and the focus are known. Nobody
sees what the first styling did, so a sheet can be held until then.
"""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode


SOURCES = 1024
Known = dict[tuple[object, ...], RulesMap]


class Sheet(Stylesheet):
    """Keeps what it has parsed for as long as the variables stay the same. While ``held`` it styles nothing."""

    def __init__(self, *, variables: dict[str, str] | None = None, held: bool = False) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(SOURCES)
        self.held = held

    def apply(self, node: DOMNode, *, animate: bool = False, cache: Known | None = None) -> None:
        if not self.held:
            super().apply(node, animate=animate, cache=cache)

    @classmethod
    def replace_rules(cls, node: DOMNode, rules: RulesMap, animate: bool = False) -> None:
        """Draw the node once, not once for each of its rules, where nothing was replaced yet."""
        if node.styles.base._rules or not node._is_mounted:
            super().replace_rules(node, rules, animate)
            return
        node._is_mounted = False  # what a style asks when it is set
        try:
            super().replace_rules(node, rules, animate)
        finally:
            node._is_mounted = True
        node.refresh(layout=True)

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse as far as needed.

        Rules are replaced when all sources are parsed: an error leaves the old ones in force.
        """
        if self.held:
            self._require_parse = True
        else:
            self.parse()
