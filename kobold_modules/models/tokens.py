"""Text to ids exactly as the model that will write sees it.

A GGUF is tokenised by llama.cpp itself (a load without weights), so the ids a module is trained on are those it will
meet, by construction; a Hugging Face folder by its own tokenizer. Never a BOS, never an added space: KoboldAI injects
neither.
"""

from __future__ import annotations

from collections.abc import Callable

from .find import ModelFile
from .native_model import NativeVocabulary


Encode = Callable[[str], list[int]]


def load_tokenizer(model: ModelFile) -> Encode:
    """A function from text to ids for ``model``. Raises NoModel if its vocabulary cannot be read."""
    if model.kind == "gguf":
        return NativeVocabulary(model.path).tokenize

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model.path)
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False))
