"""A deep prefix: trained keys and values for every layer, which stand in a model's KV cache before the text.

Prefix tuning (Li and Liang 2021, arXiv 2101.00190, section 4): where a soft prompt trains what enters the first layer,
a prefix trains what every layer's attention reads of the virtual positions. It says more with as many positions, fits
one model alone, and is no table of embedding rows, so KoboldAI has no place for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import BadModule, WrongModel
from .module import MOST_ROWS, Card, Module


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Cache = NDArray[np.float32]
else:
    Cache = "NDArray[float32]"

MOST_LAYERS, MOST_HEADS, WIDEST_HEAD = 1024, 1024, 4096  # of any model whose size is known, and more


@dataclass(frozen=True, slots=True, eq=False)
class DeepPrefix:
    """Keys and values as they stand in a KV cache at positions 0 to ``tokens - 1``.

    Keys are rotated already (RoPE), in the order of transformers: dimension i is paired with i + half. This is what
    ``DynamicCache`` and PEFT's PREFIX_TUNING hold.

    Attributes:
        keys, values: float32 ``[layers, kv_heads, tokens, head_dim]``, finite, 1 to 2047 tokens.
        card: what it is, as of a :class:`~.module.Module`.
        initial_keys, initial_values: what training started from, same shape, or None; both or neither.

    Raises:
        BadModule: if the arrays are not that.
    """

    keys: Cache
    values: Cache
    card: Card
    initial_keys: Cache | None = None
    initial_values: Cache | None = None
    _digest: list[str] = field(default_factory=list, init=False, repr=False, compare=False)  # once it was asked for

    def __post_init__(self) -> None:
        name = self.card.name
        if (self.initial_keys is None) != (self.initial_values is None):
            raise BadModule(f"{name}: of where its training started it holds only one half.")
        for which in ("keys", "values", "initial_keys", "initial_values"):
            array = getattr(self, which)
            if array is None:
                continue
            object.__setattr__(self, which, _checked(array, name))
            if getattr(self, which).shape != self.keys.shape:
                raise BadModule(f"{name}: its keys and values have different shapes.")

    @property
    def name(self) -> str:
        """What its card calls it."""
        return self.card.name

    @property
    def layers(self) -> int:
        return int(self.keys.shape[0])

    @property
    def kv_heads(self) -> int:
        return int(self.keys.shape[1])

    @property
    def tokens(self) -> int:
        """Virtual tokens: positions of the context that it takes."""
        return int(self.keys.shape[2])

    @property
    def head_dim(self) -> int:
        return int(self.keys.shape[3])

    @property
    def width(self) -> int:
        """Width of the model it was made for, as its fingerprint says; 0 where it does not."""
        return self.card.fingerprint.width if self.card.fingerprint is not None else 0

    @property
    def digest(self) -> str:
        """SHA-256 of the arrays' bytes: the identity of what the model sees."""
        import hashlib

        if not self._digest:  # asked for at every switch of stacks, of megabytes that never change
            whole = hashlib.sha256(b"deep prefix" + repr(self.keys.shape).encode())
            whole.update(self.keys.data)
            whole.update(self.values.data)
            self._digest.append(whole.hexdigest())
        return self._digest[0]

    def with_card(self, **changes: Any) -> DeepPrefix:
        """Return the same keys and values under a changed card."""
        return replace(self, card=replace(self.card, **changes))

    def at_strength(self, strength: float) -> DeepPrefix:
        """Return it at ``strength``: on the line from where its training started (0) to where it ended (1).

        One without its start leans towards its own mean key and value instead, of each layer and head.
        """
        if strength == 1:
            return self
        import numpy as np

        found = []
        for trained, initial in ((self.keys, self.initial_keys), (self.values, self.initial_values)):
            start = trained.mean(axis=2, keepdims=True) if initial is None else initial
            found.append((start + np.float32(strength) * (trained - start)).astype(np.float32))
        return replace(self, keys=found[0], values=found[1], initial_keys=None, initial_values=None)


AnyModule: TypeAlias = Module | DeepPrefix  # what a layer of a stack may hold, and the library


def with_rows(module: AnyModule) -> Module:
    """Return ``module`` where only rows will do. Raises WrongModel for a deep prefix."""
    if isinstance(module, DeepPrefix):
        raise WrongModel(
            f"{module.name} is a deep prefix: it holds keys and values for each layer, not rows of vectors.",
            f"`kobold-modules distil {module.name!r}` trains a module of rows to imitate it.",
        )
    return module


def _checked(array: Cache, name: str) -> Cache:
    import numpy as np

    if array.dtype != np.float32 or array.flags.writeable or array.base is not None or not array.flags.c_contiguous:
        with np.errstate(over="ignore"):
            array = np.array(array, dtype=np.float32, order="C", copy=True)
    if array.ndim != 4:
        raise BadModule(f"{name}: a deep prefix has layers, heads, tokens and dimensions, this is {array.shape}.")
    layers, heads, tokens, width = array.shape
    if not 1 <= tokens <= MOST_ROWS:
        raise BadModule(f"{name}: a module has 1 to {MOST_ROWS} virtual tokens, this has {tokens}.")
    if not (1 <= layers <= MOST_LAYERS and 1 <= heads <= MOST_HEADS and 1 <= width <= WIDEST_HEAD):
        raise BadModule(f"{name}: no model has {layers} layers of {heads} key heads, {width} wide.")
    if not np.isfinite(array).all():
        raise BadModule(
            f"{name}: its keys and values hold values that are not numbers (NaN or infinity).",
            "The training that made it broke; ask for an earlier checkpoint or train it again.",
        )
    array.flags.writeable = False
    return array
