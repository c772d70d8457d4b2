"""A Llama in plain torch: what a training needs of one, without transformers, whose import takes longer than the rest.

Its parts are called as transformers calls them, so that whatever takes a model apart by those names takes this one
apart as well (``forward.fused_llama``), and its own forward pass is the literal one that faster ways are compared with.
RMSNorm, rotary positions, grouped-query attention and a gated feed-forward block: Touvron et al. 2023, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """The sizes of a Llama, under transformers' names."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    tie_word_embeddings: bool
    hidden_act: str = "silu"


class PlainCache:
    """Keys and values of each layer, ``[rows, kv_heads, positions, head_dim]``, of what has been read so far."""

    def __init__(self) -> None:
        self._layers: list[tuple[Tensor, Tensor]] = []

    @property
    def length(self) -> int:
        """Positions that have been read."""
        return self._layers[0][0].shape[2] if self._layers else 0

    def update(self, keys: Tensor, values: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Put ``keys`` and ``values`` behind those of ``layer``. Returns all of them."""
        if layer == len(self._layers):
            self._layers.append((keys, values))
        else:
            before = self._layers[layer]
            self._layers[layer] = torch.cat([before[0], keys], dim=2), torch.cat([before[1], values], dim=2)
        return self._layers[layer]

    def batch_repeat_interleave(self, times: int) -> None:
        """Let as many rows follow each one that has been read."""
        self._layers = [
            (keys.repeat_interleave(times, dim=0), values.repeat_interleave(times, dim=0))
            for keys, values in self._layers
        ]


class Hidden(NamedTuple):
    """What the decoder returns: states after the final norm, ``[rows, length, width]``."""

    last_hidden_state: Tensor
    cache: PlainCache | None


class Logits(NamedTuple):
    """What the model returns: ``[rows, length, vocabulary]``."""

    logits: Tensor
    cache: PlainCache | None


class RMSNorm(nn.Module):
    """Divide by the root mean square, taken in float32, and scale."""

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(0), requires_grad=False)
        self.variance_epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float() if x.dtype.itemsize < 4 else x
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.variance_epsilon)
        return self.weight * normed.to(x.dtype)


class RotaryEmbedding(nn.Module):
    """Cosines and sines, ``[1, positions, head_dim]``, of positions ``[1, positions]``."""

    def __init__(self, inverse: Tensor, scale: float) -> None:
        super().__init__()
        self.inv_freq = inverse  # float32 [head_dim / 2], kept out of the parameters so that no precision touches it
        self.attention_scaling = scale

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        half = position_ids[..., None].float() * self.inv_freq
        angles = torch.cat([half, half], dim=-1)
        return (angles.cos() * self.attention_scaling).to(x.dtype), (angles.sin() * self.attention_scaling).to(x.dtype)


class Attention(nn.Module):
    """Causal attention in which ``num_attention_heads / num_key_value_heads`` query heads share a key head."""

    def __init__(self, config: LlamaConfig, number: int) -> None:
        super().__init__()
        self.number = number
        self.head_dim = config.head_dim
        self.scaling = config.head_dim**-0.5
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (_unfilled() for _ in range(4))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, cache: PlainCache | None) -> Tensor:
        rows, length, _ = x.shape
        query, key, value = (
            projection(x).view(rows, length, -1, self.head_dim).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        query, key = _rotated(query, cos, sin), _rotated(key, cos, sin)
        if cache is not None:
            key, value = cache.update(key, value, self.number)
        shared = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(shared, dim=1), value.repeat_interleave(shared, dim=1)
        # position i of these sees all that was read before them, and of these themselves those up to i
        before = key.shape[2] - length
        mask = torch.ones(length, key.shape[2], dtype=torch.bool, device=x.device).tril(before)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=self.scaling)
        out: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(rows, length, -1))
        return out


class FeedForward(nn.Module):
    """``down(silu(gate(x)) * up(x))`` (Shazeer 2020)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = (_unfilled() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """Attention, then the feed-forward block, each behind a norm and beside the residual stream."""

    def __init__(self, config: LlamaConfig, number: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, number)
        self.mlp = FeedForward()
        self.input_layernorm = RMSNorm(config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.rms_norm_eps)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, cache: PlainCache | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, cache)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Decoder(nn.Module):
    """All layers: ids or embeddings in, hidden states out."""

    def __init__(self, config: LlamaConfig, rotary: RotaryEmbedding) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(1, 1)
        self.layers = nn.ModuleList(Layer(config, number) for number in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.rms_norm_eps)
        self.rotary_emb = rotary

    def forward(
        self,
        input_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        cache: PlainCache | None = None,
        use_cache: bool = False,
    ) -> Hidden:
        if cache is None and use_cache:
            cache = PlainCache()
        x = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        start = 0 if cache is None else cache.length
        positions = torch.arange(start, start + x.shape[1], device=x.device)[None]
        # [1, positions, head_dim] -> [1, 1, positions, head_dim], the same for all heads
        cos, sin = (each[:, None] for each in self.rotary_emb(x, positions))
        for layer in self.layers:
            x = layer(x, cos, sin, cache)
        return Hidden(self.norm(x), cache)


class PlainLlama(nn.Module):
    """A causal language model of the Llama kind. Its weights have no values until somebody gives them some."""

    def __init__(self, config: LlamaConfig, inverse: Tensor, scale: float) -> None:
        """Args: ``inverse``: frequencies of the rope, float32 ``[head_dim / 2]``; ``scale``: of cosines and sines."""
        super().__init__()
        self.config = config
        self.model = Decoder(config, RotaryEmbedding(inverse, scale))
        self.lm_head = _unfilled()

    def give(self, name: str, weight: Tensor) -> None:
        """Let the parameter called ``name`` be ``weight``, which is not copied."""
        owner, _, last = name.rpartition(".")
        module = self.get_submodule(owner)
        parameter = nn.Parameter(weight, requires_grad=False)
        setattr(module, last, parameter)
        if isinstance(module, nn.Linear):
            module.out_features, module.in_features = weight.shape
        if isinstance(module, nn.Embedding):
            module.num_embeddings, module.embedding_dim = weight.shape
            if self.config.tie_word_embeddings:
                self.give("lm_head.weight", parameter)

    def forward(
        self,
        input_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        cache: PlainCache | None = None,
        use_cache: bool = False,
    ) -> Logits:
        hidden, cache = self.model(input_ids, inputs_embeds, cache, use_cache)
        return Logits(self.lm_head(hidden), cache)

    def get_decoder(self) -> Decoder:
        return self.model

    def get_input_embeddings(self) -> nn.Embedding:
        return self.model.embed_tokens

    def get_output_embeddings(self) -> nn.Linear:
        return self.lm_head

    def new_cache(self) -> PlainCache:
        return PlainCache()


def _unfilled() -> nn.Linear:
    """Return a product whose matrix comes later. One on torch's meta device would cost the import of its compiler."""
    return nn.Linear(1, 1, bias=False)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn dimensions i and i + half of ``x``, ``[..., head_dim]``, by their angle."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin
