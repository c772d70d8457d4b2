"""One layer of a stack: a module, how strong it is, and whether it is switched on.

This is the only type for it. What stands for the module depends on who holds the layer: its vectors before an engine
(:class:`~.module.Module`, :class:`~.deep_prefix.DeepPrefix`), its entry in the library on a screen, the path of its
file in a message to the worker, its folder's name in a story, its name and digest in a stack file. ``with_module``
leads from one to the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, Self, TypeVar


class Named(Protocol):
    """What a row of layers says of its modules."""

    @property
    def name(self) -> str: ...

    @property
    def tokens(self) -> int: ...


NO_MODULE = "no module"  # the label of an empty stack
M_co = TypeVar("M_co", covariant=True)
Other = TypeVar("Other")
N = TypeVar("N", bound=Named)


@dataclass(frozen=True, slots=True)
class Layer(Generic[M_co]):
    """One module of a stack. ``strength`` 1 is as trained, 0 has no effect."""

    module: M_co
    strength: float = 1.0
    on: bool = True

    @property
    def active(self) -> bool:
        """Whether the module changes what is written."""
        return self.on and self.strength != 0

    def with_module(self, module: Other) -> Layer[Other]:
        """Return this layer with ``module``: the same one in another form."""
        return Layer(module, self.strength, self.on)


def layer_from_data(data: Any) -> Layer[str]:
    """Return the layer in decoded JSON: ``{"module": "noir", "strength": 0.5, "on": true}``.

    Raises:
        ValueError: ``data`` is no layer.
    """
    if not isinstance(data, dict):
        raise ValueError("a layer is an object")
    module = data.get("module", data.get("path"))  # takes that were kept by 0.1 have a path
    strength, on = data.get("strength", 1.0), data.get("on", True)
    if not isinstance(module, str) or isinstance(strength, bool) or not isinstance(strength, int | float):
        raise ValueError("a layer has a module and a strength")
    if not isinstance(on, bool) or not math.isfinite(strength):
        raise ValueError("a strength is a number, on is true or false")
    return Layer(module, float(strength), on)


@dataclass(frozen=True, slots=True)
class Layers(Generic[N]):
    """Layers in the order their modules stand before the text. Every change makes a new value."""

    layers: tuple[Layer[N], ...] = ()

    @property
    def active(self) -> tuple[Layer[N], ...]:
        """The layers that change what is written."""
        return tuple(layer for layer in self.layers if layer.active)

    @property
    def tokens(self) -> int:
        """Virtual tokens that the active modules take from the context."""
        return sum(layer.module.tokens for layer in self.active)

    @property
    def label(self) -> str:
        """``noir + world ×0.5``, or ``no module``: what a story notes beside a take."""
        names = [layer.module.name + ("" if layer.strength == 1 else f" ×{layer.strength:g}") for layer in self.active]
        return " + ".join(names) or NO_MODULE

    def add(self, module: N, strength: float = 1.0, on: bool = True) -> Self:
        """Return the stack with ``module`` behind the others."""
        return self.insert(len(self.layers), Layer(module, strength, on))

    def insert(self, index: int, layer: Layer[N]) -> Self:
        """Return the stack with ``layer`` at ``index``, or last if there are fewer."""
        return replace(self, layers=(*self.layers[:index], layer, *self.layers[index:]))

    def remove(self, index: int) -> Self:
        """Return the stack without the layer at ``index``."""
        return replace(self, layers=self.layers[:index] + self.layers[index + 1 :])

    def move(self, index: int, by: int) -> Self:
        """Return the stack with the layer at ``index`` moved ``by`` places, as far as there is room."""
        target = max(0, min(len(self.layers) - 1, index + by))
        return self.remove(index).insert(target, self.layers[index])

    def change(self, index: int, *, strength: float | None = None, on: bool | None = None) -> Self:
        """Return the stack with another strength or switch of the layer at ``index``."""
        layer = self.layers[index]
        layer = replace(
            layer, strength=layer.strength if strength is None else strength, on=layer.on if on is None else on
        )
        return replace(self, layers=(*self.layers[:index], layer, *self.layers[index + 1 :]))
