"""A module as vLLM's clients send one: base64 of torch.save of a float tensor ``[tokens, hidden]``, in a chat's parts.

vLLM (``--enable-prompt-embeds``) takes such parts anywhere between parts of text, so a stack is several of them. What
it wants is what the transformers embedding module returns: our rows, multiplied where that module multiplies (Gemma,
XGLM). What is written is the body of a request; a file beside it has the server's line and curl's.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path

from ..disk.files import write_file
from ..errors import EngineFailed
from ..soft_prompt.module import Module, Vectors
from . import peft


# vLLM renders a chat; this template prints what was sent, and nothing else.
TEMPLATE = "{%- for message in messages -%}{{ message['content'] }}{%- endfor -%}"
PROMPT = "Your text goes here."


def write(modules: Sequence[Module], path: Path) -> None:
    """Write the request to ``path``, and beside it a page that says how to use it, and a chat template.

    Raises:
        BadUsage, OutOfDisk: that cannot be written.
        EngineFailed: torch, which makes the tensors, cannot be loaded.
    """
    model = peft.without_path(modules[0].card.model) or "MODEL"
    write_file(path, json.dumps(body(modules, model), indent=1).encode("ascii"))
    write_file(path.with_suffix(".jinja"), TEMPLATE.encode("ascii"))
    write_file(path.with_suffix(".txt"), page(modules, model, path.name).encode())


def body(modules: Sequence[Module], model: str) -> dict[str, object]:
    """Return the body of a request that continues a text behind ``modules``."""
    parts: list[dict[str, str]] = [{"type": "prompt_embeds", "data": encoded(module)} for module in modules]
    return {
        "model": model,
        "messages": [{"role": "user", "content": [*parts, {"type": "text", "text": PROMPT}]}],
        "max_tokens": 120,
        "add_generation_prompt": False,
    }


def encoded(module: Module) -> str:
    """Return the tensor of ``module``, in the unit of its model's embedding module. Raises EngineFailed."""
    try:
        import torch
    except (ImportError, OSError) as error:
        raise EngineFailed(
            "torch cannot be loaded, and it makes vLLM's tensors.", "Install it: `pip install torch`."
        ) from error
    saved = io.BytesIO()
    torch.save(torch.from_numpy(scaled(module).copy()), saved)
    return base64.b64encode(saved.getvalue()).decode("ascii")


def scaled(module: Module) -> Vectors:
    """Return the rows as the model's own embedding module would return them: float32 ``[tokens, width]``."""
    import numpy as np

    scale = peft.scale_of(module.card, "", module.width)
    return module.vectors if scale == 1 else module.vectors * np.float32(scale)


def page(modules: Sequence[Module], model: str, name: str) -> str:
    """Return what stands beside the request ``name``: the two commands."""
    stem = Path(name).stem
    names = " + ".join(module.card.name for module in modules)
    tokens = sum(module.tokens for module in modules)
    return (
        f"{names}: {tokens} virtual tokens for {model}, for vLLM\n\n"
        "Start the server (the template prints a text as it is, as this program does; leave it out for chats):\n"
        f"  vllm serve {model} --enable-prompt-embeds --chat-template {stem}.jinja\n\n"
        "Put your text in the place of “Your text goes here.” and send it:\n"
        "  curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json' -d @" + name + "\n\n"
        "Each part of the kind prompt_embeds is a module. Parts may be left out, and stand in any order. Only people\n"
        "you trust should reach a server that takes such parts: that is vLLM's own advice.\n"
    )
