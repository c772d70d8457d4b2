"""What a model is, from its header alone: size, shape, quantisation, and which half of the work it cannot do.

Everything a person is shown of a model they have not loaded, and everything needed to tell how much memory it takes.
Plain numbers and sentences, so that they can be kept between runs (``discover``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from ..errors import NoModel
from .headers.gguf import GgufHeader, read_gguf_header
from .headers.safetensors import read_safetensors_header
from .headers.tensor_names import embedding_table
from .usability.folder_faults import check_shards, left_out_folder, no_folder, no_use_folder, weight_files
from .usability.gguf_faults import converted_wrongly, left_out_gguf, no_modules_gguf, no_train_gguf, no_write_gguf


_QUANTISATIONS = (
    "F32 F16 Q4_0 Q4_1 - - - Q8_0 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K IQ2_XXS "
    "IQ2_XS Q2_K_S IQ3_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ3_M IQ2_S IQ2_M IQ4_XS IQ1_M BF16 - - - TQ1_0 TQ2_0 "
    "MXFP4_MOE NVFP4 Q1_0"
)
# general.file_type: names as llama.cpp's quantize tool spells them
FILE_TYPES = {number: name for number, name in enumerate(_QUANTISATIONS.split()) if name != "-"}
_JSON_MOST = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of one model; 0 and empty texts where a file does not say.

    Attributes:
        weights: quantisation, ``Q4_K_M``, ``F16`` or ``BF16``.
        bytes: of all its weight files; ``parts``: how many there are.
        context: tokens it was trained for.
        feed: width of the feed-forward layers (of one expert, times those used at once).
        cache_row: numbers that one token leaves in the KV cache, all layers together.
        no_train, no_write: why it cannot, as the end of a sentence (``llama.cpp has no graph for it``).
        no_modules: why no module can stand in front of it when llama.cpp writes; empty for nearly all.
        left_out: why it is no model of ours at all.
        kind: ``gguf``, or ``hf`` for a Hugging Face folder.
    """

    architecture: str
    weights: str = ""
    bytes: int = 0
    parts: int = 1
    parameters: int = 0
    context: int = 0
    layers: int = 0
    width: int = 0
    feed: int = 0
    vocabulary: int = 0
    cache_row: int = 0
    no_train: str = ""
    no_write: str = ""
    no_modules: str = ""
    left_out: str = ""
    kind: str = "gguf"


def facts_of_gguf(path: Path, *others: Path) -> Facts:
    """Return the facts of the GGUF file ``path`` with its later parts ``others``.

    Raises NoModel where it is damaged.
    """
    headers = [read_gguf_header(file) for file in (path, *others)]
    head, tensors = headers[0], [tensor for header in headers for tensor in header.tensors]
    table = embedding_table(tensors)
    width = head.of_model("embedding_length") or (table.shape[0] if table else 0)
    vocabulary = (
        (table.shape[1] if table and len(table.shape) > 1 else 0)
        or head.counts.get("tokenizer.ggml.tokens", 0)
        or head.of_model("vocab_size")
    )
    used = head.of_model("expert_used_count")
    feed = used * head.of_model("expert_feed_forward_length") if used else 0
    return Facts(
        architecture=head.architecture,
        weights=FILE_TYPES.get(head.number("general.file_type", -1)) or _mixture(headers),
        bytes=sum(header.size for header in headers),
        parts=len(headers),
        parameters=sum(prod(tensor.shape) for tensor in tensors),
        context=head.of_model("context_length"),
        layers=head.of_model("block_count"),
        width=width,
        feed=feed or head.of_model("feed_forward_length"),
        vocabulary=vocabulary,
        cache_row=_cache_row(head, width),
        no_train=converted_wrongly(head, tensors, len(headers))
        or no_train_gguf(head, path, [tensor.name for tensor in tensors]),
        no_write=no_write_gguf(head, tensors, len(headers)),
        no_modules=no_modules_gguf(head, width, path.stem),
        left_out=left_out_gguf(head, bool(tensors), path.name),
    )


