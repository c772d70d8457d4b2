"""A stack: modules in order, each with a strength and a switch, folded into one matrix that stands before the text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from ..errors import WrongModel
from .deep_prefix import AnyModule, DeepPrefix, with_rows
from .fingerprint import Fingerprint, Fit
from .layer import Layer, Layers
from .module import Card, Vectors


@dataclass(frozen=True, slots=True)
class Stack(Layers[AnyModule]):
    """Modules with what they hold, in the order they stand before the text. An empty stack is the plain model.

    A layer holds rows that the model reads (:class:`~.module.Module`) or keys and values that it has in its cache
    (:class:`~.deep_prefix.DeepPrefix`). Positions count through both, in the order of the layers.
    """

    @property
    def digest(self) -> str:
        """Identity of what stands before the text: what a kept KV state is filed under."""
        whole = hashlib.sha256()
        for layer in self.active:
            # The rows themselves: at half strength they depend on where the training started, too.
            if isinstance(layer.module, DeepPrefix):
                whole.update(layer.module.at_strength(layer.strength).digest.encode())
                continue
            rows = layer_rows(layer)
            whole.update(repr(rows.shape).encode() + rows.tobytes())
        return whole.hexdigest()

    @property
    def is_deep(self) -> bool:
        """Whether an active module is a deep prefix, so that there is no one matrix."""
        return any(isinstance(layer.module, DeepPrefix) for layer in self.active)

    def segments(self) -> tuple[Vectors | DeepPrefix, ...]:
        """Return what stands before the text, in order, at its strength.

        Modules beside one another are one matrix, float32 ``[tokens, width]``; a deep prefix stands for itself, its
        keys as at positions 0 to ``tokens - 1``: whoever puts it behind others moves them (:func:`~.rotation.placed`).

        Raises WrongModel if widths differ.
        """
        found: list[Vectors | DeepPrefix] = []
        beside: list[Layer[AnyModule]] = []
        for layer in self.active:
            if isinstance(layer.module, DeepPrefix):
                found += _matrices(beside)
                beside = []
                found.append(layer.module.at_strength(layer.strength))
            else:
                beside.append(layer)
        return (*found, *_matrices(beside))

    def matrix(self) -> Vectors | None:
        """Return float32 ``[tokens, width]``, C order, or None for an empty stack.

        Raises WrongModel if widths differ, or a deep prefix is among the modules.
        """
        if not self.active:
            return None
        widths = {with_rows(layer.module).width for layer in self.active}
        if len(widths) > 1:
            raise WrongModel(f"These modules were made for models of different widths: {self.label}.")
        import numpy as np

        return np.ascontiguousarray(np.concatenate([layer_rows(layer) for layer in self.active]), dtype=np.float32)

    def check(self, model: Fingerprint, model_name: str) -> list[str]:
        """Return warnings about active modules that may not fit ``model``. Raises WrongModel for one that does not."""
        return [warning for layer in self.active if (warning := check_fit(layer.module, model, model_name))]


def _matrices(layers: list[Layer[AnyModule]]) -> list[Vectors]:
    """Return the matrix of layers without a deep prefix, as a list of one; an empty list where there are none."""
    matrix = Stack(tuple(layers)).matrix()
    return [] if matrix is None else [matrix]


def layer_rows(layer: Layer[AnyModule]) -> Vectors:
    """Return the module of ``layer`` at its strength: float32 ``[tokens, width]``.

    Between 0 and 1 (and beyond) the rows lie on the line from where training started to where it ended; a module
    without its start leans towards its own mean row instead.

    Raises WrongModel for a deep prefix.
    """
    module = with_rows(layer.module)
    trained = module.vectors
    if layer.strength == 1:
        return trained
    import numpy as np

    start = module.initial
    if start is None:
        start = np.broadcast_to(trained.mean(axis=0, keepdims=True), trained.shape).astype(np.float32)
    return (start + np.float32(layer.strength) * (trained - start)).astype(np.float32)


class Fitted(Protocol):
    """What a look at fit needs: a card and a width. A module has both, and so has its entry in a library."""

    @property
    def card(self) -> Card: ...

    @property
    def width(self) -> int: ...


def check_fit(module: Fitted, model: Fingerprint, model_name: str) -> str | None:
    """Return None if ``module`` fits, a sentence to warn with if it may. Raises WrongModel if it does not."""
    name, made_for = module.card.name, module.card.model or "another model"
    if module.width == 0:  # a deep prefix of another program: its shape is compared where it goes in
        return f"{name} does not say which model it was made for; try it and judge."
    if module.width != model.width:
        raise WrongModel(
            f"{name} has vectors {module.width} wide, {model_name} needs {model.width}: it was made for {made_for}.",
            f"Load the model it was made for, or train it again on {model_name}.",
        )
    if module.card.fingerprint is None:
        return f"{name} does not say which model it was made for; its width fits {model_name}, so try it and judge."
    fit = module.card.fingerprint.fit(model)
    if fit is Fit.MISMATCH:
        raise WrongModel(
            f"{name} was made for {made_for}, which is as wide as {model_name} but another model.",
            f"Load {made_for}, or train the module again on {model_name}.",
        )
    if fit is Fit.RELATIVE:
        return f"{name} was made for {made_for}, a close relative of {model_name}; it will work, though less well."
    if fit is Fit.UNKNOWN:
        return f"{name} has no sketch of its model; its width fits {model_name}, so try it and judge."
    return None
