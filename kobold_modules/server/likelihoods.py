"""Probabilities of written tokens in the shapes that clients read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .job import Likely


def chat_logprobs(tokens: Sequence[Likely]) -> dict[str, Any]:
    """Return OpenAI's shape for conversations, which koboldcpp has, too."""
    return {
        "content": [
            {
                **_one(likely.piece, likely.logprob),
                "top_logprobs": [_one(piece, logprob) for piece, _, logprob in likely.top],
            }
            for likely in tokens
        ],
        "refusal": None,
    }


def completion_logprobs(tokens: Sequence[Likely], at: int = 0) -> dict[str, Any]:
    """Return OpenAI's older shape, of lists; ``at`` is the character where the first token begins."""
    offsets = []
    for likely in tokens:
        offsets.append(at)
        at += len(_text(likely.piece))
    return {
        "tokens": [_text(likely.piece) for likely in tokens],
        "token_logprobs": [likely.logprob for likely in tokens],
        "top_logprobs": [{_text(piece): logprob for piece, _, logprob in likely.top} for likely in tokens],
        "text_offset": offsets,
    }


def probabilities(tokens: Sequence[Likely]) -> list[dict[str, Any]]:
    """Return llama-server's shape."""
    return [
        {
            "id": likely.token,
            **_one(likely.piece, likely.logprob),
            "top_logprobs": [{"id": token, **_one(piece, logprob)} for piece, token, logprob in likely.top],
        }
        for likely in tokens
    ]


def _one(piece: bytes, logprob: float) -> dict[str, Any]:
    return {"token": _text(piece), "logprob": logprob, "bytes": list(piece)}


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")
