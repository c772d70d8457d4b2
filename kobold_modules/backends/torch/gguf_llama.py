"""A Llama's weights straight from its GGUF file, each block of numbers read once.

llama.cpp's own C functions turn quantised blocks into numbers, a piece at a time and on all cores, which land where the
training wants them: in the precision it computes in, and queries, keys and values side by side, as is gate and up. A
file that holds anything but a plain Llama is left to transformers.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...models.corrections import refuse
from ...models.headers.gguf import BLOCKS, read_gguf_header
from ...models.headers.gguf import Tensor as Place
from ...models.headers.gguf_settings import SETTINGS, GgufSettings
from ...models.headers.tensor_names import GGUF_TABLE
from ...models.reference import ModelFile
from ...models.rope import rope_of
from ..llamacpp.dequantise import dequantise
from .plain_llama import LlamaConfig, PlainLlama


PIECE = 2**21  # numbers that one thread turns at a time: 8 MiB of float32, which stay in its cache as they are rounded
HEAD = "output.weight"  # missing where the embedding table serves for it
_F32, _F16, _BF16 = 0, 1, 30  # ggml's numbers
# What GGUF calls the tensors of a layer, grouped as they lie side by side in memory, and what transformers calls them.
LAYER = (
    (("attn_norm", "input_layernorm"),),
    (("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"), ("attn_v", "self_attn.v_proj")),
    (("attn_output", "self_attn.o_proj"),),
    (("ffn_norm", "post_attention_layernorm"),),
    (("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj")),
    (("ffn_down", "mlp.down_proj"),),
)


@dataclass(frozen=True, slots=True)
class _Group:
    """Tensors that follow one another in memory.

    Attributes:
        names: of the parameters; ``tensors``: of the file.
        heads: for each tensor the heads whose dimensions GGUF has in pairs, 0 where it has none.
    """

    names: tuple[str, ...]
    tensors: tuple[str, ...]
    heads: tuple[int, ...]


def read_llama(file: ModelFile, dtype: torch.dtype) -> PlainLlama | None:
    """Return the Llama in ``file`` with weights of ``dtype``; None where it holds anything else.

    Raises:
        NoModel: the file is damaged, or is a mixture of experts.
    """
    settings = file.settings
    refuse(settings, file.name)
    config, rope = config_of(settings), rope_of(settings)
    if config is None or rope is None or 2 * rope.inverse.size != config.head_dim:
        return None
    places = {tensor.name: (part, tensor) for part in file.parts for tensor in read_gguf_header(part).tensors}
    needed = dict(_shapes(config))
    if {name: place.shape for name, (_, place) in places.items() if name not in SETTINGS} != needed:
        return None
    if not all(_readable(place) for _, place in places.values()):
        return None
    model = PlainLlama(config, torch.from_numpy(rope.inverse), rope.scale)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for group in _groups(config):
            lengths = [places[name][1].shape[-1] for name in group.tensors]
            width = places[group.tensors[0]][1].shape[:-1]
            weights = torch.empty(sum(lengths), *width, dtype=dtype)
            for name, heads, target in zip(group.tensors, group.heads, weights.split(lengths), strict=True):
                _read(*places[name], heads, target, pool)
            for name, weight in zip(group.names, weights.split(lengths), strict=True):
                model.give(name, weight)
    return model


def config_of(settings: GgufSettings) -> LlamaConfig | None:
    """Return the sizes that ``settings`` names; None where they are not those of a plain Llama."""
    table = settings.shapes.get(GGUF_TABLE, ())
    sizes = {
        key: settings.value(name)
        for key, name in (
            ("layers", "block_count"),
            ("inner", "feed_forward_length"),
            ("heads", "attention.head_count"),
            ("epsilon", "attention.layer_norm_rms_epsilon"),
        )
    }
    kv = settings.value("attention.head_count_kv", sizes["heads"])
    whole = (sizes["layers"], sizes["inner"], sizes["heads"], kv)
    if settings.architecture != "llama" or len(table) != 2 or not all(type(each) is int and each > 0 for each in whole):
        return None
    if not isinstance(sizes["epsilon"], float) or sizes["heads"] % kv:
        return None
    width = table[0]
    head = settings.value("attention.key_length") or width // sizes["heads"]
    if type(head) is not int or head % 2 or settings.value("attention.value_length", head) != head:
        return None
    return LlamaConfig(
        vocab_size=table[1],
        hidden_size=width,
        intermediate_size=sizes["inner"],
        num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"],
        num_key_value_heads=kv,
        head_dim=head,
        rms_norm_eps=sizes["epsilon"],
        tie_word_embeddings=HEAD not in settings.shapes,
    )


def _groups(config: LlamaConfig) -> Iterator[_Group]:
    yield _Group(("model.embed_tokens.weight",), (GGUF_TABLE,), (0,))
    paired = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for number in range(config.num_hidden_layers):
        for group in LAYER:
            yield _Group(
                tuple(f"model.layers.{number}.{name}.weight" for _, name in group),
                tuple(f"blk.{number}.{name}.weight" for name, _ in group),
                tuple(paired.get(name, 0) for name, _ in group),
            )
    yield _Group(("model.norm.weight",), ("output_norm.weight",), (0,))
    if not config.tie_word_embeddings:
        yield _Group(("lm_head.weight",), (HEAD,), (0,))


def _shapes(config: LlamaConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name and shape of every tensor that a file of this model holds, as GGUF writes them."""
    width, inner = config.hidden_size, config.intermediate_size
    queries, keys = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
    layer = {
        "attn_norm": (width,),
        "attn_q": (width, queries),
        "attn_k": (width, keys),
        "attn_v": (width, keys),
        "attn_output": (queries, width),
        "ffn_norm": (width,),
        "ffn_gate": (width, inner),
        "ffn_up": (width, inner),
        "ffn_down": (inner, width),
    }
    yield GGUF_TABLE, (width, config.vocab_size)
    yield "output_norm.weight", (width,)
    if not config.tie_word_embeddings:
        yield HEAD, (width, config.vocab_size)
    for number in range(config.num_hidden_layers):
        for name, shape in layer.items():
            yield f"blk.{number}.{name}.weight", shape


