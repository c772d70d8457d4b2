"""The stylesheet, parsed once.

Textual parses every source anew whenever a screen with a stylesheet of its own is opened or the theme is set, and keeps
no more than 64 parsed sources, which is fewer than one screen has widgets with styles: half of the time to the first
frame that is not spent on imports. What a source means changes only with the variables of the theme.
"""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet


SOURCES = 1024


class Sheet(Stylesheet):
    """Keeps what it has parsed for as long as the variables stay the same."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """As far as needed. Rules are replaced when all sources are parsed: an error leaves the old ones in force."""
        self.parse()
