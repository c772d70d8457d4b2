"""The fused way through a Llama-like model: prompt and text in one flat array, weights fused, layers by hand.

Taken where a model's modules have the known names and shapes, which covers Llama, Mistral, Qwen2, Qwen3 and what is
built like them; whether it really computes the model's own losses is not believed but tried (``PromptLoss``).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..backends.torch.load import TorchModel
from .fused_layer import Turns, Weights, layer
from .ops import PLAIN, Pieces
from .prefix_attention import Layout


ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}


class FusedLlama:
    """A frozen decoder taken apart. Raises AttributeError or ValueError where the model is not built that way.

    Fused weights share memory with the model: its own projections become views of them.
    """

    def __init__(self, frozen: TorchModel) -> None:
        model = frozen.model
        config = model.config
        if config.hidden_act not in ACTIVATIONS:
            raise ValueError(config.hidden_act)
        if not frozen.whole:
            raise ValueError("layers are not to be taken apart")
        if frozen.device != "cpu":
            raise ValueError("the attention kernels used here are a CPU's")
        decoder = model.get_decoder()
        self._frozen = frozen
        self._rotary = decoder.rotary_emb
        self._final = decoder.norm
        window = getattr(config, "sliding_window", None)
        self.longest = int(window) if window else frozen.context
        self._layers = [_weights(each, config) for each in decoder.layers]
        self._turns: tuple[tuple[int, ...], Turns] | None = None
        self.pieces: Pieces = PLAIN

    def hidden(self, embeds: Tensor, rows: Tensor, segments: Tensor | None = None) -> Tensor:
        """Return hidden states of the text after the final norm, ``[prompts * rows, length, width]``.

        Args:
            embeds: what enters the model for the prompts, ``[prompts, tokens, width]``.
            rows: int64 ``[prompts * rows, length]``; rows behind the same prompt stand together.
            segments: int64 like ``rows``: the document each position belongs to, or None for one document a row.
        """
        prompts, tokens, width = embeds.shape
        count, length = rows.shape
        mask = None
        if segments is not None and bool((segments != segments[:, :1]).any()):
            mask = (segments[:, :, None] == segments[:, None, :]).tril()[:, None]
        at = Layout(prompts, tokens, count // prompts, length, mask)
        turns = self._turns_of(at, embeds)
        text = self._frozen.model.get_input_embeddings()(rows).view(-1, width)
        x = torch.cat([embeds.reshape(-1, width), text])
        for number, weights in enumerate(self._layers):
            x = layer(x, weights, turns, self.pieces, first=number == 0)
        hidden: Tensor = self._final(x[at.virtual :].view(count, length, width))
        return hidden

    def _turns_of(self, at: Layout, like: Tensor) -> Turns:
        """Return the angles: text starts behind its prompt, and each document of a row starts there anew."""
        shape = (at.prompts, at.tokens, at.rows, at.length)
        if at.mask is None and self._turns is not None and self._turns[0] == shape:
            return self._turns[1]
        front = torch.arange(at.tokens, device=like.device).repeat(at.prompts)
        text = torch.arange(at.length, device=like.device).expand(at.prompts * at.rows, -1)
        if at.mask is not None:
            text = at.mask[:, 0].sum(-1) - 1  # how many of its own document stand before it
        positions = torch.cat([front, at.tokens + text.flatten()])[None]
        cos, sin = (each[0].unsqueeze(1) for each in self._rotary(like, positions))
        turns = Turns(cos, sin, at)
        if at.mask is None:
            self._turns = (shape, turns)
        return turns


def _weights(each: Any, config: Any) -> Weights:
    attention, mlp = each.self_attn, each.mlp
    projections = [attention.q_proj, attention.k_proj, attention.v_proj]
    head_width = int(attention.head_dim)
    if attention.o_proj.bias is not None or mlp.gate_proj.bias is not None or mlp.down_proj.bias is not None:
        raise ValueError("biases where Llama has none")
    qkv = _fuse([p.weight for p in projections])
    gate_up = _fuse([mlp.gate_proj.weight, mlp.up_proj.weight])
    biases = [p.bias for p in projections]
    epsilon = getattr(each.input_layernorm, "variance_epsilon", None)
    if epsilon is None:
        raise ValueError("a norm of another kind")
    return Weights(
        norm=each.input_layernorm.weight,
        qkv=qkv,
        qkv_bias=None if biases[0] is None else torch.cat(biases),
        q_norm=attention.q_norm.weight if hasattr(attention, "q_norm") else None,
        k_norm=attention.k_norm.weight if hasattr(attention, "k_norm") else None,
        out=attention.o_proj.weight,
        inner_norm=each.post_attention_layernorm.weight,
        gate_up=gate_up,
        down=mlp.down_proj.weight,
        heads=projections[0].weight.shape[0] // head_width,
        kv=projections[1].weight.shape[0] // head_width,
        head_width=head_width,
        epsilon=float(epsilon),
        scale=float(attention.scaling),
        activation=ACTIVATIONS[config.hidden_act],  # type: ignore[arg-type]
    )


def _fuse(parameters: list[Any]) -> Tensor:
    """Join several matrices into one; the parameters become views of it, so that nothing is in memory twice."""
    fused = torch.cat([parameter.detach() for parameter in parameters])
    at = 0
    for parameter in parameters:
        parameter.data = fused[at : at + len(parameter)]
        at += len(parameter)
    return fused
