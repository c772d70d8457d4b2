"""How a model's keys and values lie in llama.cpp's KV cache, against how transformers has them.

Found by ``deep_probe`` from the model's own numbers, and only then used.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ...soft_prompt.deep_prefix import DeepPrefix
from ...soft_prompt.rotation import Rope, placed
from .sequence_state import Body, Form, UnknownState


# Which dimensions of a key turn together: i and i + half (transformers; Qwen, Gemma and others in llama.cpp), or 2i and
# 2i + 1 (Llama's in llama.cpp, whose query and key weights are laid out anew in a GGUF); none where there is no RoPE.
Pairs = Literal["halves", "neighbours", "none"]


@dataclass(frozen=True, slots=True)
class KvLayout:
    """Where the keys and values of which layer and head lie.

    Attributes:
        order: for each of the model's caches, the layers in the order it keeps them.
        kv_heads, head_dim: of every layer.
        rotated: dimensions of a head that RoPE turns.
        frequencies: radians a position of each pair, a tuple a layer.
    """

    order: tuple[tuple[int, ...], ...]
    kv_heads: int
    head_dim: int
    pairs: Pairs
    rotated: int
    frequencies: tuple[tuple[float, ...], ...]

    @property
    def layers(self) -> int:
        return sum(map(len, self.order))

    @property
    def rope(self) -> Rope:
        return Rope(np.array(self.frequencies, dtype=np.float64).reshape(self.layers, -1))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary; :meth:`from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> KvLayout:
        """Read :meth:`to_dict`'s dictionary. Raises KeyError, TypeError or ValueError for anything else."""
        if data["pairs"] not in ("halves", "neighbours", "none"):
            raise ValueError("pairs of another kind")
        layout = cls(
            tuple(tuple(int(layer) for layer in layers) for layers in data["order"]),
            int(data["kv_heads"]),
            int(data["head_dim"]),
            cast("Pairs", data["pairs"]),
            int(data["rotated"]),
            tuple(tuple(float(value) for value in layer) for layer in data["frequencies"]),
        )
        if len(layout.frequencies) != layout.layers:
            raise ValueError("frequencies of other layers")
        return layout

    def fits(self, forms: tuple[Form, ...]) -> bool:
        """Return whether a context keeps ``forms`` of this layout: as many layers, as wide."""
        width = self.kv_heads * self.head_dim
        return [len(form.keys) for form in forms] == [len(layers) for layers in self.order] and all(
            tensor.width == width for form in forms for tensor in (*form.keys, *form.values)
        )

    def to_cache(self, keys: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``keys``, float32 ``[..., head_dim]`` as transformers has them, as llama.cpp has them."""
        if self.pairs != "neighbours":
            return keys
        half, found = self.rotated // 2, keys.copy()
        found[..., 0 : self.rotated : 2] = keys[..., :half]
        found[..., 1 : self.rotated : 2] = keys[..., half : self.rotated]
        return found

    def from_cache(self, keys: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``keys``, float32 ``[..., head_dim]`` as llama.cpp has them, as transformers has them."""
        if self.pairs != "neighbours":
            return keys
        half, found = self.rotated // 2, keys.copy()
        found[..., :half] = keys[..., 0 : self.rotated : 2]
        found[..., half : self.rotated] = keys[..., 1 : self.rotated : 2]
        return found

    def bodies(self, prefix: DeepPrefix, at: int, forms: tuple[Form, ...]) -> tuple[Body, ...]:
        """Return what a sequence holds in which ``prefix`` stands at position ``at``.

        Every layer holds all of it; one with a sliding window then looks as far back as it would at a text.
        """
        keys, values = self.to_cache(moved(prefix.keys, at, self)), prefix.values
        positions = np.arange(at, at + prefix.tokens, dtype=np.int32)

        def rows(array: NDArray[np.float32], layer: int) -> NDArray[np.float32]:
            # [kv_heads, tokens, head_dim] -> [tokens, kv_heads * head_dim]
            return np.ascontiguousarray(array[layer].transpose(1, 0, 2).reshape(prefix.tokens, -1))

        return tuple(
            Body(form, positions, tuple(rows(keys, n) for n in layers), tuple(rows(values, n) for n in layers))
            for form, layers in zip(forms, self.order, strict=True)
        )

    def arrays(self, bodies: tuple[Body, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the keys and values that ``bodies`` hold, as transformers has them, at the positions they are at.

        Both are float32 ``[layers, kv_heads, tokens, head_dim]``.

        Raises:
            UnknownState: a sliding window has dropped a part of them.
        """
        tokens = len(bodies[0].positions)
        shape = (self.layers, self.kv_heads, tokens, self.head_dim)
        keys, values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for body, layers in zip(bodies, self.order, strict=True):
            if len(body.positions) != tokens:
                raise UnknownState("a sliding window shorter than the test")
            for index, layer in enumerate(layers):
                for target, rows in ((keys, body.keys[index]), (values, body.values[index])):
                    target[layer] = rows.reshape(tokens, self.kv_heads, self.head_dim).transpose(1, 0, 2)
        return self.from_cache(keys), values


def moved(keys: NDArray[np.float32], by: int, layout: KvLayout) -> NDArray[np.float32]:
    """Return ``keys`` ``by`` positions further on, as :func:`~kobold_modules.soft_prompt.rotation.placed`."""
    return keys if layout.pairs == "none" else placed(keys, by, layout.rope)
