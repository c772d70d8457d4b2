"""A frozen causal model in torch, ready to be trained through."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ..errors import EngineFailed, NoModel, OutOfRoom
from ..fingerprint import Fingerprint
from .find import ModelFile
from .identify import identify
from .tokens import Encode, load_tokenizer


# transformers draws a progress bar of its own on our terminal; tqdm reads this when it is first imported.
os.environ.setdefault("TQDM_DISABLE", "1")


@dataclass(frozen=True, slots=True)
class TorchModel:
    """A model whose weights never change.

    Attributes:
        model: the transformers causal LM in eval mode, no parameter requiring gradients.
        encode: text to ids.
        table: its embedding weight, ``[vocabulary, width]``: raw rows, the unit of modules.
        scale: what the embedding module multiplies raw rows with (1 but for Gemma, XGLM): inputs_embeds = rows * scale.
        rms: root mean square of ``table``'s elements.
        context: most tokens, virtual ones included.
    """

    name: str
    model: Any
    encode: Encode
    table: Any
    scale: float
    rms: float
    context: int
    fingerprint: Fingerprint
    device: str


def load_torch_model(file: ModelFile, device: str = "auto") -> TorchModel:
    """Load ``file`` for training. Float32 on a CPU, bfloat16 on a GPU.

    Raises:
        NoModel: transformers does not know the architecture, or the file is damaged.
        OutOfRoom: it does not fit into memory.
    """
    import torch

    card = identify(file)
    device = _pick_device(device)
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    encode = load_tokenizer(file)
    model = _load(file, dtype)
    try:
        model = model.to(device)
    except torch.OutOfMemoryError as error:
        raise OutOfRoom(f"{file.name} does not fit on {device}.", "Try `--device cpu` or a smaller model.") from error
    model.eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    embeddings = model.get_input_embeddings()
    table = embeddings.weight
    probe = torch.arange(min(8, table.shape[0]), device=table.device)
    scale = float((embeddings(probe).float().norm() / table[probe].float().norm().clamp_min(1e-12)).item())
    return TorchModel(
        name=file.name,
        model=model,
        encode=encode,
        table=table,
        scale=1.0 if abs(scale - 1) < 1e-3 else scale,
        rms=float(table.float().pow(2).mean().sqrt()),
        context=card.context or 1024,
        fingerprint=card.fingerprint,
        device=device,
    )


def _pick_device(device: str) -> str:
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise EngineFailed("There is no CUDA device that torch can use.", "Leave out --device, or use `--device cpu`.")
    return device


def _load(file: ModelFile, dtype: Any) -> Any:
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers
    from transformers import AutoModelForCausalLM

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    options: dict[str, Any] = {"dtype": dtype, "trust_remote_code": False}
    try:
        if file.kind == "gguf":
            return AutoModelForCausalLM.from_pretrained(file.path.parent, gguf_file=file.path.name, **options)
        return AutoModelForCausalLM.from_pretrained(file.path, use_safetensors=True, **options)
    except MemoryError as error:
        raise OutOfRoom(
            f"{file.name} does not fit into memory.", "Close other programs or take a smaller model."
        ) from error
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NoModel(
            f"{file.name} cannot be loaded for training: {reason}",
            "transformers must know its architecture; the same model as a Hugging Face folder may load.",
        ) from error
