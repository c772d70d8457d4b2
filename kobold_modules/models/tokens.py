"""Text to ids exactly as the model that will write sees it.

A GGUF is tokenised by llama.cpp itself (a vocabulary-only load), so the ids a module is trained on are those it will
meet by construction; a Hugging Face folder by its own tokenizer. Never a BOS, never an added space: KoboldAI injects
neither.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

from ..errors import NoModel
from .find import ModelFile


Encode = Callable[[str], list[int]]


def load_tokenizer(model: ModelFile) -> Encode:
    """A function from text to ids for ``model``. Raises NoModel if its vocabulary cannot be read."""
    return _from_gguf(model.path) if model.kind == "gguf" else _from_folder(model.path)


def _from_folder(path: Path) -> Encode:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False))


def _from_gguf(path: Path) -> Encode:
    import llama_cpp

    @llama_cpp.llama_log_callback
    def silent(level: int, text: bytes, data: ctypes.c_void_p) -> None:
        return None

    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise NoModel(f"llama.cpp cannot read the vocabulary of {path}.", "Is the file complete, and new enough?")
    vocabulary = llama_cpp.llama_model_get_vocab(model)

    def encode(text: str, _keep: object = silent) -> list[int]:
        data = text.encode()
        room = len(data) + 8
        while True:
            ids = (llama_cpp.llama_token * room)()
            count = llama_cpp.llama_tokenize(vocabulary, data, len(data), ids, room, False, False)
            if count >= 0:
                return list(ids[:count])
            room = -count

    return encode
