"""A short text that changes again and again: the training's progress, the last seed."""

from __future__ import annotations

from textual.visual import Visual, VisualType
from textual.widgets import Static


class StableStatic(Static):
    """A Static that asks for a new layout only where it takes more or less room than before.

    Laying out a screen with a page of prose takes longer than all the rest of a frame, and what a key has changed waits
    for it.
    """

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        if not (layout and self.is_mounted and self.outer_size) or self._layout_required:
            super().update(content, layout=layout)
            return
        before = self._room(self.visual)
        super().update(content, layout=False)
        if self._room(self.visual) != before:
            self.refresh(layout=True)

    def _room(self, visual: Visual) -> tuple[int, int]:
        """Return the cells it is wide, as far as that is its own choice, and the lines it is high.

        Not by its ``size``, which has the screen laid out where a layout is due.
        """
        rules, own = self.styles.get_rules(), self.styles.width
        wide = visual.get_optimal_width(rules, self.container_size.width) if own is not None and own.is_auto else 0
        return wide, visual.get_height(rules, max(1, self.outer_size.width - self.gutter.width))
