"""The words of a Hugging Face folder, for a server whose model runs elsewhere."""

from __future__ import annotations

import contextlib
import json
from functools import cached_property
from pathlib import Path

from ..generation.chat_template import MOST_TEMPLATE, ChatTemplate
from ..models.folder_vocabulary import FolderVocabulary


class FolderWords(FolderVocabulary):
    """A folder's vocabulary with what a service asks beside it. Raises NoModel as FolderVocabulary."""

    bos = eos = -1

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def spelling(self, token: int) -> bytes:
        """Return how ``token`` is written in a text, special ones by their name."""
        return self.piece(token) or str(self._tokenizer.id_to_token(token) or "").encode()

    @cached_property
    def chat_template(self) -> ChatTemplate | None:
        """How the model was taught to hold a conversation; None where the folder has no such form."""
        for name in ("chat_template.jinja", "tokenizer_config.json"):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                source = (self.path / name).read_text(encoding="utf-8")
                if name.endswith(".json"):
                    source = json.loads(source).get("chat_template") or ""
                if isinstance(source, str) and 0 < len(source) <= MOST_TEMPLATE:
                    return ChatTemplate(source)
        return None

    def close(self) -> None:
        """Do nothing: there is nothing to free."""
