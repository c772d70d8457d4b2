"""What of llama.cpp is used with a model: everything, or less where a build and a processor do not go together.

llama.cpp has fast paths that depend on the processor and on the kind of weights. Some builds end the process on one of
them (ggml-org/llama.cpp#26954: an illegal instruction in the AMX path), and none asks before. :data:`LADDER` is the
order in which they are given up.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any


_DISABLED = 0  # llama.h: LLAMA_FLASH_ATTN_TYPE_DISABLED
_NO_MAPPING = 0  # llama.h: LLAMA_LOAD_MODE_NONE


@dataclass(frozen=True, slots=True)
class Features:
    """Switches of llama.cpp.

    Attributes:
        extra_buffers: weights laid out anew for the processor's matrix instructions (AMX, repacking).
        flash_attention: attention in one pass over the keys, where llama.cpp thinks it good.
        tiles: products of whole tiles for a batch of tokens.
        gpu: layers on a graphics card, where the build and the machine have one.
        mapping: weights read through a memory map.
        threads: as many as there are cores.
    """

    extra_buffers: bool = True
    flash_attention: bool = True
    tiles: bool = True
    gpu: bool = True
    mapping: bool = True
    threads: bool = True

    def set_model(self, parameters: Any) -> None:
        """Put them into llama.cpp's ``llama_model_params``."""
        parameters.use_extra_bufts = parameters.use_extra_bufts and self.extra_buffers
        if not self.gpu:
            parameters.n_gpu_layers = 0
        if not self.mapping:
            parameters.load_mode = _NO_MAPPING
        if not self.tiles:  # llama.cpp reads it before its first product, once a process
            os.environ["GGML_CPU_TILED_MM"] = "0"

    def set_context(self, parameters: Any) -> None:
        """Put them into llama.cpp's ``llama_context_params``."""
        if not self.flash_attention:
            parameters.flash_attn_type = _DISABLED
        if not self.threads:
            parameters.n_threads = parameters.n_threads_batch = 1


ALL = Features()
LADDER = (
    ALL,
    Features(extra_buffers=False),
    Features(extra_buffers=False, flash_attention=False, tiles=False),
    Features(False, False, False, False, False, False),
)
REFERENCE = 2  # the rung whose numbers the others are held against: plain, and still quick enough for a large model