def _mixture(headers: list[GgufHeader]) -> str:
    """Return the commonest kind of weights by number of elements, where a file does not name its quantisation."""
    kinds: dict[int, int] = {}
    for header in headers:
        for tensor in header.tensors:
            kinds[tensor.type] = kinds.get(tensor.type, 0) + prod(tensor.shape)
    if not kinds:
        return ""
    import gguf

    try:
        return str(gguf.GGMLQuantizationType(max(kinds, key=lambda kind: kinds[kind])).name)
    except ValueError:
        return ""


def _cache_row(head: GgufHeader, width: int) -> int:
    layers, heads = head.of_model("block_count"), head.of_model("attention.head_count")
    if not heads:
        return 0  # recurrent: its state does not grow with the text
    latent = head.of_model("attention.kv_lora_rank")
    if latent:
        return layers * (latent + head.of_model("rope.dimension_count"))
    each = width // heads
    both = head.of_model("attention.key_length", each) + head.of_model("attention.value_length", each)
    kept: Any = head.fields.get(f"{head.architecture}.attention.head_count_kv", heads)
    if isinstance(kept, list):  # one a layer, 0 where a layer has no cache
        return int(sum(count for count in kept if isinstance(count, int) and count > 0)) * both
    every = head.of_model("full_attention_interval")
    return (layers // every if every else layers) * head.of_model("attention.head_count_kv", heads) * both


def facts_of_folder(folder: Path) -> Facts:
    """Return the facts of a Hugging Face folder. Raises NoModel if it is damaged or its weights are not all there."""
    config = _object(folder / "config.json")
    files = weight_files(folder)
    check_shards(folder, files)
    index = folder / "model.safetensors.index.json"
    if index.exists():
        names = {str(name) for name in dict(_object(index).get("weight_map") or {}).values()}
        if lacking := sorted(name for name in names if not (folder / Path(name).name).exists()):
            raise NoModel(
                f"{folder} is not all there: {lacking[0]} is missing"
                + (f", and {len(lacking) - 1} more." if len(lacking) > 1 else "."),
                "Download it again; what is there already is kept.",
            )
        files = [folder / Path(name).name for name in sorted(names)]
    if not files:
        raise no_folder(folder)
    tensors = [tensor for file in files for tensor in read_safetensors_header(file)]
    kinds: dict[str, int] = {}
    for tensor in tensors:
        kinds[tensor.dtype] = kinds.get(tensor.dtype, 0) + tensor.elements
    neither = no_use_folder(folder, config, tensors)
    said = config.get("text_config")
    text = said if isinstance(said, dict) else config

    def number(*names: str) -> int:
        found = next((text[name] for name in names if isinstance(text.get(name), int)), 0)
        return max(0, int(found))

    layers, width = number("num_hidden_layers", "n_layer", "num_layers"), number("hidden_size", "n_embd", "d_model")
    heads = number("num_attention_heads", "n_head", "num_heads")
    each = number("head_dim") or (width // heads if heads else 0)
    kind = max(kinds, key=lambda name: kinds[name]) if kinds else ""
    return Facts(
        architecture=str(config.get("model_type", "unknown")),
        weights=kind,
        bytes=sum(file.stat().st_size for file in files),
        parts=len(files),
        parameters=sum(tensor.elements for tensor in tensors),
        context=number("max_position_embeddings", "n_positions", "n_ctx"),
        layers=layers,
        width=width,
        feed=number("intermediate_size", "ffn_dim", "n_inner") or 4 * width,
        vocabulary=number("vocab_size"),
        cache_row=2 * layers * (number("num_key_value_heads") or heads) * each,
        no_train=neither,
        no_write=neither,
        left_out=left_out_folder(config),
        kind="hf",
    )


def _object(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _JSON_MOST:
            raise NoModel(f"{file} is too large to be what it says.")
        data = json.loads(file.read_bytes())
    except OSError as error:
        raise NoModel(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise NoModel(f"{file} is no JSON.", "Download or copy it again.") from error
    if not isinstance(data, dict):
        raise NoModel(f"{file} is no JSON object.", "Download or copy it again.")
    return data
