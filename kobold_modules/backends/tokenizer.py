"""Text to ids exactly as the model that will write sees it.

A GGUF is tokenised by llama.cpp itself (a load without weights), so the ids a module is trained on are those it will
meet, by construction; a Hugging Face folder by its own tokenizer. Never a BOS, never an added space: KoboldAI injects
neither.
"""

from __future__ import annotations

from typing import Protocol

from ..models.reference import ModelFile
from .llamacpp.model import NativeVocabulary


class Vocabulary(Protocol):
    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """Return the ids of ``text``: no BOS, no added space. ``special`` reads control tokens as such."""
        ...

    def piece(self, token: int) -> bytes:
        """Return the bytes ``token`` stands for; none for a special token. They may end inside a letter."""
        ...


def load_vocabulary(model: ModelFile) -> Vocabulary:
    """Load how ``model`` splits text and what its tokens say. Raises NoModel if that cannot be read."""
    if model.kind == "gguf":
        return NativeVocabulary(model.path)

    from ..models.folder_vocabulary import FolderVocabulary

    return FolderVocabulary(model.path)
