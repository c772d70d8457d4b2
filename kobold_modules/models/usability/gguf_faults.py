"""What a GGUF file cannot do, read from its header: ends of sentences ("it ..."), empty where nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...errors import NoModel
from ..headers.gguf import GgufHeader, Tensor
from ..headers.tensor_names import embedding_table
from .known_names import llama_cpp_knows


_READ = (
    "bloom deci falcon gemma2 gemma3 gemma4 gpt-oss gpt2 lfm2 llama mamba minimax-m2 mistral nemotron phi3 qwen2 "
    "qwen2moe qwen3 qwen3moe qwen35 qwen35moe stablelm starcoder2"
)
_EMBEDDINGS = (
    "bert nomic-bert nomic-bert-moe jina-bert-v2 jina-bert-v3 modern-bert neo-bert eurobert t5encoder "
    "gemma-embedding llama-embed"
)
_PICTURES = (
    "sd1 sd2 sd3 sdxl flux flux2 pixart auraflow aura lumina lumina2 hidream qwen_image chroma cosmos hyvid "
    "hunyuan_video ltxv wan mochi pig kolors omnigen z_image"
)
_SOUND = "wavtokenizer-dec whisper bark encodec kokoro parler-tts orpheus dia snac outetts csm voxtral-enc"
# Architectures whose GGUF files transformers 5.20 and later read; tests compare this with the installed release.
TRAINS_FROM_GGUF = frozenset(_READ.split())
_READERS = frozenset(_EMBEDDINGS.split())
_PAINTERS, _SPEAKERS = frozenset(_PICTURES.split()), frozenset(_SOUND.split())
_ALL_AT_ONCE = frozenset(("dream", "llada", "llada-moe", "rnd1"))
_TRANSLATORS = frozenset(("t5", "umt5"))
_NO_GRAPH = ("gptj",)  # llama.cpp knows the name and has nothing that would continue a text
# Kinds of weights that llama.cpp once had (ggml.h: enum ggml_type)
_GIVEN_UP = {
    4: "Q4_2",
    5: "Q4_3",
    31: "Q4_0_4_4",
    32: "Q4_0_4_8",
    33: "Q4_0_8_8",
    36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8",
    38: "IQ4_NL_8_8",
}
# Architectures all of whose layers are made alike
_LAYERS_ALIKE = "llama gemma gemma2 gemma3 gpt2 phi2 phi3 qwen qwen2 qwen3 stablelm starcoder2 bloom falcon"
_ALIKE = frozenset(_LAYERS_ALIKE.split())
_ANOTHER = "take another conversion of it"


def left_out_gguf(head: GgufHeader, weights: bool, name: str) -> str:
    """Return why the file is no model of text at all, as what it is instead: "a LoRA: ..."."""
    kind, architecture = head.text("general.type"), head.architecture
    if kind == "adapter" or "adapter.type" in head.fields:
        made_for = head.text("general.base_model.0.name") or head.text("general.basename")
        return f"a LoRA: it changes a model{f' ({made_for})' if made_for else ''} and is none itself"
    if kind == "controlvector" or architecture == "controlvector":
        return "a control vector: it steers a model and is none itself"
    if kind in ("mmproj", "clip-vision") or architecture == "clip" or name.startswith("mmproj"):
        return "a projector: the part of another model that reads pictures or sound"
    if kind == "imatrix" or architecture == "imatrix":
        return "statistics for making quantisations, not a model"
    if architecture in _PAINTERS or "diffusion" in architecture:
        return "a model that makes pictures or films and writes no text"
    if architecture in _SPEAKERS:
        return "a model of sound, which writes no text"
    if architecture in _READERS:
        return "a model that reads text (embeddings, search) and writes none"
    if not weights and head.number("split.count") < 2:
        return "a vocabulary without weights"
    return ""


def no_write_gguf(head: GgufHeader, tensors: list[Tensor], parts: int) -> str:
    """Return why llama.cpp cannot write with it. ``parts``: how many of its files are here."""
    architecture = head.architecture
    if lacking := _of_split(head, parts):
        return lacking
    if "general.architecture" not in head.fields:
        return f"its header does not say what kind of model it is; {_ANOTHER}"
    if architecture in _TRANSLATORS:
        return "it turns one text into another (an encoder and a decoder) and does not continue one"
    if architecture in _ALL_AT_ONCE:
        return "it fills in a page all at once (diffusion) and does not continue a text"
    if architecture in _NO_GRAPH or not (architecture in TRAINS_FROM_GGUF or llama_cpp_knows(architecture)):
        return f"llama.cpp cannot run {architecture} models"
    return converted_wrongly(head, tensors, parts)


def converted_wrongly(head: GgufHeader, tensors: list[Tensor], parts: int) -> str:
    """Return what is missing in the file or does not fit together, so that no program can use it."""
    return _of_split(head, parts) or _of_tokenizer(head) or _of_table(head, tensors) or _of_tensors(head, tensors)


def _of_split(head: GgufHeader, parts: int) -> str:
    """Return what is wrong with a model in several files; llama.cpp knows a part by its name alone."""
    count, number = head.number("split.count"), head.number("split.no") + 1
    if count <= parts:
        return ""
    return (
        f"it is part {number} of a model in {count} files, which must lie together under their own names "
        f"(NAME-{number:05d}-of-{count:05d}.gguf)"
    )


def _of_tokenizer(head: GgufHeader) -> str:
    kind, tokens = head.text("tokenizer.ggml.model"), head.counts.get("tokenizer.ggml.tokens", 0)
    if kind in ("", "none", "no_vocab") or not tokens:
        return f"it was converted without its tokenizer; {_ANOTHER}"
    if kind != "gpt2":
        return "" if llama_cpp_knows(kind) else f"llama.cpp does not know its kind of tokenizer ({_plain(kind)})"
    if not head.counts.get("tokenizer.ggml.merges", 0):
        return f"it was converted wrongly: its tokenizer has no merges; {_ANOTHER}"
    splits = head.text("tokenizer.ggml.pre")
    if splits and not llama_cpp_knows(splits):
        return f"llama.cpp does not know its tokenizer's way to split a text (tokenizer.ggml.pre is {_plain(splits)})"
    return ""


def _of_table(head: GgufHeader, tensors: list[Tensor]) -> str:
    table = embedding_table(tensors)
    if table is None:
        return f"it was converted wrongly: its embedding table is missing; {_ANOTHER}"
    rows, tokens = table.shape[1], head.counts.get("tokenizer.ggml.tokens", 0)
    if rows != tokens:
        return f"it was converted wrongly: its embedding table has {rows:,} rows for {tokens:,} tokens; {_ANOTHER}"
    return ""


def _of_tensors(head: GgufHeader, tensors: list[Tensor]) -> str:
    for tensor in tensors:
        if tensor.type in _GIVEN_UP:
            return (
                f"its weights are packed as {_GIVEN_UP[tensor.type]}, which llama.cpp has given up; "
                "take a Q4_0 or Q4_K_M file of the same model"
            )
    layers: dict[int, set[str]] = {}
    for tensor in tensors:
        begin, _, rest = tensor.name.partition(".")
        number, _, part = rest.partition(".")
        if begin == "blk" and number.isdigit():
            layers.setdefault(int(number), set()).add(part)
    count = head.of_model("block_count")
    lacking = next((f"layer {layer}" for layer in range(min(count, 10_000)) if layer not in layers), "")
    if not lacking and layers and head.architecture in _ALIKE:
        usual = max(layers.values(), key=len)
        lacking = next(
            (f"blk.{layer}.{min(usual - parts)}" for layer, parts in sorted(layers.items()) if usual - parts), ""
        )
    return f"it is not whole: {lacking} is missing; take another copy or conversion of it" if lacking else ""


def no_train_gguf(head: GgufHeader, path: Path, names: Iterable[str]) -> str:
    """Return why transformers cannot load it to train through, where llama.cpp could write with it."""
    from ..corrections import refuse
    from ..headers.gguf_settings import GgufSettings

    if head.architecture not in TRAINS_FROM_GGUF:
        return f"transformers does not read GGUF files of {head.architecture} models"
    try:
        refuse(GgufSettings(head.architecture, head.fields, dict.fromkeys(names, ()), {}), path.stem)
    except NoModel as error:
        return error.message.partition(": ")[2].rstrip(".") or error.message
    return ""


def no_modules_gguf(head: GgufHeader, width: int, name: str) -> str:
    """Return why no module can stand in front of it when llama.cpp writes, as a sentence."""
    from ..injection import injection_for

    per_layer = head.of_model("embedding_length_per_layer_input")
    return injection_for(head.architecture, max(1, width), max(1, width), 0, per_layer, name).refusal


def _plain(said: str) -> str:
    """Return a word of a stranger's file as it may be shown."""
    return "".join(letter if letter.isprintable() else "?" for letter in said)[:60]
