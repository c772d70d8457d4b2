"""A frozen causal model in torch, ready to be trained through."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import EngineFailed, KoboldModulesError, NoModel, OutOfMemory
from ...models.corrections import amend_config, amend_model, refuse
from ...models.headers.joined_gguf import joined
from ...models.headers.tensor_names import GGUF_TABLE
from ...models.reference import ModelFile
from ...models.usability.usable import check_can_train
from ...paths import cache_dir, made
from ...soft_prompt.fingerprint import Fingerprint
from ..tokenizer import load_vocabulary
from .four_bit import four_bit_options
from .placement import Placement, check_split, placement_for
from .precision import Precision, training_dtype


def _nothing(token: int) -> bytes:
    """Return no bytes, whatever the token: for models without a vocabulary, which tests make."""
    return b""


@dataclass(frozen=True, slots=True)
class TorchModel:
    """A model whose weights never change.

    Attributes:
        model: the transformers causal LM in eval mode, no parameter requiring gradients.
        encode: text to ids; ``piece``: an id's bytes, which may end inside a letter.
        encode_special: the same where control tokens of a chat template are to be read as such; None: as ``encode``.
        table: its embedding weight, ``[vocabulary, width]``: raw rows, the unit of modules.
        scale: what the embedding module multiplies raw rows with (1 but for Gemma, XGLM): inputs_embeds = rows * scale.
        rms: root mean square of ``table``'s elements.
        context: most tokens, virtual ones included.
        corrections: a few words for each setting of a GGUF file that transformers ignores and that was put right.
        whole: whether every weight is a plain tensor on ``device`` and layers are called as they are; False where
            layers are packed, streamed or computed again, so that nobody may take them apart.
    """

    name: str
    model: Any
    encode: Callable[[str], list[int]]
    table: Any
    scale: float
    rms: float
    context: int
    fingerprint: Fingerprint
    device: str
    corrections: tuple[str, ...] = ()
    whole: bool = True
    piece: Callable[[int], bytes] = _nothing
    encode_special: Callable[[str], list[int]] | None = None

    def new_cache(self) -> Any:
        """Return an empty cache of keys and values, as its model takes one."""
        if (make := getattr(self.model, "new_cache", None)) is not None:
            return make()
        from transformers import DynamicCache

        return DynamicCache(config=self.model.config)


def load_torch_model(
    file: ModelFile,
    device: str = "auto",
    *,
    weights: Placement | Literal["auto"] = "auto",
    recompute: bool = False,
    precision: Precision = "float32",
    plain: bool = False,
) -> TorchModel:
    """Load ``file`` for training. Float32 on a CPU, bfloat16 on a GPU.

    Args:
        weights: how they are kept, see keeping.py; ``auto`` takes the fastest way that fits.
        precision: of the weights on a CPU; ``auto`` is the faster one (``precision``).
        recompute: let layers compute again on the way backward (recompute.py); streamed ones always do.
        plain: read a Llama's GGUF file without transformers where that can be done (gguf_llama.py): for a training,
            which takes its layers apart.

    Raises:
        NoModel: transformers does not know the architecture, or the file is damaged.
        OutOfMemory: it does not fit into memory.
        BadUsage, EngineFailed: weights are to be kept in a way that cannot be had here.
    """
    import torch

    from .checkpointing import Recomputed
    from .streaming import Streamed

    check_can_train(file)
    device = _pick_device(device)
    kept = placement_for(file, device) if weights == "auto" else weights
    more: dict[str, Any] = {}
    if kept == "4-bit":
        more = four_bit_options(file, device)
    elif kept == "split":
        check_split(device)
        more = {"device_map": "auto"}
    dtype = training_dtype(precision, device) if device == "cpu" else torch.bfloat16
    vocabulary = load_vocabulary(file)
    model, corrections = _load(file, dtype, more, plain and device == "cpu" and kept == "whole" and not recompute)
    model.eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    try:
        if kept == "streamed":
            Streamed(model, device)
        elif kept == "disk":
            Streamed(model, device, "disk", made(cache_dir()))
        elif kept == "whole":  # packed and split ones are on their cards already
            model = model.to(device)
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            f"{file.name} does not fit on {device}.",
            "Stream its layers (--weights streamed), or try `--device cpu` or a smaller model.",
        ) from error
    if recompute and kept not in ("streamed", "disk"):
        Recomputed(model)
    embeddings = model.get_input_embeddings()
    table = embeddings.weight
    probe = torch.arange(min(8, table.shape[0]), device=table.device)
    scale = float((embeddings(probe).float().norm() / table[probe].float().norm().clamp_min(1e-12)).item())
    return TorchModel(
        name=file.name,
        model=model,
        encode=vocabulary.tokenize,
        piece=vocabulary.piece,
        encode_special=lambda text: vocabulary.tokenize(text, special=True),
        table=table,
        scale=1.0 if abs(scale - 1) < 1e-3 else scale,
        rms=_rms(table),
        context=file.facts.context or 1024,
        fingerprint=file.fingerprint,
        device=str(table.device) if kept == "split" else device,
        corrections=corrections,
        whole=kept == "whole" and not recompute,
    )


def _rms(table: Any) -> float:
    """Return the root mean square of ``table``, a slice at a time: a wide copy of a large one would not fit."""
    total = sum(float(part.float().square().sum()) for part in table.split(8192))
    return float((total / table.numel()) ** 0.5)


def _pick_device(device: str) -> str:
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise EngineFailed("There is no CUDA device that torch can use.", "Leave out --device, or use `--device cpu`.")
    return device


def _load(file: ModelFile, dtype: Any, more: dict[str, Any], plain: bool) -> tuple[Any, tuple[str, ...]]:
    """Load the model, with ``plain`` in plain torch where it can be. Returns it and the corrections made to it."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    options: dict[str, Any] = {"dtype": dtype, "trust_remote_code": False, **more}
    try:
        if plain and file.kind == "gguf":
            from .gguf_llama import read_llama

            if (llama := read_llama(file, dtype)) is not None:
                return llama, ()
        if file.kind == "gguf":
            return _load_gguf(file, options)
        return _load_folder(file, options), ()
    except MemoryError as error:
        raise OutOfMemory(
            f"{file.name} does not fit into memory.", "Close other programs or take a smaller model."
        ) from error
    except KoboldModulesError:
        raise
    except Exception as error:  # whatever a strange config.json leads transformers to
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        other = "a GGUF file" if file.kind == "hf" else "a Hugging Face folder"
        raise NoModel(
            f"transformers cannot load {file.name}: {reason.rstrip('.')}.",
            f"It must know the architecture; the same model as {other} may load.",
        ) from error


