"""What a Hugging Face folder cannot do, read from its files without loading them: ends of sentences ("it ...")."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import NoModel
from ..headers.safetensors import Stored
from ..headers.tensor_names import embedding_table, has_head
from .known_names import installed, ties_by_default, transformers_writes
from .not_a_model import is_lfs_pointer, lfs_pointer


SHARD = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors$")
TOKENIZER_MOST = 96 * 2**20  # bytes; the largest there is has 34 MB
# Ends of tensor names that only packed weights have
_PACKED = (
    ".qweight",
    ".qzeros",
    ".SCB",
    ".absmax",
    ".weight_packed",
    ".weight_scale",
    ".weight_scale_inv",
    ".W_q",
    ".trellis",
)
_PACKED_TYPES = ("I32", "U8", "I8", "F8_E4M3", "F8_E5M2", "F4", "U32")
_METHODS = {
    "gptq": "GPTQ",
    "awq": "AWQ",
    "bitsandbytes": "bitsandbytes",
    "fp8": "FP8",
    "fbgemm_fp8": "FP8",
    "compressed-tensors": "compressed-tensors",
    "hqq": "HQQ",
    "aqlm": "AQLM",
    "quanto": "quanto",
    "eetq": "EETQ",
    "exl2": "EXL2",
    "exl3": "EXL3",
    "mxfp4": "MXFP4",
    "bitnet": "BitNet",
    "torchao": "torchao",
    "modelopt": "ModelOpt",
    "auto-round": "AutoRound",
    "vptq": "VPTQ",
    "spqr": "SpQR",
    "higgs": "HIGGS",
}
_INSTEAD = "take the folder it was made from, or a GGUF file of the same model"
_ADAPTER = "adapter_config.json"


def weight_files(folder: Path) -> list[Path]:
    """Return the .safetensors files that hold a model's weights, without those of an adapter beside them."""
    return [file for file in sorted(folder.glob("*.safetensors")) if not file.name.startswith("adapter_")]


