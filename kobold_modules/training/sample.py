"""A few words written by the module as it is, through the very model it is trained through.

Always the same opening and the same seed, so that what changes from one sample to the next is the module.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from ..forward.prompt_loss import PromptLoss


OPENING_WORDS = 24
TOKENS = 40
TEMPERATURE = 0.7


def opening_of(text: str, words: int = OPENING_WORDS) -> str:
    """Return the first ``words`` words of ``text``, its paragraphs kept."""
    found = list(re.finditer(r"\S+", text))[:words]
    return text[: found[-1].end()] if found else ""


@torch.no_grad()
def sample(loss: PromptLoss, prompt: Tensor | None, opening: str, tokens: int = TOKENS, seed: int = 1) -> str:
    """Return ``opening`` and up to ``tokens`` tokens after it.

    Args:
        prompt: float32 ``[virtual tokens, width]`` as ``loss`` takes it, or None for the bare model.
    """
    frozen = loss.frozen
    ids = frozen.encode(opening)
    table = frozen.model.get_input_embeddings()
    text = table(torch.tensor(ids, dtype=torch.int64, device=frozen.device))
    embeds, cache = (text[None], None) if prompt is None else loss.opening(prompt, text)
    generator = torch.Generator().manual_seed(seed)
    written = b""
    room = frozen.context - len(text) - (0 if prompt is None else len(prompt))
    for _ in range(min(tokens, room)):
        out = frozen.model(inputs_embeds=embeds, cache=cache, use_cache=True)
        cache = getattr(out, "cache", None)
        shares = torch.softmax(out.logits[0, -1].float().cpu() / TEMPERATURE, dim=-1)
        token = int(torch.multinomial(shares, 1, generator=generator))
        piece = frozen.piece(token)
        if not piece:  # an end of text, or another special token
            break
        written += piece
        step = table(torch.tensor([[token]], device=frozen.device))
        embeds = step if cache is not None else torch.cat([embeds, step], dim=1)
    return opening + written.decode("utf-8", "ignore")
