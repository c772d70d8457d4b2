"""GGUF files small enough for a test, byte by byte: the header of a real model in front of next to no weights.

Also used by benchmarks/discover_speed.py. Finished here and not with the gguf package, so that tests can put in what
that package would refuse.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any


MAGIC = b"GGUF"
U32, F32, BOOL, TEXT, LIST, U64 = 4, 6, 7, 8, 9, 10
Shapes = Mapping[str, tuple[int, ...]]


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def field(key: str, value: Any) -> bytes:
    """Write a setting by its Python type: int, float, bool, str, lists of those, or bytes as they are (kind first)."""
    return text(key) + _typed(value)


def _typed(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", U32, value)
    if isinstance(value, float):
        return struct.pack("<If", F32, value)
    if isinstance(value, str):
        return struct.pack("<I", TEXT) + text(value)
    items = [_typed(item) for item in value]
    kind = items[0][:4] if items else struct.pack("<I", U32)
    return struct.pack("<I", LIST) + kind + struct.pack("<Q", len(items)) + b"".join(item[4:] for item in items)


def texts(values: Sequence[str]) -> bytes:
    """Return a typed list of texts, for :func:`field`."""
    return struct.pack("<IIQ", LIST, TEXT, len(values)) + b"".join(map(text, values))


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def header(fields: Mapping[str, Any], tensors: Sequence[bytes], version: int = 3) -> bytes:
    start = MAGIC + struct.pack("<IQQ", version, len(tensors), len(fields))
    return start + b"".join(field(key, value) for key, value in fields.items()) + b"".join(tensors)


@cache
def vocabulary(size: int) -> bytes:
    """Return a list of ``size`` tokens of lifelike lengths."""
    return texts([f"Ġtok{number:x}" if number % 3 else chr(97 + number % 26) for number in range(size)])


@cache
def merges(size: int) -> bytes:
    return texts([f"Ġto k{number:x}" for number in range(size)])


def llama_fields(words: int = 64, pairs: int = 32, **more: Any) -> dict[str, Any]:
    """Return a Llama's settings in a quantised file's order: the quantisation behind the vocabulary."""
    return {
        "general.architecture": "llama",
        "general.name": "small",
        "llama.block_count": 2,
        "llama.context_length": 8192,
        "llama.embedding_length": 64,
        "llama.feed_forward_length": 128,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": vocabulary(words),
        "tokenizer.ggml.token_type": struct.pack("<IIQ", LIST, U32, words) + bytes(4 * words),
        "tokenizer.ggml.merges": merges(pairs),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.chat_template": "{{ messages }}" * 400,
        "general.quantization_version": 2,
        "general.file_type": 15,
        **more,
    }


def llama_tensors(words: int = 64, layers: int = 2) -> list[bytes]:
    found = [tensor("token_embd.weight", (64, words), 0, 0), tensor("output_norm.weight", (64,), 0, 0)]
    for layer in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "attn_norm"):
            found.append(tensor(f"blk.{layer}.{name}.weight", (64, 32), 12, 0))
    return found


def weights(words: int = 64) -> bytes:
    """Return zeros for :func:`llama_tensors`, all of which begin at the same place; the table is the largest."""
    return bytes(4 * 64 * max(words, 8) + 32)


def write_llama(
    path: Path, words: int = 64, pairs: int = 32, layers: int = 2, more: Mapping[str, Any] | None = None
) -> Path:
    """Write a Llama's header with ``more`` settings, and zeros where its weights would be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header(llama_fields(words, pairs, **(more or {})), llama_tensors(words, layers)) + weights(words))
    return path