def no_folder(folder: Path) -> NoModel:
    """Return why ``folder``, with neither config.json and .safetensors nor a GGUF file in it, is no model."""
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    if _ADAPTER in names:
        return NoModel(f"{folder} is {adapter_of(folder)}.", "An adapter changes a model and is none itself.")
    pickled = sorted(name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt")))
    if pickled:
        return NoModel(
            f"{folder} holds no .safetensors weights, only pickled ones ({pickled[0]}), and pickles are never loaded.",
            "Take the same model as .safetensors or as a GGUF file.",
        )
    if "model_index.json" in names:
        return NoModel(
            f"{folder} is a model that makes pictures or films and writes no text.", "Give a language model."
        )
    if rest := sorted(name for name in names if name.endswith((".incomplete", ".part", ".aria2", ".crdownload"))):
        return NoModel(f"{folder} has not been downloaded to its end: {rest[0]} is in it.", "Download it again.")
    if "config.json" in names:
        return NoModel(
            f"{folder} has a config.json but no .safetensors weights.", "Download it again, weights and all."
        )
    if weight_files(folder):
        return NoModel(f"{folder} has weights but no config.json.", "Download that file of the same model, too.")
    return NoModel(f"{folder} is a folder without a model in it.", "Give a .gguf file or a Hugging Face model folder.")


def adapter_of(folder: Path) -> str:
    """Return ``an adapter for NAME; give that model``; a soft prompt is a module of ours."""
    said = _small(folder / _ADAPTER)
    base = said.get("base_model_name_or_path")
    name = "".join(letter for letter in base if letter.isprintable())[:120] if isinstance(base, str) else ""
    made_for = f" for {name}" if name else ""
    if said.get("peft_type") in ("PROMPT_TUNING", "P_TUNING"):
        return f"a soft prompt{made_for}: bring it in with `kobold-modules import`, and give that model"
    return f"an adapter{made_for}; give {'that' if name else 'the'} model{'' if name else ' it was made for'}"


def check_shards(folder: Path, files: Sequence[Path]) -> None:
    """Raise NoModel where weights lack their index, or have other names than transformers looks for."""
    if (folder / "model.safetensors.index.json").exists() or any(file.name == "model.safetensors" for file in files):
        return
    shards = [(file, part) for file in files if (part := SHARD.match(file.name)) is not None]
    if shards:
        count = int(shards[0][1]["count"])
        have = {int(part["number"]) for _, part in shards}
        lacking = [number for number in range(1, min(count, 9999) + 1) if number not in have]
        also = (
            f", and so {'is' if len(lacking) == 1 else 'are'} {len(lacking)} of {count} weight files" if lacking else ""
        )
        raise NoModel(
            f"{folder} is not all there: its index, model.safetensors.index.json, is missing{also}.",
            "Download what is missing of the same model; it lies beside the weights.",
        )
    if files:
        raise NoModel(
            f"{folder} has its weights in {files[0].name}, and transformers looks for model.safetensors.",
            "If that file is the whole model, rename it.",
        )


def left_out_folder(config: Mapping[str, Any]) -> str:
    """Return why the folder is no model of text at all, as what it is instead."""
    said = config.get("architectures")
    names = [str(name) for name in said] if isinstance(said, list) else []
    writes = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
    if names and not any(name.endswith(writes) for name in names):
        return f"a {_plain(names[0])}, which writes no text"
    return ""


def no_use_folder(folder: Path, config: Mapping[str, Any], tensors: Sequence[Stored]) -> str:
    """Return why transformers can neither write with it nor train through it."""
    return (
        _quantised(folder, config, tensors)
        or _of_kind(config)
        or _of_tensors(config, tensors)
        or _of_tokenizer(folder, tensors)
    )


def _quantised(folder: Path, config: Mapping[str, Any], tensors: Sequence[Stored]) -> str:
    said = config.get("quantization_config")
    if isinstance(config.get("quantization"), dict) and not said:
        return f"it is quantised for another program (MLX); {_INSTEAD}"
    separate = next((name for name in ("quantize_config.json", "quant_config.json") if (folder / name).exists()), "")
    packed = next((tensor for tensor in tensors if tensor.name.endswith(_PACKED)), None)
    elements = sum(tensor.elements for tensor in tensors)
    small = sum(tensor.elements for tensor in tensors if tensor.dtype in _PACKED_TYPES)
    if not (said or separate or packed or 2 * small > elements > 0):
        return ""
    method = str(said.get("quant_method", "")) if isinstance(said, dict) else ""
    if not method and isinstance(said, dict):
        method = "bitsandbytes" if said.get("load_in_4bit") or said.get("load_in_8bit") else ""
    if not method and separate:
        method = "gptq" if separate == "quantize_config.json" else "awq"
    named = f" ({_METHODS.get(method.lower(), _plain(method))})" if method else ""
    return f"it is quantised for another program{named}; {_INSTEAD}"


def _of_kind(config: Mapping[str, Any]) -> str:
    kind, own_code = str(config.get("model_type") or ""), bool(config.get("auto_map"))
    if config.get("is_encoder_decoder"):
        return "it turns one text into another (an encoder and a decoder) and does not continue one"
    if kind and transformers_writes(kind):
        return ""
    if own_code:
        return (
            "it needs code of its own to run, and code from a model folder is never run; "
            "take a GGUF file of the same model"
        )
    if not kind:
        return "its config.json does not say what kind of model it is (model_type)"
    return f"transformers has no model that writes text for {_plain(kind)}; take a GGUF file of the same model"


def _of_tensors(config: Mapping[str, Any], tensors: Sequence[Stored]) -> str:
    nested = config.get("text_config")
    text = nested if isinstance(nested, dict) else config
    table = embedding_table(tensors)
    words = text.get("vocab_size")
    if table is not None and isinstance(words, int) and words != table.shape[0]:
        return f"its embedding table has {table.shape[0]:,} rows, and its config.json says {words:,}"
    if table is None or has_head(tensors):
        return ""
    said = config.get("tie_word_embeddings", text.get("tie_word_embeddings"))
    ties = said if isinstance(said, bool) else ties_by_default(str(config.get("model_type")))
    if ties is False:
        return (
            "its output matrix (lm_head.weight) is missing, and its config.json does not say that the embeddings serve "
            "for it; take another copy or conversion of it"
        )
    return ""


def _of_tokenizer(folder: Path, tensors: Sequence[Stored]) -> str:
    fast = folder / "tokenizer.json"
    if fast.exists():
        table = embedding_table(tensors)
        return _beyond(fast, table.shape[0] if table is not None else 0)
    for name in ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model"):
        if (folder / name).exists():
            if is_lfs_pointer(folder / name):
                raise lfs_pointer(folder / name)
            if installed("sentencepiece"):
                return ""
            return f"its tokenizer is only {name}: it needs tokenizer.json, or `pip install sentencepiece`"
    if (folder / "vocab.json").exists() and (folder / "merges.txt").exists():
        return ""
    if (folder / "vocab.json").exists():
        return "its tokenizer is not all there: merges.txt is missing"
    if (folder / "vocab.txt").exists():
        return ""
    return "it has no tokenizer: tokenizer.json is missing"


def _beyond(file: Path, rows: int) -> str:
    """Say whether ordinary tokens have ids that the table has no row for. Special ones never come out of a text."""
    if is_lfs_pointer(file):
        raise lfs_pointer(file)
    try:
        if file.stat().st_size > TOKENIZER_MOST:
            return "its tokenizer.json is too large to be one"
        data = json.loads(file.read_bytes())
        vocabulary = data["model"]["vocab"]
        ids: Iterable[Any] = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))
        added = [each for each in data.get("added_tokens") or () if not each.get("special")]
        most = max([*ids, *(each["id"] for each in added)], default=-1)
        special = {each["content"] for each in data.get("added_tokens") or () if each.get("special")}
        if rows and most >= rows and isinstance(vocabulary, dict):  # some keep special tokens in the vocabulary, too
            ids = [number for word, number in vocabulary.items() if word not in special]
            most = max([*ids, *(each["id"] for each in added)], default=-1)
        if rows and int(most) >= rows:
            return f"its tokenizer has tokens up to number {most:,}, and its embedding table has {rows:,} rows"
        if data["model"].get("type") == "BPE" and "merges" not in data["model"]:
            return "its tokenizer.json has no merges; take another copy of it"
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "its tokenizer.json is damaged; download or copy it again"
    return ""


def _small(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_bytes()) if file.stat().st_size < 2**20 else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _plain(said: str) -> str:
    """Return a word of a stranger's file as it may be shown."""
    return "".join(letter if letter.isprintable() else "?" for letter in said)[:60]
