"""One loop that trains a small Llama from nothing within a budget of minutes.

The learning rate follows the clock, not a step count, so that the run always ends fully decayed however busy the
machine is. Rows grow from 256 to the full context: short rows are cheaper and teach the same words early on.
Under ``torchrun`` the ranks average their gradients; on two cores, two single-threaded ranks are a little faster than
one process with two threads, and do not collapse when a core is busy elsewhere.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as functional
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM


@dataclass(frozen=True, slots=True)
class Recipe:
    """Shape and schedule. ``rows`` lists (share of the budget at which it begins, tokens per row)."""

    vocabulary: int = 6144
    width: int = 320
    layers: int = 5
    heads: int = 5
    feed_forward: int = 832
    context: int = 1024
    tokens_per_step: int = 8192
    tokens_per_pass: int = 2048
    matrix_lr: float = 0.02
    vector_lr: float = 0.003
    warm_up: float = 0.01
    minutes: float = 105.0
    rows: tuple[tuple[float, int], ...] = ((0.0, 256), (0.65, 512), (0.85, 1024))
    seed: int = 1
    compiled: bool = True

    def config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            intermediate_size=self.feed_forward,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.heads,
            max_position_embeddings=self.context,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=0,
            attn_implementation="sdpa",
        )

    def row_length(self, progress: float) -> int:
        return [length for start, length in self.rows if progress >= start][-1]

    def rate(self, progress: float) -> float:
        """Return the learning-rate factor at ``progress`` in [0, 1]: short warm-up, then a straight line to zero."""
        if progress < self.warm_up:
            return progress / self.warm_up
        return max(0.0, (1 - progress) / (1 - self.warm_up))


def new_model(recipe: Recipe) -> LlamaForCausalLM:
    """Return a Llama whose blocks start as the identity (output projections zero), which trains faster at this size."""
    torch.manual_seed(recipe.seed)
    model = LlamaForCausalLM(recipe.config())
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    return model


def _blocks(tokens: np.ndarray, length: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield endless rows of ``length + 1`` ids; each pass over the text starts at a new offset in a new order."""
    while True:
        offset = int(rng.integers(length))
        starts = np.arange(offset, len(tokens) - length - 1, length)
        rng.shuffle(starts)
        for start in starts:
            yield tokens[start : start + length + 1].astype(np.int64)


def train(tokens: np.ndarray, recipe: Recipe, checkpoint: Path, log: Path) -> tuple[LlamaForCausalLM, dict[str, float]]:
    """Train on ``tokens`` (uint16, one long stream); resumes from ``checkpoint`` if it exists.

    Returns the model and the run's facts: ``steps``, ``tokens_seen``, ``seconds``.
    """
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1:
        dist.init_process_group("gloo")
    model = new_model(recipe)
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    # Muon reaches a loss that AdamW needs about twice the tokens for; embeddings, head and norm gains stay with AdamW,
    # as the method prescribes. Every process takes the same step: gradients are averaged before it.
    muon = torch.optim.Muon(matrices, lr=recipe.matrix_lr, weight_decay=0.02)
    adam = torch.optim.AdamW(vectors, lr=recipe.vector_lr, betas=(0.9, 0.95), weight_decay=0.0)
    optimisers: list[torch.optim.Optimizer] = [muon, adam]

    def loss_of(inputs: Tensor, targets: Tensor) -> Tensor:
        hidden = model.model(inputs, use_cache=False).last_hidden_state
        return functional.cross_entropy(model.lm_head(hidden).flatten(0, 1), targets.flatten())

    step, elapsed, seen = 0, 0.0, 0
    mine = checkpoint.with_suffix(f".{rank}.pt")
    if mine.exists():
        saved = torch.load(mine, weights_only=True)
        model.load_state_dict(saved["model"])
        for optimiser, state in zip(optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        step, elapsed, seen = saved["step"], saved["elapsed"], saved["seen"]
    rng = np.random.default_rng([recipe.seed, rank, step])
    length, stream, compiled = 0, None, loss_of
    passes = recipe.tokens_per_step // recipe.tokens_per_pass // world
    budget = recipe.minutes * 60
    last, saved_at, smoothed = time.monotonic(), elapsed, math.nan
    while elapsed < budget:
        progress = elapsed / budget
        if recipe.row_length(progress) != length:
            length = recipe.row_length(progress)
            stream = _blocks(tokens, length, rng)
            torch._dynamo.reset()
            if recipe.compiled:
                compiled = torch.compile(loss_of, dynamic=False)
        assert stream is not None
        total = torch.zeros(())
        for _ in range(passes):
            rows = np.stack([next(stream) for _ in range(recipe.tokens_per_pass // length)])
            batch = torch.from_numpy(rows)
            loss = compiled(batch[:, :-1], batch[:, 1:].contiguous()) / passes
            loss.backward()
            total += loss.detach()
        if world > 1:
            _average_gradients(model, total, world)
        for optimiser, base in zip(optimisers, (recipe.matrix_lr, recipe.vector_lr), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = base * recipe.rate(progress)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        step, seen = step + 1, seen + recipe.tokens_per_step
        now = time.monotonic()
        clock = torch.tensor([elapsed + now - last, float(total)], dtype=torch.float64)
        if world > 1:
            dist.broadcast(clock, src=0)
        elapsed, last = float(clock[0]), now
        smoothed = float(clock[1]) if math.isnan(smoothed) else 0.95 * smoothed + 0.05 * float(clock[1])
        if rank == 0 and (step % 20 == 0 or step < 5):
            with log.open("a") as out:
                out.write(
                    f"{step} {elapsed:.0f}s tokens {seen} row {length} loss {smoothed:.4f} tok/s {seen / elapsed:.0f}\n"
                )
        if elapsed - saved_at > 240:
            saved_at = elapsed
            state = {"model": model.state_dict(), "optimisers": [o.state_dict() for o in optimisers]}
            torch.save({**state, "step": step, "elapsed": elapsed, "seen": seen}, mine.with_suffix(".tmp"))
            os.replace(mine.with_suffix(".tmp"), mine)
    return model, {"steps": step, "tokens_seen": seen, "seconds": round(elapsed)}


def _average_gradients(model: LlamaForCausalLM, total: Tensor, world: int) -> None:
    flat = torch.cat([total.view(1), *(p.grad.view(-1) for p in model.parameters())])
    dist.all_reduce(flat)
    flat /= world
    total.copy_(flat[0])
    offset = 1
    for parameter in model.parameters():
        parameter.grad.copy_(flat[offset : offset + parameter.numel()].view_as(parameter))
        offset += parameter.numel()