def _load_folder(file: ModelFile, options: dict[str, Any]) -> Any:
    from transformers import AutoModelForCausalLM

    # Without this a matrix of another shape is an error about options; so it is one that names the tensor.
    options = options | {"use_safetensors": True, "output_loading_info": True, "ignore_mismatched_sizes": True}
    with _without_adapters():
        model, found = AutoModelForCausalLM.from_pretrained(file.path, **options)
    # transformers fills up what a folder lacks with random numbers, which nobody would notice.
    if lacking := sorted(found["missing_keys"]):
        more = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise NoModel(
            f"{file.name} is not whole: {lacking[0]} is missing in its weights{more}.",
            "Take another copy or conversion of it.",
        )
    if wrong := sorted(str(each[0] if isinstance(each, tuple) else each) for each in found["mismatched_keys"]):
        raise NoModel(
            f"{file.name} does not fit together: {wrong[0]} has another shape than its config.json says.",
            "Take another copy or conversion of it.",
        )
    return model


@contextmanager
def _without_adapters() -> Iterator[None]:
    """Let transformers load a folder's model alone: where PEFT is installed it adds an adapter that lies beside it."""
    from transformers.integrations import peft
    from transformers.models.auto import auto_factory

    before = [(module, module.is_peft_available) for module in (peft, auto_factory)]
    try:
        for module, _ in before:
            module.is_peft_available = lambda: False
        yield
    finally:
        for module, available in before:
            module.is_peft_available = available


def _load_gguf(file: ModelFile, options: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    from transformers import AutoConfig, AutoModelForCausalLM

    from .gguf_reading import quick_gguf

    settings = file.settings
    refuse(settings, file.name)
    with quick_gguf(), joined(file.parts) as whole:
        config = AutoConfig.from_pretrained(whole.parent, gguf_file=whole.name)
        vocabulary = settings.shapes[GGUF_TABLE][-1]
        config.vocab_size = vocabulary  # transformers counts the texts, which are left out
        amend_config(config, settings)
        model, found = AutoModelForCausalLM.from_pretrained(
            whole.parent, gguf_file=whole.name, config=config, output_loading_info=True, **options
        )
    # What a file lacks is filled in: biases with zeros, which is right, weights at random, which nobody would notice.
    lacking = sorted(key for key in found["missing_keys"] if not key.endswith(".bias"))
    if lacking:
        raise NoModel(
            f"{file.name} cannot be loaded for training: transformers does not find {lacking[0]} in it.",
            "Train through the same model as a Hugging Face folder; the module then fits this file too.",
        )
    return model, amend_model(model, settings)
