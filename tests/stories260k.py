"""stories260K in three forms, made from the one file in ``tests/data/stories260k``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


DATA = Path(__file__).parent / "data" / "stories260k"

# GGUF's names and those of transformers' LlamaForCausalLM
NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def write(folder: Path) -> Path:
    """Write ``stories260K-F16.gguf``, ``stories260K-F32.gguf`` and ``stories260K-hf/`` into ``folder``.

    All three hold the same values: what half precision keeps of the weights.
    """
    shutil.copyfile(DATA / "stories260K-F16.gguf", folder / "stories260K-F16.gguf")
    _write_single_precision(folder / "stories260K-F32.gguf")
    _write_folder(folder / "stories260K-hf")
    return folder


def _write_single_precision(target: Path) -> None:
    import gguf

    reader = gguf.GGUFReader(DATA / "stories260K-F16.gguf")
    writer = gguf.GGUFWriter(target, "llama")
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue  # the writer's own
        kind, *rest = field.types
        writer.add_key_value(name, field.contents(), kind, rest[-1] if rest else None)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_folder(folder: Path) -> None:
    import gguf
    from safetensors.numpy import save_file

    shutil.copytree(DATA / "hf", folder, copy_function=shutil.copyfile)
    config = json.loads((folder / "config.json").read_text())
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    state = {}
    for tensor in gguf.GGUFReader(DATA / "stories260K-F16.gguf").tensors:
        *layer, kind = tensor.name.removesuffix(".weight").split(".")  # "blk", "0", "attn_q"
        values = tensor.data.astype(np.float32)
        if kind in heads:
            values = _by_halves(values, heads[kind])
        name = f"model.layers.{layer[1]}.{NAMES[kind]}" if layer else NAMES[kind]
        state[f"{name}.weight"] = np.ascontiguousarray(values)
    save_file(state, folder / "model.safetensors", {"format": "pt"})


def _by_halves(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Put rows of each head as transformers rotates them, first halves first; llama.cpp rotates neighbours."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
