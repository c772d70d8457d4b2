"""Which engine runs a model: llama.cpp for a GGUF file, transformers for a Hugging Face folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..models.reference import ModelFile


if TYPE_CHECKING:
    from .llamacpp.engine import LlamaEngine
    from .torch.engine import HfEngine


def open_engine(
    file: ModelFile,
    *,
    context: int = 0,
    progress: Callable[[float], bool] | None = None,
    device: str = "auto",
) -> LlamaEngine | HfEngine:
    """Return the engine for ``file``, loaded; the caller closes it.

    Args:
        context: tokens to keep room for; 0 means what the model was trained for, at most 4096.
        progress: is called with how much is loaded (0 to 1); returning False stops the load.
        device: where torch computes; llama.cpp chooses its device itself.

    Raises:
        NoModel, OutOfMemory, EngineFailed: see the engines.
    """
    if file.kind == "gguf":
        from .llamacpp.engine import LlamaEngine

        return LlamaEngine(file, context=context, progress=progress)
    from .torch.engine import HfEngine

    return HfEngine(file, context=context, progress=progress, device=device)
