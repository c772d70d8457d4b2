"""The stack on the screens: library entries, each with a strength and a switch.

No vectors are in it: the worker loads modules by path, so the terminal process never reads a matrix.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from kobold_modules.library.library import Entry
from kobold_modules.library.listing import Listing
from kobold_modules.soft_prompt.layer import Layer, Layers


WEAKEST, STRONGEST, STEP = 0.0, 2.0, 0.05


@dataclass(frozen=True, slots=True)
class EntryStack(Layers[Entry]):
    """The stack, first module first. Every change makes a new one."""

    def index(self, entry: Entry) -> int | None:
        """Return where ``entry`` stands, or None."""
        return next((i for i, layer in enumerate(self.layers) if layer.module.slug == entry.slug), None)

    def strengthen(self, index: int, by: float) -> Self:
        """Return the stack with the layer at ``index`` stronger by ``by``, within what a slider can show."""
        strength = min(STRONGEST, max(WEAKEST, round(self.layers[index].strength + by, 2)))
        return self.change(index, strength=strength)

    def refreshed(self, entries: Listing, renamed: dict[str, str] | None = None) -> Self:
        """Return the same stack over the shelf as it is now: renamed modules follow, vanished ones leave."""
        kept = []
        for layer in self.layers:
            entry = entries.filed((renamed or {}).get(layer.module.slug, layer.module.slug))
            if entry is not None:
                kept.append(layer.with_module(entry))
        return replace(self, layers=tuple(kept))

    def paths(self) -> tuple[Layer[str], ...]:
        """Return the active layers as the worker loads them: by the paths of their files."""
        return tuple(layer.with_module(str(layer.module.path)) for layer in self.active)

    def slugs(self) -> tuple[Layer[str], ...]:
        """Return all layers as a story keeps them: by the names of their folders in the library."""
        return tuple(layer.with_module(layer.module.slug) for layer in self.layers)

    @classmethod
    def from_slugs(cls, kept: Iterable[Layer[str]], entries: Listing) -> Self:
        """Return the stack that :meth:`slugs` left, as far as its modules are in the library and in order."""
        found = ((layer, entries.filed(layer.module)) for layer in kept)
        return cls(tuple(layer.with_module(entry) for layer, entry in found if entry is not None and not entry.problem))