def _readable(place: Place) -> bool:
    """Return whether llama.cpp's functions turn these blocks into numbers, or they are numbers."""
    if place.type in (_F32, _F16, _BF16):
        return True
    if place.type not in BLOCKS or place.shape[0] % BLOCKS[place.type][0]:
        return False
    return dequantise(np.zeros((1, BLOCKS[place.type][1]), np.uint8), place.type) is not None


def _read(part: Path, place: Place, heads: int, target: Tensor, pool: ThreadPoolExecutor) -> None:
    """Fill ``target``, ``[rows, n]`` or ``[n]``, with the numbers of the tensor at ``place``."""
    data = _blocks(part, place, heads)
    if target.dim() == 1:
        _fill(target[None], data[None], place.type)
        return
    step = max(1, PIECE // target.shape[1])
    pieces = [slice(first, first + step) for first in range(0, len(target), step)]
    for each in [pool.submit(_fill, target[piece], data[piece], place.type) for piece in pieces]:
        each.result()


def _blocks(part: Path, place: Place, heads: int) -> NDArray[np.uint8]:
    """Return the bytes of a tensor where they lie in the file, uint8 ``[rows, bytes]`` (``[bytes]`` of a vector).

    Args:
        heads: of whose dimensions the file has i and i + half side by side, and transformers half a head apart; 0 where
            there are none.
    """
    shape = place.shape[1:]
    data = np.memmap(part, np.uint8, "r", place.begin, (place.bytes,)).reshape(*shape, place.bytes // prod(shape))
    if not heads:
        return data
    rows = np.arange(shape[0]).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)
    return data[rows]


def _fill(target: Tensor, data: NDArray[np.uint8], kind: int) -> None:
    """Write the numbers of ``data``, uint8 ``[rows, bytes]``, into ``target``, ``[rows, n]``, rounded to its kind."""
    if kind == _F32:
        numbers = np.array(data).view("<f4")
    elif kind == _F16:
        numbers = data.view("<f2").astype(np.float32)
    elif kind == _BF16:
        numbers = (data.view("<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        found = dequantise(data, kind)
        assert found is not None  # tried before
        numbers = found
    target.copy_(torch.from_numpy(numbers))
