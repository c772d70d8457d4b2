"""The fused way through a Llama-like model: prompt and text in one flat array, weights fused, layers by hand.

Taken where a model's modules have the known names and shapes, which covers Llama, Mistral, Qwen2, Qwen3 and what is
built like them. ``PromptLoss`` compares its losses with the model's own before it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..backends.torch.load import TorchModel
from .fused_layer import Rotary, Weights, layer
from .ops import PLAIN, Ops
from .prefix_attention import Layout
from .prefix_layer import prefix_layer


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
        self._rotary_embedding = decoder.rotary_emb
        self._final = decoder.norm
        window = getattr(config, "sliding_window", None)
        self.longest = int(window) if window else frozen.context
        self._layers = [_weights(each, config) for each in decoder.layers]
        self._angles: tuple[tuple[int, ...], Rotary] | None = None
        self.ops: Ops = PLAIN

    def hidden(self, embeds: Tensor, rows: Tensor, segments: Tensor | None = None) -> Tensor:
        """Return hidden states of the text after the final norm, ``[prompts * rows, length, width]``.

        Args:
            embeds: what enters the model for the prompts, ``[prompts, tokens, width]``.
            rows: int64 ``[prompts * rows, length]``; rows behind the same prompt stand together.
            segments: int64 like ``rows``: the document each position belongs to, or None for one document a row.
        """
        # The flat array: first every prompt's virtual positions, then every row of text, [positions, width]. Nothing is
        # padded, and all products of a layer run over it at once.
        prompts, tokens, width = embeds.shape
        count, length = rows.shape
        mask = None
        # Packed documents: position i sees j where both are of one document and j <= i; bool [rows, 1, length, length].
        # Rows of one document need no mask: the kernels' causal mode is the same and skips the hidden half.
        if segments is not None and bool((segments != segments[:, :1]).any()):
            mask = (segments[:, :, None] == segments[:, None, :]).tril()[:, None]
        at = Layout(prompts, tokens, count // prompts, length, mask)
        rotary = self._rotary_of(at, embeds)
        text = self._frozen.model.get_input_embeddings()(rows).view(-1, width).to(embeds.dtype)
        x = torch.cat([embeds.reshape(-1, width), text])
        # text enters the first layer as constants, so its gradient need not be computed there
        for number, weights in enumerate(self._layers):
            x = layer(x, weights, rotary, self.ops, first=number == 0)
        # the prompts' own outputs predict nothing that has a target: only the text goes on to the head
        hidden: Tensor = self._final(x[at.virtual :].view(count, length, width))
        return hidden

    def hidden_behind(
        self, prefixes: Sequence[tuple[Tensor, Tensor]], rows: Tensor, segments: Tensor | None = None
    ) -> Tensor:
        """Return hidden states as :meth:`hidden`, of text behind keys and values of every layer; differentiable there.

        Args:
            prefixes: for each layer keys and values, ``[prompts, kv_heads, tokens, head_dim]``, rotated.
            rows, segments: as of :meth:`hidden`.
        """
        prompts, _, tokens, _ = prefixes[0][0].shape
        count, length = rows.shape
        mask = None
        if segments is not None and bool((segments != segments[:, :1]).any()):
            mask = (segments[:, :, None] == segments[:, None, :]).tril()[:, None]
        # only text goes through the layers: what stands before it is in every layer's keys and values already
        at = Layout(prompts, 0, count // prompts, length, mask)
        table = self._frozen.model.get_input_embeddings()
        x = table(rows).view(count * length, -1).to(prefixes[0][0].dtype)
        rotary = self._rotary_of(at, x, tokens)
        for number, (weights, (keys, values)) in enumerate(zip(self._layers, prefixes, strict=True)):
            x = prefix_layer(x, keys, values, weights, rotary, self.ops, first=number == 0)
        hidden: Tensor = self._final(x.view(count, length, -1))
        return hidden

    def _rotary_of(self, at: Layout, like: Tensor, behind: int = 0) -> Rotary:
        """Return the angles: text starts behind its prompt, and each document of a row starts there anew.

        ``behind`` is how many positions of a given prefix stand before it besides.
        """
        # angles depend on the shape alone where no document begins inside a row: kept for the next step, often the same
        shape = (at.prompts, at.tokens, at.rows, at.length, behind)
        if at.mask is None and self._angles is not None and self._angles[0] == shape:
            return self._angles[1]
        # virtual token m of each prompt stands at position m, text token m of each row at position tokens + m
        virtual = torch.arange(at.tokens, device=like.device).repeat(at.prompts)
        text = torch.arange(at.length, device=like.device).expand(at.prompts * at.rows, -1)
        if at.mask is not None:
            # a position sees itself and all of its document before it, so the count of those less one is its own place
            text = at.mask[:, 0].sum(-1) - 1
        positions = torch.cat([virtual, behind + at.tokens + text.flatten()])[None]
        # the model's own embedding gives cos(m theta_i), sin(m theta_i), with whatever scaling it knows (linear, YaRN)
        # [1, positions, head width] -> [positions, 1, head width], the same for all heads
        cos, sin = (each[0].unsqueeze(1) for each in self._rotary_embedding(like, positions))
        rotary = Rotary(cos, sin, at)
        if at.mask is None:
            self._angles = (shape, rotary)
        return rotary


def _weights(each: Any, config: Any) -> Weights:
    # AttributeError here says that the layer is no Llama's, which FusedLlama's callers take as an answer
    attention, mlp = each.self_attn, each.mlp
    projections = [attention.q_proj, attention.k_proj, attention.v_proj]
    head_width = int(attention.head_dim)
    if attention.o_proj.bias is not None or mlp.gate_proj.bias is not None or mlp.down_proj.bias is not None:
        raise ValueError("biases where Llama has none")
    # one product instead of three (and of two): x is read once, and short products pay their fixed cost once
    qkv = _fuse([p.weight for p in projections])
    gate_up = _fuse([mlp.gate_proj.weight, mlp.up_proj.weight])
    biases = [p.bias for p in projections]
    # LayerNorm calls it eps: what has variance_epsilon is an RMSNorm, weights as they are (not 1 + w, as in Gemma)
    epsilon = getattr(each.input_layernorm, "variance_epsilon", None)
    if epsilon is None:
        raise ValueError("a norm of another kind")
    return Weights(
        norm=_wide(each.input_layernorm.weight),
        qkv=qkv,
        qkv_bias=None if biases[0] is None else torch.cat(biases),
        q_norm=_wide(attention.q_norm.weight) if hasattr(attention, "q_norm") else None,
        k_norm=_wide(attention.k_norm.weight) if hasattr(attention, "k_norm") else None,
        out=attention.o_proj.weight,
        inner_norm=_wide(each.post_attention_layernorm.weight),
        gate_up=gate_up,
        down=mlp.down_proj.weight,
        heads=projections[0].weight.shape[0] // head_width,
        kv=projections[1].weight.shape[0] // head_width,
        head_width=head_width,
        epsilon=float(epsilon),
        scale=float(attention.scaling),
        activation=ACTIVATIONS[config.hidden_act],  # type: ignore[arg-type]
    )


def _wide(weight: Tensor) -> Tensor:
    """Return it in float32 at least: norms cost little, and what they scale is the residual stream."""
    return weight.float() if weight.dtype.itemsize < 4 else weight


def _fuse(parameters: list[Any]) -> Tensor:
    """Join several matrices into one; the parameters become views of it, so that nothing is in memory twice."""
    if (joined := _side_by_side(parameters)) is not None:
        return joined
    fused = torch.cat([parameter.detach() for parameter in parameters])
    at = 0
    for parameter in parameters:
        # rows at .. at + len of the joined matrix: contiguous, so the model's own forward runs on it as before
        parameter.data = fused[at : at + len(parameter)]
        at += len(parameter)
    return fused


def _side_by_side(parameters: list[Any]) -> Tensor | None:
    """Return matrices that follow one another in one piece of memory as one; None where they do not."""
    first: Tensor = parameters[0].detach()
    at = first.storage_offset()
    for each in parameters:
        alike = each.is_contiguous() and each.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        if not alike or each.storage_offset() != at:
            return None
        at += each.numel()
    rows = sum(len(each) for each in parameters)
    return first.as_strided((rows, first.shape[1]), (first.shape[1], 1))
