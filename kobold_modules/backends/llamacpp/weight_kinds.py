"""The kind of a GGUF file's weights: what decides which code of llama.cpp computes with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ...models.gguf_parts import later_parts
from ...models.headers.gguf import read_gguf_header


_GGML_TYPES = (
    "F32 F16 Q4_0 Q4_1 - - Q5_0 Q5_1 Q8_0 Q8_1 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ2_XXS IQ2_XS IQ3_XXS IQ1_S IQ4_NL "
    "IQ3_S IQ2_S IQ4_XS I8 I16 I32 I64 F64 IQ1_M BF16 - - - TQ1_0 TQ2_0 - - - MXFP4 NVFP4 Q1_0"
)
# ggml.h: enum ggml_type
TYPES = {number: name for number, name in enumerate(_GGML_TYPES.split()) if name != "-"}
_NOT_QUANTISED = ("F32", "F64", "I8", "I16", "I32", "I64")
_DIVISOR = 256  # the largest block of weights, and more than the widest tile


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of weights.

    Attributes:
        architecture: ``llama``.
        matrices: ``Q4_1 64 256``: a type of weights, and the greatest power of two up to 256 that divides columns and
            rows, for fast paths ask for that.
    """

    architecture: str
    matrices: tuple[str, ...]

    @property
    def weights(self) -> str:
        """``Q4_1 and Q8_0``: the types, for a person."""
        names = list(dict.fromkeys(matrix.split()[0] for matrix in self.matrices))
        names = [name for name in names if name not in _NOT_QUANTISED] or names
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "these weights"


def kind_of(path: Path) -> Kind:
    """Return the kind of ``path``, from its header and those of its later parts.

    Raises NoModel where one is damaged.
    """
    head = read_gguf_header(path)
    matrices = set()
    for header in (head, *map(read_gguf_header, later_parts(path))):
        for tensor in header.tensors:
            if len(tensor.shape) > 1:
                sizes = " ".join(str(math.gcd(length, _DIVISOR)) for length in tensor.shape[:2])
                matrices.add(f"{TYPES.get(tensor.type, f'type-{tensor.type}')} {sizes}")
    return Kind(head.architecture, tuple(sorted(matrices)))
