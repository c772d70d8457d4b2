"""Gradient checkpointing of a frozen model: layers forget what they computed and compute it again going backward.

A step then remembers one hidden state a layer instead of everything inside it, for a quarter more time (Chen et al.
2016, "Training Deep Nets with Sublinear Memory Cost"). transformers' own switch drops the cache of keys and values and
asks for training mode, which turns dropout on; here a layer sees the cache just as it was when it computes again, so a
shared prompt works as before, and the numbers are the same to the last bit on a CPU.

Where a layer's weights come from can be chosen too: streaming.py brings them from memory or disk when they are needed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Literal

from torch import Tensor, is_grad_enabled, nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint


Way = Literal["forward", "backward"]
# The weights of a layer by name, or None for those it holds itself; called with the layer's number and the direction.
Weights = Callable[[int, Way], "dict[str, Tensor] | None"]


def layers_of(model: Any) -> nn.ModuleList:
    """Return the decoder's stack of layers: of its module lists, the one with the most weights."""
    stacks = [module for module in model.get_decoder().modules() if isinstance(module, nn.ModuleList)]
    return max(stacks, key=lambda stack: sum(p.numel() for p in stack.parameters()))


class Recomputed:
    """``model``'s layers, made to compute again on the way backward. :meth:`undo` leaves the model as it was."""

    def __init__(self, model: Any, weights: Weights | None = None) -> None:
        self.layers = list(layers_of(model))
        self._weights: Weights = weights or (lambda layer, way: None)
        for index, layer in enumerate(self.layers):
            layer.forward = _Again(index, layer, self._weights)

    def undo(self) -> None:
        for layer in self.layers:
            layer.__dict__.pop("forward", None)


class _Again:
    """Stands in for one layer's ``forward``."""

    def __init__(self, index: int, layer: nn.Module, weights: Weights) -> None:
        self._index = index
        self._layer = layer
        self._plain = layer.forward
        self._weights = weights
        self._inside = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._inside:
            return self._plain(*args, **kwargs)
        cache = _cache_in(args, kwargs)
        if not is_grad_enabled():
            return self._compute("forward", args, kwargs)
        before = None if cache is None else _one_layer(cache, self._index)
        times = 0

        def run() -> Any:
            nonlocal times
            times += 1
            way: Way = "forward" if times == 1 else "backward"
            if cache is None or before is None:
                return self._compute(way, args, kwargs)
            own = _one_layer(before, self._index)  # never `before` itself: it would grow a second time
            positional = tuple(own if each is cache else each for each in args)
            named = {key: own if each is cache else each for key, each in kwargs.items()}
            out = self._compute(way, positional, named)
            if way == "forward" and self._index < len(cache.layers):
                cache.layers[self._index] = own.layers[self._index]
            return out

        # Nothing here draws random numbers, so their state need not be kept.
        return checkpoint(run, use_reentrant=False, preserve_rng_state=False, context_fn=_no_contexts)

    def _compute(self, way: Way, args: Any, kwargs: Any) -> Any:
        weights = self._weights(self._index, way)
        self._inside = True
        try:
            if weights is None:
                return self._layer(*args, **kwargs)
            return functional_call(self._layer, weights, args, kwargs)
        finally:
            self._inside = False


def _no_contexts() -> tuple[Any, Any]:
    return nullcontext(), nullcontext()


def _cache_in(args: Any, kwargs: dict[str, Any]) -> Any:
    """Return the cache of keys and values among a layer's arguments; families name it differently or have none."""
    from transformers import Cache

    return next((each for each in (*args, *kwargs.values()) if isinstance(each, Cache)), None)


def _one_layer(cache: Any, index: int) -> Any:
    """Return a cache with the same tensors, whose layer ``index`` can grow without ``cache`` growing."""
    own = copy.copy(cache)
    own.layers = list(cache.layers)
    if index < len(own.layers):
        own.layers[index] = copy.copy(own.layers[index])
    return own
