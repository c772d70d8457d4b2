"""How a Hugging Face folder's tokenizer splits text: exactly as a soft prompt needs it, and back to bytes.

KoboldAI injects neither a BOS nor a space before a text, and words that look like special tokens are words. Tokenizers
that put a space before every text (those of the sentencepiece family) lose that habit here; the same folder as a GGUF
is read by llama.cpp in the same way (``native_model``).
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import EngineFailed, NoModel


class FolderVocabulary:
    """Tokens of a Hugging Face folder.

    Args:
        vocabulary: number of logits of the model; the tokenizer's own by default.

    Raises:
        NoModel: the tokenizer is missing or of a kind that cannot be split by transformers' fast tokenizers.
    """

    def __init__(self, path: Path, vocabulary: int = 0) -> None:
        from tokenizers import Tokenizer
        from transformers import AutoTokenizer

        try:
            loaded = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
            self._tokenizer: Any = Tokenizer.from_str(_without_added_space(loaded.backend_tokenizer.to_str()))
        except Exception as error:  # whatever a damaged or unusual tokenizer leads its readers to
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise NoModel(f"The tokenizer in {path} cannot be used: {reason}") from error
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.vocabulary = vocabulary or int(self._tokenizer.get_vocab_size())
        self._special = set(loaded.all_special_ids)
        self._byte_level = _mentions(json.loads(self._tokenizer.to_str()).get("decoder"), "ByteLevel")
        self._ends = _ends(path, loaded.eos_token_id, loaded.bos_token_id)
        self._bos = loaded.bos_token_id

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """Return the ids of ``text``: no BOS, no added space. ``special`` reads control tokens as such."""
        plain = text.encode("utf-8", "replace").decode()
        try:
            self._tokenizer.encode_special_tokens = not special
            return list(self._tokenizer.encode(plain, add_special_tokens=False).ids)
        finally:
            self._tokenizer.encode_special_tokens = True

    def piece(self, token: int) -> bytes:
        """Return the bytes ``token`` stands for; they may end inside a letter. Special tokens have none.

        Raises:
            EngineFailed: the model has no such token.
        """
        if not 0 <= token < self.vocabulary:
            raise EngineFailed(f"The model wrote a token that is not in its vocabulary: {token}.")
        if token in self._special:
            return b""
        spelled = self._tokenizer.id_to_token(token)
        if spelled is None:  # a row that only fills the table up
            return b""
        if self._byte_level:
            try:
                return bytes(_SPELLED_BYTES[letter] for letter in spelled)
            except KeyError:
                return str(spelled).encode()
        if len(spelled) == 6 and spelled.startswith("<0x") and spelled.endswith(">"):
            return bytes([int(spelled[3:5], 16)])
        return str(spelled).replace("▁", " ").encode()

    def ends(self, token: int) -> bool:
        """Return whether ``token`` ends a text: an EOS, or BOS, for then another text begins."""
        return token in self._ends

    @cached_property
    def opening(self) -> int:
        """The token to begin an empty page with when nothing else stands there: BOS, or a newline, or the first."""
        if self._bos is not None:
            return int(self._bos)
        newline = self.tokenize("\n")
        return newline[0] if newline else 0


def _without_added_space(tokenizer_json: str) -> str:
    """Return a tokenizer's JSON whose normalizer and pre-tokenizer put no space before the text."""
    data = json.loads(tokenizer_json)

    def walk(part: Any) -> Any:
        if isinstance(part, list):
            return [walked for item in part if (walked := walk(item)) is not None]
        if not isinstance(part, dict):
            return part
        if part.get("type") == "Prepend":
            return None
        changed = {key: walk(value) if isinstance(value, (dict, list)) else value for key, value in part.items()}
        if part.get("type") == "Metaspace":
            changed["prepend_scheme"] = "never"
            changed.pop("add_prefix_space", None)
        elif part.get("type") == "ByteLevel":
            changed["add_prefix_space"] = False
        return changed

    for name in ("normalizer", "pre_tokenizer"):
        data[name] = walk(data.get(name))
    return json.dumps(data, ensure_ascii=False)


def _mentions(part: Any, kind: str) -> bool:
    if isinstance(part, list):
        return any(_mentions(item, kind) for item in part)
    if isinstance(part, dict):
        return part.get("type") == kind or any(_mentions(value, kind) for value in part.values())
    return False


def _ends(path: Path, *tokens: int | None) -> frozenset[int]:
    """Return the tokens that end a text, with those that generation_config.json adds."""
    found = {token for token in tokens if token is not None}
    for name in ("generation_config.json", "config.json"):
        try:
            more = json.loads((path / name).read_text(encoding="utf-8")).get("eos_token_id")
        except (OSError, ValueError, AttributeError, RecursionError):
            continue
        found |= {int(token) for token in (more if isinstance(more, list) else [more]) if isinstance(token, int)}
    return frozenset(found)


def _spelled_bytes() -> dict[str, int]:
    """Return the letters with which byte-level vocabularies spell bytes (GPT-2's table)."""
    spelled, more = {}, 0
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174:
            spelled[chr(byte)] = byte
        else:
            spelled[chr(256 + more)] = byte
            more += 1
    return spelled


_SPELLED_BYTES = _spelled_bytes()
