"""What the tensors are called that every language model has, in GGUF files and in Hugging Face folders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


GGUF_TABLE = "token_embd.weight"
# Ends of names: each architecture puts its own beginning before them.
TABLES = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight", ".embeddings.weight")
HEADS = ("lm_head.weight", "embed_out.weight", "output_layer.weight", "lm_head.linear.weight")


class Named(Protocol):
    """A tensor of a header: its name and its shape."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


T = TypeVar("T", bound=Named)


def embedding_table(tensors: Iterable[T]) -> T | None:
    """Return the embedding table among ``tensors``, which is a matrix; None where there is none known by name."""
    return next((each for each in tensors if is_table(each.name) and len(each.shape) == 2), None)


def is_table(name: str) -> bool:
    """Return whether an embedding table is called so."""
    return name == GGUF_TABLE or name.endswith(TABLES)


def has_head(tensors: Iterable[Named]) -> bool:
    """Return whether a folder has an output matrix of its own: without one the embedding table serves for it."""
    return any(each.name.endswith(HEADS) for each in tensors)
