"""Keys of a KV cache moved to other positions: what lets a deep prefix stand behind other modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Rope:
    """How a model rotates the keys of each layer.

    Attributes:
        frequencies: float64 ``[layers, rotated / 2]``: radians a position, of each pair of dimensions. Only the first
            ``rotated`` dimensions of a head are rotated (GPT-NeoX and Phi leave the rest as they are).
    """

    frequencies: NDArray[np.float64]

    @property
    def rotated(self) -> int:
        """Dimensions of a head that are rotated."""
        return 2 * int(self.frequencies.shape[1])


def placed(keys: NDArray[np.float32], by: int, rope: Rope) -> NDArray[np.float32]:
    """Return rotated ``keys`` as they are ``by`` positions further on.

    Args:
        keys: float32 ``[layers, kv_heads, tokens, head_dim]``, in the order of transformers (i is paired with i + half
            of the rotated dimensions).
        by: positions; may be negative.

    Raises:
        ValueError: ``rope`` is of a model with other layers or heads.
    """
    import numpy as np

    layers, _, _, head_dim = keys.shape
    if rope.frequencies.shape[0] != layers or rope.rotated > head_dim:
        raise ValueError(f"frequencies {rope.frequencies.shape} for keys {keys.shape}")
    if by == 0:
        return keys
    half = rope.rotated // 2
    # RoPE (Su et al. 2021, arXiv 2104.09864, eq. 13 and 34) turns the pair (k_i, k_{i + half}) of position m by the
    # angle m theta_i. Rotations of one plane add up, R(m + n) = R(n) R(m), so a key already turned for its own position
    # m is turned by n theta_i more; a factor on it (YaRN's attention scaling) stays as it is.
    angle = by * rope.frequencies[:, None, None, :]
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = keys[..., :half], keys[..., half : 2 * half]
    moved = np.concatenate([a * cos - b * sin, b * cos + a * sin, keys[..., 2 * half :]], axis=-1)
    return np.ascontiguousarray(moved, dtype=np.float32)
