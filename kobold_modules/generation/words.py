"""What the samplers must know of a vocabulary."""

from __future__ import annotations

from typing import Protocol


class Words(Protocol):
    """The bytes of a token, the ids of a text."""

    def piece(self, token: int) -> bytes: ...

    def tokenize(self, text: str) -> list[int]: ...
